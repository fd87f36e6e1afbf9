//! A text becomes a URL, as the URL Standard says.
//!
//! The standard reads a text character by character. Here the text is cut first at what always ends a part, and each
//! part is read by a function that has the name of the standard's state.

use alloc::string::String;

use super::host;
use super::parts::{Parts, Url, default_port, is_special, split_at, split_port};
use super::percent;

/// Where the path or the authority ends, beside a slash.
fn is_slash(is_special: bool, character: char) -> bool {
    character == '/' || is_special && character == '\\'
}

/// The URL of a text, relative to a base. None when there is none.
pub fn parse(text: &str, base: Option<Parts<'_>>) -> Option<Url> {
    let text = text.trim_matches(|character| character <= ' ');
    let cleaned;
    let text = if text.contains(is_dropped) {
        cleaned = without_newlines(text);
        &cleaned
    } else {
        text
    };
    let (text, fragment) = split_at(text, '#');
    let (rest, query) = split_at(text, '?');
    let mut url = Url::default();
    match scheme(rest) {
        Some((scheme, rest)) => {
            url.scheme = scheme;
            with_scheme(&mut url, rest, base, [query.is_some(), fragment.is_some()])?;
        }
        None => {
            let base = base?;
            if base.is_opaque {
                if !text.is_empty() || query.is_some() || fragment.is_none() {
                    return None;
                }
                url = Parts { fragment: None, ..base }.owned();
            } else {
                url.scheme = base.scheme.into();
                if base.scheme == "file" {
                    file(&mut url, rest, Some(base), query.is_some())?;
                } else {
                    relative(&mut url, rest, base, query.is_some())?;
                }
            }
        }
    }
    if let Some(query) = query {
        url.query = Some(encode_query(query, url.is_special()));
    }
    url.fragment = fragment.map(encode_fragment);
    Some(url)
}

fn is_dropped(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r')
}

/// The text without what the standard leaves out of every URL.
pub fn without_newlines(text: &str) -> String {
    text.chars().filter(|character| !is_dropped(*character)).collect()
}

pub fn encode_query(query: &str, is_special: bool) -> String {
    let mut out = String::new();
    percent::encode(query, if is_special { percent::SPECIAL_QUERY } else { percent::QUERY }, &mut out);
    out
}

pub fn encode_fragment(fragment: &str) -> String {
    let mut out = String::new();
    percent::encode(fragment, percent::FRAGMENT, &mut out);
    out
}

/// The scheme, if the text begins with one, and what comes behind its colon.
pub fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

/// `follow`: whether a query follows, and whether a fragment does.
fn with_scheme(url: &mut Url, rest: &str, base: Option<Parts<'_>>, follow: [bool; 2]) -> Option<()> {
    let [asks, _] = follow;
    if url.scheme == "file" {
        return file(url, rest, base.filter(|base| base.scheme == "file"), asks);
    }
    if url.is_special() {
        return match base {
            Some(base) if base.scheme == url.scheme && !rest.starts_with("//") => relative(url, rest, base, asks),
            _ => authority(url, rest.trim_start_matches(['/', '\\'])),
        };
    }
    if let Some(rest) = rest.strip_prefix("//") {
        authority(url, rest)
    } else if let Some(rest) = rest.strip_prefix('/') {
        path(url, rest);
        Some(())
    } else {
        url.is_opaque = true;
        opaque_path(url, rest, follow.contains(&true));
        Some(())
    }
}

/// An opaque path. Where a query or a fragment follows, a space at its end is encoded, so that it is not lost when they
/// are taken away.
fn opaque_path(url: &mut Url, text: &str, goes_on: bool) {
    let (text, end) = match text.strip_suffix(' ') {
        Some(text) if goes_on => (text, "%20"),
        _ => (text, ""),
    };
    percent::encode(text, percent::CONTROL, &mut url.path);
    url.path.push_str(end);
}

/// `asks`: a query follows.
fn relative(url: &mut Url, rest: &str, base: Parts<'_>, asks: bool) -> Option<()> {
    let is_special = url.is_special();
    let behind = rest.strip_prefix(|character| is_slash(is_special, character));
    if let Some(behind) = behind {
        if is_special && behind.starts_with(['/', '\\']) {
            return authority(url, behind.trim_start_matches(['/', '\\']));
        }
        if let Some(behind) = behind.strip_prefix('/') {
            return authority(url, behind);
        }
    }
    url.username = base.username.into();
    url.password = base.password.into();
    url.host = base.host.map(Into::into);
    url.port = base.port;
    match behind {
        Some(behind) => path(url, behind),
        None => below(url, rest, base, asks),
    }
    Some(())
}

/// A path that begins in the folder of the base.
fn below(url: &mut Url, rest: &str, base: Parts<'_>, asks: bool) {
    url.path = base.path.into();
    if !rest.is_empty() {
        shorten(url);
        path(url, rest);
    } else if !asks {
        url.query = base.query.map(Into::into);
    }
}

