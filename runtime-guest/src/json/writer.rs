//! Plain data to JSON text. It must never know the engine: characters and numbers are all that it is given.

use alloc::string::String;
use alloc::vec::Vec;

use crate::qjs::heap;
use crate::qjs::inside::{Chars, Sink};

/// Room for a small message, so that most need no second allocation.
const FIRST_BYTES: usize = 256;

/// Writes the data that it is given. It stops when the heap has no room for the text.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
}

impl Writer {
    /// Makes room for so many bytes.
    #[inline]
    fn fits(&mut self, bytes: usize) -> bool {
        self.out.capacity() - self.out.len() >= bytes || self.grow(bytes)
    }

    #[cold]
    fn grow(&mut self, bytes: usize) -> bool {
        let wanted = (self.out.len() + bytes).max(self.out.capacity() * 2).max(FIRST_BYTES);
        wanted <= heap::room() && self.out.try_reserve_exact(wanted - self.out.len()).is_ok()
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> bool {
        self.fits(1) && {
            self.out.push(byte);
            true
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> bool {
        self.fits(bytes.len()) && {
            self.out.extend_from_slice(bytes);
            true
        }
    }

    fn quoted(&mut self, chars: Chars<'_>) -> bool {
        // No character takes more than the six bytes of `\u0000`.
        let length = match chars {
            Chars::Narrow(text) => text.len(),
            Chars::Wide(text) => text.len(),
        };
        if !self.fits(length * 6 + 2) {
            return false;
        }
        self.out.push(b'"');
        match chars {
            Chars::Narrow(text) => {
                for &unit in text {
                    if ESCAPES[unit as usize] == PLAIN {
                        self.out.push(unit);
                    } else {
                        self.escaped(unit.into());
                    }
                }
            }
            Chars::Wide(text) => {
                for unit in char::decode_utf16(text.iter().copied()) {
                    match unit {
                        Ok(char) if (char as usize) < ESCAPES.len() => self.escaped(char as u16),
                        Ok(char) => self.out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
                        Err(lone) => self.hex(lone.unpaired_surrogate()),
                    }
                }
            }
        }
        self.out.push(b'"');
        true
    }

    /// A character below 256.
    fn escaped(&mut self, unit: u16) {
        match ESCAPES.get(unit as usize).copied().unwrap_or(WIDE) {
            PLAIN => self.out.push(unit as u8),
            HEX => self.hex(unit),
            WIDE => self.out.extend_from_slice(&[0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
            letter => self.out.extend_from_slice(&[b'\\', letter]),
        }
    }

    fn hex(&mut self, unit: u16) {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        self.out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            self.out.push(DIGITS[usize::from(unit >> shift & 15)]);
        }
    }
}

/// How a character below 256 is written: as it is, as two bytes of UTF-8, in hexadecimal, or as a backslash and this
/// letter.
const ESCAPES: [u8; 256] = {
    let mut table = [PLAIN; 256];
    let mut unit = 0;
    while unit < 256 {
        table[unit] = match unit as u8 {
            b'"' => b'"',
            b'\\' => b'\\',
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 => b'r',
            0..32 => HEX,
            128.. => WIDE,
            _ => PLAIN,
        };
        unit += 1;
    }
    table
};
const PLAIN: u8 = 0;
const HEX: u8 = 1;
const WIDE: u8 = 2;

impl Sink for Writer {
    fn null(&mut self) -> bool {
        self.bytes(b"null")
    }

    fn boolean(&mut self, value: bool) -> bool {
        self.bytes(if value { b"true" } else { b"false" })
    }

    fn int(&mut self, value: i32) -> bool {
        self.bytes(decimal(value.into(), &mut [0; 20]))
    }

    fn float(&mut self, value: f64) -> bool {
        let mut number = Number::default();
        number.format(value);
        self.bytes(number.bytes())
    }

    fn text(&mut self, chars: Chars<'_>) -> bool {
        self.quoted(chars)
    }

    fn bracket(&mut self, bracket: u8) -> bool {
        self.byte(bracket)
    }

    fn comma(&mut self) -> bool {
        self.byte(b',')
    }

    fn name(&mut self, chars: Chars<'_>) -> bool {
        self.quoted(chars) && self.byte(b':')
    }
}

/// The digits of an integer.
pub fn decimal(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

/// A number as JavaScript writes it: the shortest digits that read back as the number, in the form of
/// `Number::toString`.
#[derive(Default)]
struct Number {
    /// The longest is a sign, `0.`, five zeros and seventeen digits.
    text: [u8; 32],
    length: usize,
}

impl Number {
    fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(place) = self.text.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.push(b"0");
        }
    }

    fn format(&mut self, value: f64) {
        if value == 0.0 {
            return self.push(b"0");
        }
        // ryu gives the shortest digits that read back as the number, of several the nearest, and of two that are as
        // near the even one. JavaScript asks for the same.
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value.abs());
        let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // Where the point is, counted from the first digit that is not zero.
        let (mut digits, mut count) = ([0_u8; 17], 0);
        let mut point = whole.len() as i32 + power.parse::<i32>().unwrap_or_default();
        for digit in whole.bytes().chain(fraction.bytes()) {
            match digits.get_mut(count) {
                _ if digit == b'0' && count == 0 => point -= 1,
                Some(place) => {
                    *place = digit;
                    count += 1;
                }
                None => break,
            }
        }
        while count > 1 && digits[count - 1] == b'0' {
            count -= 1;
        }
        let digits = &digits[..count];
        if value < 0.0 {
            self.push(b"-");
        }
        match usize::try_from(point) {
            Ok(point @ 1..=21) if point >= count => {
                self.push(digits);
                self.zeros(point - count);
            }
            Ok(point @ 1..=21) => {
                self.push(&digits[..point]);
                self.push(b".");
                self.push(&digits[point..]);
            }
            _ if (-5..=0).contains(&point) => {
                self.push(b"0.");
                self.zeros(point.unsigned_abs() as usize);
                self.push(digits);
            }
            _ => {
                self.push(&digits[..1]);
                if count > 1 {
                    self.push(b".");
                    self.push(&digits[1..]);
                }
                self.push(if point < 1 { b"e-" } else { b"e+" });
                self.push(decimal((point - 1).abs().into(), &mut [0; 20]));
            }
        }
    }
}

/// Appends a JSON string.
pub fn quote(value: &str, out: &mut String) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let code = control as usize;
                out.push_str("\\u00");
                out.push(HEX[code >> 4] as char);
                out.push(HEX[code & 15] as char);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
