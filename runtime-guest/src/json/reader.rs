//! JSON text to values, for correct and plain text.

use alloc::vec::Vec;

use super::patterns::{self, Names, Pattern};
use crate::qjs::{self, Atom, Value, heap};

/// How deep text may be nested before it is left to the engine, which watches its stack.
const DEPTH: u32 = 64;

/// Reads plain text. At the first doubt it gives up, and the engine reads the text again.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The elements and members of the arrays and objects that are open.
    elements: Vec<Value>,
    /// The text of a string that has escapes.
    unescaped: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// The value of a text that is plain from its start to its end.
    pub(super) fn whole(text: &'a [u8]) -> Option<Value> {
        let mut reader = Reader { text, at: 0, elements: Vec::new(), unescaped: Vec::new() };
        let value = reader.value(DEPTH);
        match value {
            Some(value) => {
                reader.space();
                (reader.at == text.len()).then_some(value)
            }
            None => None,
        }
    }

    #[inline]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn space(&mut self) {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.peek() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8], value: Value) -> Option<Value> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        self.space();
        match self.peek() {
            b'"' => {
                let text = self.string()?;
                Value::string(text).ok_or_gone()
            }
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b't' => self.word(b"true", Value::boolean(true)),
            b'f' => self.word(b"false", Value::boolean(false)),
            b'n' => self.word(b"null", Value::null()),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value> {
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Value::object().ok_or_gone();
        }
        let first = self.at;
        if self.peek() != b'"' {
            return None;
        }
        let name = self.string()?;
        let place = patterns::place(name);
        let Some(pattern) = patterns::expected(place).filter(|pattern| pattern.name(0) == Some(name)) else {
            self.at = first;
            return self.members(depth, Value::object().ok_or_gone()?, Names::default(), place);
        };
        let start = self.elements.len();
        let mut count = 0;
        loop {
            let value = self.member(depth)?;
            self.push(value)?;
            count += 1;
            match self.next()? {
                b',' => {
                    self.space();
                    let name = self.at;
                    if self.peek() != b'"' {
                        return None;
                    }
                    if pattern.name(count) != Some(self.string()?) {
                        self.at = name;
                        return self.unexpected(depth, &pattern, start, place);
                    }
                }
                b'}' if count == pattern.names() => {
                    patterns::confirm(place);
                    return pattern.object(&mut self.elements, start).ok_or_gone();
                }
                b'}' => {
                    self.at -= 1;
                    return self.unexpected(depth, &pattern, start, place);
                }
                _ => return None,
            }
        }
    }

    /// Goes on with an object that has begun as expected.
    #[cold]
    fn unexpected(&mut self, depth: u32, pattern: &Pattern, start: usize, place: usize) -> Option<Value> {
        let object = Value::object().ok_or_gone()?;
        let mut names = Names::default();
        for (index, value) in self.elements.drain(start..).enumerate() {
            let name = pattern.name(index)?;
            names.push(name);
            object.define_atom(&Atom::new(name).ok_or_gone()?, value).ok_or_gone()?;
        }
        if self.peek() == b'}' {
            self.at += 1;
            patterns::note(place, names, &object);
            return Some(object);
        }
        self.members(depth, object, names, place)
    }

    /// The members of an object, one by one.
    fn members(&mut self, depth: u32, object: Value, mut names: Names, place: usize) -> Option<Value> {
        loop {
            self.space();
            if self.peek() != b'"' {
                return None;
            }
            let name = self.string()?;
            names.push(name);
            let name = Atom::new(name).ok_or_gone()?;
            let value = self.member(depth)?;
            object.define_atom(&name, value).ok_or_gone()?;
            match self.next()? {
                b',' => {}
                b'}' => {
                    patterns::note(place, names, &object);
                    return Some(object);
                }
                _ => return None,
            }
        }
    }

    /// The value behind a name.
    fn member(&mut self, depth: u32) -> Option<Value> {
        self.space();
        if self.peek() != b':' {
            return None;
        }
        self.at += 1;
        self.value(depth)
    }

    /// The byte behind a member.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.space();
        self.at += 1;
        self.text.get(self.at - 1).copied()
    }

    /// Keeps a value of an array or object that is still open.
    #[inline]
    fn push(&mut self, value: Value) -> Option<()> {
        if self.elements.len() == self.elements.capacity() {
            let wanted = (self.elements.len() * 2).max(16);
            if wanted * size_of::<Value>() > heap::room() {
                return None;
            }
            self.elements.try_reserve_exact(wanted - self.elements.len()).ok()?;
        }
        self.elements.push(value);
        Some(())
    }

    fn array(&mut self, depth: u32) -> Option<Value> {
        let start = self.elements.len();
        self.at += 1;
        self.space();
        if self.peek() == b']' {
            self.at += 1;
            return Value::array(&mut self.elements, start).ok_or_gone();
        }
        loop {
            let value = self.value(depth)?;
            self.push(value)?;
            match self.next()? {
                b',' => {}
                b']' => return Value::array(&mut self.elements, start).ok_or_gone(),
                _ => return None,
            }
        }
    }

    /// The text between the quotes. Values are made from UTF-8, so text that has no UTF-8 is left to the engine.
    fn string(&mut self) -> Option<&[u8]> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return self.text.get(start..self.at - 1);
                }
                b'\\' => return self.escapes(start),
                byte => self.at += self.plain(*byte)?,
            }
        }
    }

    /// One byte of a string. Control characters are wrong, and half of a surrogate pair has no UTF-8.
    #[inline]
    fn plain(&self, byte: u8) -> Option<usize> {
        let is_odd = byte < 32 || (byte == 0xed && self.text.get(self.at + 1).is_none_or(|next| *next >= 0xa0));
        (!is_odd).then_some(1)
    }

    fn escapes(&mut self, start: usize) -> Option<&[u8]> {
        self.unescaped.clear();
        let mut plain = start;
        loop {
            match self.text.get(self.at)? {
                byte @ (b'"' | b'\\') => {
                    let run = self.text.get(plain..self.at)?;
                    // With room for what an escape stands for.
                    self.unescaped.try_reserve(run.len() + 4).ok()?;
                    self.unescaped.extend_from_slice(run);
                    self.at += 1;
                    if *byte == b'"' {
                        return Some(&self.unescaped);
                    }
                    self.escape()?;
                    plain = self.at;
                }
                byte => self.at += self.plain(*byte)?,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let letter = *self.text.get(self.at)?;
        self.at += 1;
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let char = char::from_u32(self.unit()?)?;
                self.unescaped.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(());
            }
            _ => return None,
        };
        self.unescaped.push(plain);
        Some(())
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        let is_negative = self.peek() == b'-';
        self.at += usize::from(is_negative);
        let first = self.at;
        let whole = self.digits();
        let length = self.at - first;
        if length == 0 || (length > 1 && self.text.get(first) == Some(&b'0')) {
            return None;
        }
        let is_integer = !matches!(self.peek(), b'.' | b'e' | b'E');
        // Up to here no product has overflowed, and a double holds every such integer.
        if is_integer && length <= 15 && !(is_negative && whole == 0) {
            let number = if is_negative { -(whole as i64) } else { whole as i64 };
            return Some(match i32::try_from(number) {
                Ok(int) => Value::int(int),
                Err(_) => Value::number(number as f64),
            });
        }
        if self.peek() == b'.' {
            self.at += 1;
            let from = self.at;
            self.digits();
            if self.at == from {
                return None;
            }
        }
        if let b'e' | b'E' = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            let from = self.at;
            self.digits();
            if self.at == from {
                return None;
            }
        }
        let text = core::str::from_utf8(self.text.get(start..self.at)?).ok()?;
        text.parse().ok().map(Value::number)
    }

    /// Skips digits and returns their number, which means nothing if there are more than 19.
    fn digits(&mut self) -> u64 {
        let mut number = 0_u64;
        while let digit @ b'0'..=b'9' = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        number
    }
}

/// Drops the engine's error: the reader gives up, the engine reads the text again, and throws the error again.
trait Gone<T> {
    fn ok_or_gone(self) -> Option<T>;
}

impl<T> Gone<T> for qjs::Result<T> {
    fn ok_or_gone(self) -> Option<T> {
        match self {
            Ok(value) => Some(value),
            Err(thrown) => {
                drop(qjs::take_exception(thrown));
                None
            }
        }
    }
}
