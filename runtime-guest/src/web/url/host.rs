//! Hosts: domains, addresses of both kinds, and what stands for a host where the scheme is not special.

use alloc::string::String;

use super::domain;
use super::parts::push_number;
use super::percent;
use crate::web::lossy;

/// The host of a text, as it is written in a URL.
pub fn parse(text: &str, is_opaque: bool) -> Option<String> {
    if let Some(rest) = text.strip_prefix('[') {
        let pieces = parse_v6(rest.strip_suffix(']')?.as_bytes())?;
        return Some(write_v6(&pieces));
    }
    if is_opaque {
        if text.chars().any(is_forbidden) {
            return None;
        }
        let mut host = String::new();
        percent::encode(text, percent::CONTROL, &mut host);
        return Some(host);
    }
    let decoded;
    let text = if text.contains('%') {
        decoded = lossy(&percent::decode(text.as_bytes()));
        &decoded
    } else {
        text
    };
    let ascii = domain::to_ascii(text)?;
    if ascii.is_empty() || ascii.chars().any(|one| is_forbidden(one) || one <= '\x1f' || one == '%' || one == '\x7f') {
        return None;
    }
    if ends_in_a_number(&ascii) { parse_v4(&ascii).map(write_v4) } else { Some(ascii) }
}

fn is_forbidden(character: char) -> bool {
    "\0\t\n\r #/:<>?@[\\]^|".contains(character)
}

fn ends_in_a_number(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let last = domain.rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) || parse_v4_number(last).is_some()
}

/// A number of an address. One that is too large for any address is the largest there is.
fn parse_v4_number(text: &str) -> Option<u64> {
    let (digits, base) = match text.as_bytes() {
        [] => return None,
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        digits => (digits, 10),
    };
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        Some(number.saturating_mul(base.into()).saturating_add(digit.into()))
    })
}

fn parse_v4(domain: &str) -> Option<u32> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let count = domain.split('.').count();
    if count > 4 {
        return None;
    }
    let mut address = 0;
    for (at, part) in domain.split('.').enumerate() {
        let number = parse_v4_number(part)?;
        let left = 4 - at as u32;
        if at + 1 == count {
            // The last number fills what is left.
            return (number < 1 << (8 * left)).then(|| address | number as u32);
        }
        if number > 255 {
            return None;
        }
        address |= (number as u32) << (8 * (left - 1));
    }
    None
}

fn write_v4(address: u32) -> String {
    let mut out = String::new();
    for byte in address.to_be_bytes() {
        if !out.is_empty() {
            out.push('.');
        }
        push_number(byte.into(), 10, &mut out);
    }
    out
}

fn parse_v6(text: &[u8]) -> Option<[u16; 8]> {
    let mut pieces = [0_u16; 8];
    let (mut count, mut compress, mut at) = (0, None, 0);
    if text.first() == Some(&b':') {
        if text.get(1) != Some(&b':') {
            return None;
        }
        at = 2;
        compress = Some(0);
    }
    while let Some(&byte) = text.get(at) {
        if count == 8 {
            return None;
        }
        if byte == b':' {
            if compress.is_some() {
                return None;
            }
            at += 1;
            compress = Some(count);
            continue;
        }
        let start = at;
        let mut value = 0;
        while let Some(digit) =
            text.get(at).and_then(|digit| char::from(*digit).to_digit(16)).filter(|_| at < start + 4)
        {
            value = value << 4 | digit as u16;
            at += 1;
        }
        if at < start + 4 || at == start + 4 {
            match text.get(at) {
                Some(b'.') if at > start => {
                    if count > 6 {
                        return None;
                    }
                    let bytes = parse_v4_in_v6(text.get(start..)?)?;
                    *pieces.get_mut(count)? = u16::from_be_bytes([bytes[0], bytes[1]]);
                    *pieces.get_mut(count + 1)? = u16::from_be_bytes([bytes[2], bytes[3]]);
                    count += 2;
                    break;
                }
                Some(b':') => {
                    at += 1;
                    text.get(at)?;
                }
                Some(_) => return None,
                None => {}
            }
        }
        *pieces.get_mut(count)? = value;
        count += 1;
    }
    match compress {
        Some(from) => {
            let moved = count - from;
            pieces.copy_within(from..count, 8 - moved);
            pieces.get_mut(from..8 - moved)?.fill(0);
        }
        None if count != 8 => return None,
        None => {}
    }
    Some(pieces)
}

/// The four decimal numbers at the end of an address.
fn parse_v4_in_v6(text: &[u8]) -> Option<[u8; 4]> {
    let text = core::str::from_utf8(text).ok()?;
    let mut bytes = [0; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        let part = parts.next()?;
        let is_number = part.bytes().all(|digit| digit.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        *byte = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(bytes)
}

fn write_v6(pieces: &[u16; 8]) -> String {
    // The first of the longest runs of zeros is left out, unless it is one piece only.
    let (mut run, mut longest) = (0..0, 0..0);
    for (at, piece) in pieces.iter().enumerate() {
        run = if *piece != 0 { at + 1..at + 1 } else { run.start..at + 1 };
        if run.len() > longest.len() {
            longest = run.clone();
        }
    }
    if longest.len() < 2 {
        longest = 8..8;
    }
    let mut out = String::from("[");
    for (at, piece) in pieces.iter().enumerate() {
        if longest.contains(&at) {
            if at == longest.start {
                out.push_str(if at == 0 { "::" } else { ":" });
            }
            continue;
        }
        push_number((*piece).into(), 16, &mut out);
        if at < 7 {
            out.push(':');
        }
    }
    out.push(']');
    out
}
