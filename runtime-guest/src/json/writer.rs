//! Plain data to JSON text. It must never know the engine: characters and numbers are all that it is given.

use core::fmt::Write;

use crate::qjs::heap;
use crate::qjs::inside::{Chars, Sink};

/// Room for a small message, so that most need no second allocation.
const FIRST_BYTES: usize = 256;

/// Writes what it is given. It stops when the heap has no room for what is written.
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

/// How a character below 256 is written: as it is, as two bytes of UTF-8, in hexadecimal, or behind a backslash as this letter.
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
        let mut digits = [0; 11];
        self.bytes(decimal(value, &mut digits))
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
pub fn decimal(number: i32, buffer: &mut [u8; 11]) -> &[u8] {
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

/// A number as JavaScript writes it: the shortest digits that read back as the same, laid out by the rules of `Number::toString`.
#[derive(Default)]
struct Number {
    /// The longest is a sign, `0.`, six zeros and seventeen digits.
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

    /// The shortest digits, and of those the nearest: `1.25e-7`.
    fn shortest(value: f64) -> Number {
        let mut shortest = Number::default();
        let _ = write!(shortest, "{value:e}");
        let digits = shortest.bytes().split(|&byte| byte == b'e').next().unwrap_or_default();
        // Of two that are as near, JavaScript takes the even one, and `{:e}` the greater. Rounding to as many digits takes the even one.
        if let ([_, b'.', fraction @ ..], Some(b'1' | b'3' | b'5' | b'7' | b'9')) = (digits, digits.last()) {
            let mut even = Number::default();
            let _ = write!(even, "{value:.*e}", fraction.len());
            if core::str::from_utf8(even.bytes()).is_ok_and(|text| text.parse() == Ok(value)) {
                return even;
            }
        }
        shortest
    }

    fn format(&mut self, value: f64) {
        if value == 0.0 {
            return self.push(b"0");
        }
        let scientific = Number::shortest(value.abs());
        let (mut digits, mut count, mut exponent) = ([0_u8; 17], 0, 0_i32);
        let mut parts = scientific.bytes().split(|&byte| byte == b'e');
        for &byte in parts.next().unwrap_or_default() {
            if let (b'0'..=b'9', Some(place)) = (byte, digits.get_mut(count)) {
                *place = byte;
                count += 1;
            }
        }
        let power = parts.next().unwrap_or_default();
        for &byte in power {
            if byte.is_ascii_digit() {
                exponent = exponent * 10 + i32::from(byte - b'0');
            }
        }
        if power.first() == Some(&b'-') {
            exponent = -exponent;
        }
        if value < 0.0 {
            self.push(b"-");
        }
        let digits = &digits[..count];
        // Where the point is, counted from the first digit.
        let point = exponent + 1;
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
                self.push(if exponent < 0 { b"e-" } else { b"e+" });
                let mut buffer = [0; 11];
                self.push(decimal(exponent.abs(), &mut buffer));
            }
        }
    }
}

impl Write for Number {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}
