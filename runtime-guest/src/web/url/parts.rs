//! The parts of a URL, and the text that they make. It must never know how a text becomes a URL.
//!
//! Scripts hold a URL as its text. The text of a valid URL has one reading only, so the parts are found again by
//! looking for the characters that separate them.

use alloc::string::String;

/// A URL in parts.
#[derive(Default)]
pub struct Url {
    pub scheme: String,
    pub username: String,
    pub password: String,
    /// Absent, or as it is written.
    pub host: Option<String>,
    pub port: Option<u16>,
    /// For each segment a slash and the segment. The text alone where the path is opaque.
    pub path: String,
    pub is_opaque: bool,
    pub query: Option<String>,
    pub fragment: Option<String>,
}

/// The parts of the text of a valid URL.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    pub scheme: &'a str,
    pub username: &'a str,
    pub password: &'a str,
    pub host: Option<&'a str>,
    pub port: Option<u16>,
    pub path: &'a str,
    pub is_opaque: bool,
    pub query: Option<&'a str>,
    pub fragment: Option<&'a str>,
}

/// The text before a character and the text behind it.
pub fn split_at(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

/// The host, with the port behind its colon.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    let host_bytes = if authority.starts_with('[') { authority.find(']').unwrap_or(0) } else { 0 };
    match authority.get(host_bytes..).and_then(|rest| rest.find(':')) {
        Some(colon) => {
            let (host, port) = authority.split_at(host_bytes + colon);
            (host, port.get(1..))
        }
        None => (authority, None),
    }
}

impl<'a> Parts<'a> {
    /// The parts of a text that [`Url::write`] has made.
    pub fn of(text: &'a str) -> Parts<'a> {
        let (text, fragment) = split_at(text, '#');
        let (text, query) = split_at(text, '?');
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut parts = Parts {
            scheme,
            username: "",
            password: "",
            host: None,
            port: None,
            path: rest,
            is_opaque: !rest.starts_with('/'),
            query,
            fragment,
        };
        if let Some(rest) = rest.strip_prefix("//") {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = match authority.split_once('@') {
                Some((user, host)) => {
                    (parts.username, parts.password) = user.split_once(':').unwrap_or((user, ""));
                    host
                }
                None => authority,
            };
            let (host, port) = split_port(host);
            parts.host = Some(host);
            parts.port = port.and_then(|port| port.parse().ok());
            parts.path = path;
            parts.is_opaque = false;
        } else if rest.starts_with("/.//") {
            parts.path = rest.get(2..).unwrap_or_default();
        }
        parts
    }

    /// Copies of the parts.
    pub fn owned(&self) -> Url {
        Url {
            scheme: self.scheme.into(),
            username: self.username.into(),
            password: self.password.into(),
            host: self.host.map(Into::into),
            port: self.port,
            path: self.path.into(),
            is_opaque: self.is_opaque,
            query: self.query.map(Into::into),
            fragment: self.fragment.map(Into::into),
        }
    }
}

impl Url {
    /// The text of the whole.
    pub fn write(&self) -> String {
        let length = |part: &Option<String>| part.as_ref().map_or(0, |part| part.len() + 1);
        let credentials = self.username.len() + self.password.len() + 2;
        let mut out = String::with_capacity(
            self.scheme.len()
                + length(&self.host)
                + self.path.len()
                + length(&self.query)
                + length(&self.fragment)
                + credentials
                + 16,
        );
        out.push_str(&self.scheme);
        out.push(':');
        if let Some(host) = &self.host {
            out.push_str("//");
            if !self.username.is_empty() || !self.password.is_empty() {
                out.push_str(&self.username);
                if !self.password.is_empty() {
                    out.push(':');
                    out.push_str(&self.password);
                }
                out.push('@');
            }
            out.push_str(host);
            if let Some(port) = self.port {
                out.push(':');
                push_number(port.into(), 10, &mut out);
            }
        } else if !self.is_opaque && self.path.starts_with("//") {
            out.push_str("/.");
        }
        out.push_str(&self.path);
        for (mark, part) in [('?', &self.query), ('#', &self.fragment)] {
            if let Some(part) = part {
                out.push(mark);
                out.push_str(part);
            }
        }
        out
    }

    pub fn is_special(&self) -> bool {
        is_special(&self.scheme)
    }
}

/// Adds a number. The library's formatting would be called through the module's table, which is full.
pub fn push_number(number: u32, base: u32, out: &mut String) {
    if number >= base {
        push_number(number / base, base, out);
    }
    out.extend(char::from_digit(number % base, base));
}

const SPECIAL: [(&str, Option<u16>); 6] =
    [("http", Some(80)), ("https", Some(443)), ("ws", Some(80)), ("wss", Some(443)), ("ftp", Some(21)), ("file", None)];

pub fn is_special(scheme: &str) -> bool {
    SPECIAL.iter().any(|(special, _)| *special == scheme)
}

/// The port that goes without saying.
pub fn default_port(scheme: &str) -> Option<u16> {
    SPECIAL.iter().find(|(special, _)| *special == scheme).and_then(|(_, port)| *port)
}
