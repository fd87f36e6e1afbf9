//! Values in JSON that is kept: recordings and pending calls. JSON text stays what it is, so that people can read it;
//! the binary form is base64 in a field of its own.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Form, Value};

/// A value in the binary form, stored as base64.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored(Value);

impl Value {
    /// The value in two parts, of which one is empty: JSON text or `undefined`, and the binary form.
    pub(crate) fn split(self) -> (Value, Option<Stored>) {
        match self.0 {
            Form::Binary(_) => (Value::UNDEFINED, Some(Stored(self))),
            _ => (self, None),
        }
    }

    /// The value of the two parts.
    pub(crate) fn join(text: Value, binary: Option<Stored>) -> Value {
        binary.map_or(text, |Stored(value)| value)
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS.get((word >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'A');
            text.push(if at > chunk.len() { '=' } else { letter.into() });
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut chunks = text.as_bytes().chunks_exact(4);
    let mut is_over = false;
    for chunk in &mut chunks {
        if is_over {
            return None;
        }
        let padding = chunk.iter().rev().take_while(|letter| **letter == b'=').count();
        is_over = padding > 0;
        if padding > 2 {
            return None;
        }
        let mut word = 0_u32;
        for letter in chunk.iter().take(4 - padding) {
            word = word << 6 | u32::try_from(LETTERS.iter().position(|other| other == letter)?).ok()?;
        }
        let word = word << (6 * padding);
        bytes.extend_from_slice(word.to_be_bytes().get(1..4_usize.checked_sub(padding)?)?);
    }
    chunks.remainder().is_empty().then_some(bytes)
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(self.0.wire()))
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stored, D::Error> {
        let text = String::deserialize(deserializer)?;
        let message = decode(&text).ok_or_else(|| de::Error::custom("a value is not base64"))?;
        Value::from_message(message).map(Stored).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_it_was_written() {
        for (bytes, text) in [
            (b"".as_slice(), ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"\xff\xfe\xfd\xfc", "//79/A=="),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        for text in ["Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v!", "Z m8"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
