//! Percent-encoding, as the URL Standard has it. It must never know which part of a URL it encodes.

use alloc::string::String;
use alloc::vec::Vec;

/// Which ASCII characters are encoded: a bit for each. What is not ASCII always is.
#[derive(Clone, Copy)]
pub struct Set(u128);

pub const CONTROL: Set = Set((1 << 32) - 1 | 1 << 127);
pub const FRAGMENT: Set = CONTROL.and(b" \"<>`");
pub const QUERY: Set = CONTROL.and(b" \"#<>");
pub const SPECIAL_QUERY: Set = QUERY.and(b"'");
pub const PATH: Set = QUERY.and(b"?^`{}");
pub const USERINFO: Set = PATH.and(b"/:;=@[\\]|");
/// What forms encode; a space becomes a plus there.
pub const FORM: Set = USERINFO.and(b"$%&+,!'()~");

impl Set {
    const fn and(self, more: &[u8]) -> Set {
        let (mut bits, mut at) = (self.0, 0);
        while at < more.len() {
            bits |= 1 << more[at];
            at += 1;
        }
        Set(bits)
    }

    /// Whether this byte of UTF-8 is encoded.
    pub const fn has(self, byte: u8) -> bool {
        byte >= 128 || self.0 >> byte & 1 != 0
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Adds one byte, encoded.
pub fn push_byte(byte: u8, out: &mut String) {
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Adds a text, encoded.
pub fn encode(text: &str, set: Set, out: &mut String) {
    let extra = text.bytes().filter(|byte| set.has(*byte)).count() * 2;
    out.reserve(text.len() + extra);
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if set.has(byte) {
            // A byte of a longer character is encoded itself, so what lies between two such bytes is whole.
            out.push_str(text.get(plain..at).unwrap_or_default());
            push_byte(byte, out);
            plain = at + 1;
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
}

/// The bytes of a text with each `%` and two digits replaced by the byte that they stand for.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digit = |place: usize| text.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
