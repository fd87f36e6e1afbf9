//! Names and values as forms send them: `application/x-www-form-urlencoded`.

use alloc::string::String;
use alloc::vec::Vec;

use super::percent;
use crate::web::lossy;

/// The names and values of a text, each name followed by its value.
pub fn parse(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> String {
    if !text.contains(['+', '%']) {
        return text.into();
    }
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    lossy(&percent::decode(&spaced))
}

/// Adds a name or a value.
pub fn encode(text: &str, out: &mut String) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if percent::FORM.has(byte) || byte == b' ' {
            out.push_str(text.get(plain..at).unwrap_or_default());
            if byte == b' ' {
                out.push('+')
            } else {
                percent::push_byte(byte, out)
            }
            plain = at + 1;
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
}
