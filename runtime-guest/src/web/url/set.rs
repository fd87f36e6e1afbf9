//! A part of a URL is replaced, as the setters of `URL` do it. None leaves the URL as it is.

use alloc::string::String;

use super::host;
use super::parse::{self, without_newlines};
use super::parts::{Parts, Url, default_port, split_port};
use super::percent;

/// What can be replaced.
#[derive(Clone, Copy)]
pub enum Part {
    Protocol,
    Username,
    Password,
    Host,
    Hostname,
    Port,
    Pathname,
    Search,
    Hash,
}

/// The URL with another part.
pub fn set(url: Parts<'_>, part: Part, value: &str) -> Option<Url> {
    let mut url = url.owned();
    let cannot_have_a_port = url.host.as_deref().unwrap_or_default().is_empty() || url.scheme == "file";
    match part {
        Part::Protocol => set_scheme(&mut url, &without_newlines(value))?,
        Part::Username | Part::Password if cannot_have_a_port => return None,
        Part::Username => url.username = encode_user(value),
        Part::Password => url.password = encode_user(value),
        Part::Host | Part::Hostname if url.is_opaque => return None,
        Part::Host => set_host(&mut url, &without_newlines(value), true)?,
        Part::Hostname => set_host(&mut url, &without_newlines(value), false)?,
        Part::Port if cannot_have_a_port => return None,
        Part::Port if value.is_empty() => url.port = None,
        Part::Port => set_port(&mut url, &without_newlines(value))?,
        Part::Pathname if url.is_opaque => return None,
        Part::Pathname => {
            url.path.clear();
            let value = without_newlines(value);
            parse::path_start(&mut url, &value);
            if value.is_empty() && url.host.is_none() {
                url.path.push('/');
            }
        }
        Part::Search => {
            let query = without_newlines(value.strip_prefix('?').unwrap_or(value));
            url.query = (!value.is_empty()).then(|| parse::encode_query(&query, url.is_special()));
        }
        Part::Hash => {
            let fragment = without_newlines(value.strip_prefix('#').unwrap_or(value));
            url.fragment = (!value.is_empty()).then(|| parse::encode_fragment(&fragment));
        }
    }
    Some(url)
}

fn encode_user(value: &str) -> String {
    let mut out = String::new();
    percent::encode(value, percent::USERINFO, &mut out);
    out
}

fn has_credentials(url: &Url) -> bool {
    !url.username.is_empty() || !url.password.is_empty()
}

fn set_scheme(url: &mut Url, value: &str) -> Option<()> {
    let mut whole = String::from(value);
    whole.push(':');
    let (scheme, _) = parse::scheme(&whole)?;
    if parse::differ(&scheme, &url.scheme)
        || scheme == "file" && (has_credentials(url) || url.port.is_some())
        || url.scheme == "file" && url.host.as_deref() == Some("")
    {
        return None;
    }
    if url.port == default_port(&scheme) {
        url.port = None;
    }
    url.scheme = scheme;
    Some(())
}

fn set_host(url: &mut Url, value: &str, takes_port: bool) -> Option<()> {
    let is_special = url.is_special();
    let ends = |character: char| matches!(character, '/' | '?' | '#') || is_special && character == '\\';
    let value = value.get(..value.find(ends).unwrap_or(value.len()))?;
    if url.scheme == "file" {
        url.host = Some(parse::parse_file_host(value)?);
        return Some(());
    }
    let (host, port) = split_port(value);
    if port.is_some() && !takes_port || host.is_empty() && (is_special || port.is_some()) {
        return None;
    }
    if host.is_empty() && (has_credentials(url) || url.port.is_some()) {
        return None;
    }
    url.host = Some(host::parse(host, !is_special)?);
    if let Some(port) = port {
        // A port that is none does not take the host back.
        _ = set_port(url, port);
    }
    Some(())
}

fn set_port(url: &mut Url, value: &str) -> Option<()> {
    let digits = value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len());
    let digits = value.get(..digits).filter(|digits| !digits.is_empty())?;
    url.port = parse::parse_port(digits, &url.scheme)?;
    Some(())
}