fn authority(url: &mut Url, rest: &str) -> Option<()> {
    let is_special = url.is_special();
    let end = rest.find(|character| is_slash(is_special, character)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((_, "")) => return None,
        Some((user, host)) => {
            let (username, password) = user.split_once(':').unwrap_or((user, ""));
            percent::encode(username, percent::USERINFO, &mut url.username);
            percent::encode(password, percent::USERINFO, &mut url.password);
            host
        }
        None => authority,
    };
    let (host, port) = split_port(host);
    if host.is_empty() && (is_special || port.is_some()) {
        return None;
    }
    url.host = Some(host::parse(host, !is_special)?);
    if let Some(port) = port {
        url.port = parse_port(port, &url.scheme)?;
    }
    path_start(url, rest);
    Some(())
}

/// A port, or none where it goes without saying.
pub fn parse_port(digits: &str, scheme: &str) -> Option<Option<u16>> {
    if digits.is_empty() {
        return Some(None);
    }
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // A port may have any number of zeros in front.
    let digits = digits.trim_start_matches('0');
    let port = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(Some(port).filter(|port| default_port(scheme) != Some(*port)))
}

pub fn path_start(url: &mut Url, rest: &str) {
    let is_special = url.is_special();
    match rest.strip_prefix(|character| is_slash(is_special, character)) {
        Some(rest) => path(url, rest),
        None if is_special || !rest.is_empty() => path(url, rest),
        None => {}
    }
}

fn is_one_dot(segment: &str) -> bool {
    segment == "." || segment.eq_ignore_ascii_case("%2e")
}

fn are_two_dots(segment: &str) -> bool {
    [".", "%2e"].iter().any(|first| {
        let rest = segment.get(..first.len()).filter(|begin| begin.eq_ignore_ascii_case(first));
        rest.is_some() && segment.get(first.len()..).is_some_and(is_one_dot)
    })
}

fn is_drive_letter(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':' | b'|'] if letter.is_ascii_alphabetic())
}

fn begins_with_drive_letter(text: &str) -> bool {
    text.get(..2).is_some_and(is_drive_letter) && matches!(text.as_bytes().get(2), None | Some(b'/' | b'\\'))
}

/// The drive letter that a path of a file begins with.
fn drive_of(path: &str) -> Option<&str> {
    let drive = path.get(..3).filter(|_| matches!(path.as_bytes().get(3), None | Some(b'/')))?;
    matches!(drive.as_bytes(), [b'/', letter, b':'] if letter.is_ascii_alphabetic()).then_some(drive)
}

/// Takes the last segment away, unless it is a drive letter.
fn shorten(url: &mut Url) {
    if url.scheme == "file" && drive_of(&url.path).is_some_and(|drive| drive.len() == url.path.len()) {
        return;
    }
    let end = url.path.rfind('/').unwrap_or(0);
    url.path.truncate(end);
}

/// Adds the segments of a text, which begins behind a slash.
pub fn path(url: &mut Url, text: &str) {
    let is_special = url.is_special();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let segment;
        (segment, rest) = match text.find(|character| is_slash(is_special, character)) {
            Some(end) => (text.get(..end).unwrap_or_default(), text.get(end + 1..)),
            None => (text, None),
        };
        let is_last = rest.is_none();
        if are_two_dots(segment) {
            shorten(url);
            if is_last {
                url.path.push('/');
            }
        } else if is_one_dot(segment) {
            if is_last {
                url.path.push('/');
            }
        } else {
            let is_drive = url.scheme == "file" && url.path.is_empty() && is_drive_letter(segment);
            url.path.push('/');
            if is_drive {
                url.path.push_str(segment.get(..1).unwrap_or_default());
                url.path.push(':');
            } else {
                percent::encode(segment, percent::PATH, &mut url.path);
            }
        }
    }
}

fn file(url: &mut Url, rest: &str, base: Option<Parts<'_>>, asks: bool) -> Option<()> {
    url.host = Some(String::new());
    let Some(behind) = rest.strip_prefix(['/', '\\']) else {
        match base {
            Some(base) => {
                url.host = base.host.map(Into::into);
                if begins_with_drive_letter(rest) { path(url, rest) } else { below(url, rest, base, asks) }
            }
            None => path(url, rest),
        }
        return Some(());
    };
    if let Some(rest) = behind.strip_prefix(['/', '\\']) {
        return file_host(url, rest);
    }
    if let Some(base) = base {
        url.host = base.host.map(Into::into);
        if !begins_with_drive_letter(behind) {
            url.path.push_str(drive_of(base.path).unwrap_or_default());
        }
    }
    path(url, behind);
    Some(())
}

fn file_host(url: &mut Url, rest: &str) -> Option<()> {
    let (host, behind) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    if is_drive_letter(host) {
        path(url, rest);
        return Some(());
    }
    url.host = Some(parse_file_host(host)?);
    path_start(url, behind);
    Some(())
}

/// The host of a file.
pub fn parse_file_host(host: &str) -> Option<String> {
    if host.is_empty() {
        return Some(String::new());
    }
    host::parse(host, false).map(|host| if host == "localhost" { String::new() } else { host })
}

/// Whether a URL of this scheme has another kind of host and path than one of that scheme.
pub fn differ(one: &str, other: &str) -> bool {
    is_special(one) != is_special(other)
}
