//! The binary form of a value, node by node, and the check that bytes are in it. `docs/internals/values.md` describes
//! the bytes.
//!
//! The bytes may come from a hostile guest. Reading them takes no recursion, and memory in proportion to their number.

use std::collections::HashMap;

use belljar_abi::values::{DEPTH, Elements, Kind, MAGIC, NUMBER_BYTES, TIME, Tag};

/// A string of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Text<'a> {
    Utf8(&'a str),
    /// UTF-16, the low byte of each unit first.
    Wide(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The units of a wide text.
    pub(super) fn units(bytes: &'a [u8]) -> impl Iterator<Item = u16> {
        bytes.chunks_exact(2).filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?)))
    }

    /// The text, with U+FFFD in place of each lone surrogate.
    pub(super) fn lossy(self) -> String {
        match self {
            Text::Utf8(text) => text.to_owned(),
            Text::Wide(bytes) => {
                let chars = char::decode_utf16(Text::units(bytes));
                chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
        }
    }
}

/// One node, without the nodes that belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node<'a> {
    End,
    Undefined,
    Null,
    Bool(bool),
    Int(i32),
    Float(f64),
    /// Decimal digits, perhaps behind a minus.
    BigInt(&'a str),
    Text(Text<'a>),
    Reference(u32),
    Object,
    Array,
    /// With its length.
    Sparse(u32),
    Date(f64),
    RegExp(Text<'a>, Text<'a>),
    Map,
    Set,
    /// An ArrayBuffer, and its largest length if it has one.
    Buffer(&'a [u8], Option<u32>),
    /// A view of the buffer that follows.
    View(View),
    Error(Kind),
    /// A box around the primitive that follows.
    Boxed,
}

/// What a view shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) elements: Elements,
    pub(super) offset: u32,
    /// None where it follows that of the buffer.
    pub(super) length: Option<u32>,
}

impl View {
    /// The bytes that it shows of a buffer; None if it is out of bounds.
    pub(super) fn of<'a>(&self, buffer: &'a [u8]) -> Option<&'a [u8]> {
        let (size, rest) = (self.elements.size(), buffer.get(self.offset as usize..)?);
        match self.length {
            Some(length) => rest.get(..(length as usize).checked_mul(size)?),
            None => rest.get(..rest.len() / size * size),
        }
    }
}

impl Node<'_> {
    /// Whether it is an object, which has a number.
    pub(super) fn is_object(&self) -> bool {
        !matches!(
            self,
            Node::End
                | Node::Undefined
                | Node::Null
                | Node::Bool(_)
                | Node::Int(_)
                | Node::Float(_)
                | Node::BigInt(_)
                | Node::Text(_)
                | Node::Reference(_)
        )
    }

    /// Whether nodes belong to it up to an end.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Node::Object | Node::Array | Node::Sparse(_) | Node::Map | Node::Set | Node::Error(_))
    }
}

/// What is wrong with bytes.
pub(super) type Wrong = &'static str;

/// A place in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// How many objects begin before this place.
    pub(super) objects: u32,
}

impl<'a> Cursor<'a> {
    /// The first node of a message.
    pub(super) fn new(message: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes: message, at: 1, objects: 0 }
    }

    /// An object of the same message, by its number and its place.
    pub(super) fn jump(&self, number: u32, place: usize) -> Cursor<'a> {
        Cursor { bytes: self.bytes, at: place, objects: number }
    }

    /// The bytes from a place up to here.
    pub(super) fn since(&self, place: usize) -> &'a [u8] {
        self.bytes.get(place..self.at).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Whether the next node is an end.
    pub(super) fn is_closing(&self) -> bool {
        self.bytes.get(self.at).is_none_or(|tag| *tag == Tag::End as u8)
    }

    /// The next node.
    pub(super) fn next(&mut self) -> Result<Node<'a>, Wrong> {
        let node = self.node()?;
        if node.is_object() {
            self.objects = self.objects.checked_add(1).ok_or("there are too many objects")?;
        }
        Ok(node)
    }

    fn node(&mut self) -> Result<Node<'a>, Wrong> {
        let tag = self.byte()?;
        Ok(match Tag::from_wire(tag.into()).ok_or("there is no such tag")? {
            Tag::End => Node::End,
            Tag::Undefined => Node::Undefined,
            Tag::Null => Node::Null,
            Tag::False => Node::Bool(false),
            Tag::True => Node::Bool(true),
            Tag::Int => {
                let number = self.number()?;
                Node::Int((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
            }
            Tag::Float => Node::Float(self.float()?),
            Tag::BigInt => Node::BigInt(self.digits()?),
            Tag::Text => Node::Text(Text::Utf8(self.utf8()?)),
            Tag::Wide => Node::Text(Text::Wide(self.wide()?)),
            Tag::Reference => Node::Reference(self.number()?),
            Tag::Object => Node::Object,
            Tag::Array => Node::Array,
            Tag::Sparse => Node::Sparse(self.number()?),
            Tag::Date => Node::Date(self.time()?),
            Tag::RegExp => Node::RegExp(self.text()?, self.text()?),
            Tag::Map => Node::Map,
            Tag::Set => Node::Set,
            Tag::Buffer => {
                let length = self.number()?;
                Node::Buffer(self.take(length)?, None)
            }
            Tag::Resizable => {
                let (length, largest) = (self.number()?, self.number()?);
                if largest < length {
                    return Err("a buffer is larger than it can be");
                }
                Node::Buffer(self.take(length)?, Some(largest))
            }
            Tag::View => {
                let elements = Elements::from_wire(self.byte()?.into()).ok_or("there are no such elements")?;
                Node::View(View { elements, offset: self.number()?, length: self.number()?.checked_sub(1) })
            }
            Tag::Error => Node::Error(Kind::from_wire(self.byte()?.into()).ok_or("there is no such error")?),
            Tag::Boxed => Node::Boxed,
        })
    }

    fn text(&mut self) -> Result<Text<'a>, Wrong> {
        match Tag::from_wire(self.byte()?.into()) {
            Some(Tag::Text) => self.utf8().map(Text::Utf8),
            Some(Tag::Wide) => self.wide().map(Text::Wide),
            _ => Err("a text is missing"),
        }
    }

    fn utf8(&mut self) -> Result<&'a str, Wrong> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8")
    }

    fn wide(&mut self) -> Result<&'a [u8], Wrong> {
        let length = self.number()?.checked_mul(2).ok_or("a text is cut off")?;
        self.take(length)
    }

    fn digits(&mut self) -> Result<&'a str, Wrong> {
        let text = self.utf8()?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        match digits.as_bytes() {
            [b'0'] if text.len() == 1 => Ok(text),
            [b'1'..=b'9', ..] if is_plain => Ok(text),
            _ => Err("a BigInt is not written in digits"),
        }
    }

    fn time(&mut self) -> Result<f64, Wrong> {
        let time = self.float()?;
        if time.is_nan() || (time.abs() <= TIME && time.trunc() == time) {
            Ok(time)
        } else {
            Err("there is no such time")
        }
    }

    fn float(&mut self) -> Result<f64, Wrong> {
        let bytes = self.take(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().map_err(|_| "it is cut off")?))
    }

    /// A number in its shortest spelling.
    fn number(&mut self) -> Result<u32, Wrong> {
        let mut number = 0_u64;
        for at in 0..NUMBER_BYTES {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                if byte == 0 && at > 0 {
                    return Err("a number is longer than it must be");
                }
                return u32::try_from(number).map_err(|_| "a number is too large");
            }
        }
        Err("a number is too long")
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        let byte = *self.bytes.get(self.at).ok_or("it is cut off")?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], Wrong> {
        let end = self.at.checked_add(length as usize).ok_or("it is cut off")?;
        let taken = self.bytes.get(self.at..end).ok_or("it is cut off")?;
        self.at = end;
        Ok(taken)
    }
}

/// What belongs to an object that is open.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    /// Texts, each with a node. True between the two.
    Members(bool),
    Items,
    /// Pairs of nodes. True between the two.
    Pairs(bool),
}

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Contents {
    /// Whether JSON says all of it.
    pub(super) is_plain: bool,
}

/// Checks that a message is one node in the binary form.
pub(super) fn check(message: &[u8]) -> Result<Contents, Wrong> {
    if message.first() != Some(&MAGIC) {
        return Err("it does not begin like one");
    }
    let mut cursor = Cursor::new(message);
    let mut open: Vec<Open> = Vec::new();
    // The lengths of the buffers, by the numbers of the objects.
    let mut buffers = HashMap::new();
    let mut is_plain = true;
    loop {
        let node = cursor.next()?;
        is_plain &= match node {
            Node::End | Node::Null | Node::Bool(_) | Node::Int(_) | Node::Text(_) | Node::Object | Node::Array => true,
            Node::Float(number) => number.is_finite() && (number != 0.0 || number.is_sign_positive()),
            _ => false,
        };
        match node {
            Node::End => match open.pop() {
                Some(Open::Members(false) | Open::Items | Open::Pairs(false)) => {}
                _ => return Err("an end is where a node belongs"),
            },
            node => {
                match open.last_mut() {
                    Some(Open::Members(has_name @ false)) => match node {
                        Node::Text(_) => {
                            *has_name = true;
                            continue;
                        }
                        _ => return Err("a name is no text"),
                    },
                    Some(Open::Members(is_between) | Open::Pairs(is_between)) => *is_between = !*is_between,
                    Some(Open::Items) | None => {}
                }
                match node {
                    Node::Reference(number) if number >= cursor.objects => {
                        return Err("a reference leads forward");
                    }
                    Node::Buffer(bytes, _) => {
                        buffers.insert(cursor.objects - 1, bytes.len());
                    }
                    Node::View(view) => {
                        let length = match cursor.next()? {
                            Node::Buffer(bytes, _) => {
                                buffers.insert(cursor.objects - 1, bytes.len());
                                bytes.len()
                            }
                            Node::Reference(number) => *buffers.get(&number).ok_or("a view is of no buffer")?,
                            _ => return Err("a view is of no buffer"),
                        };
                        let (size, offset) = (view.elements.size() as u64, u64::from(view.offset));
                        let end = offset + u64::from(view.length.unwrap_or(0)) * size;
                        if end > length as u64 || !offset.is_multiple_of(size) {
                            return Err("a view is out of bounds");
                        }
                    }
                    Node::Boxed => match cursor.next()? {
                        Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::BigInt(_) | Node::Text(_) => {}
                        _ => return Err("a box holds no primitive"),
                    },
                    _ => {}
                }
                if node.is_open() {
                    if open.len() >= DEPTH {
                        return Err("it is nested too deep");
                    }
                    open.push(match node {
                        Node::Array | Node::Set => Open::Items,
                        Node::Map => Open::Pairs(false),
                        _ => Open::Members(false),
                    });
                }
            }
        }
        if open.is_empty() {
            return if cursor.is_at_end() { Ok(Contents { is_plain }) } else { Err("something follows the value") };
        }
    }
}

/// The places of the objects of a message that has been checked, by their numbers.
pub(super) fn places(message: &[u8]) -> Vec<usize> {
    let mut cursor = Cursor::new(message);
    let mut places = Vec::new();
    while !cursor.is_at_end() {
        let (place, before) = (cursor.at, cursor.objects);
        if cursor.next().is_err() {
            break;
        }
        if cursor.objects > before {
            places.push(place);
        }
    }
    places
}

/// The elements of a typed array, as numbers.
pub(super) enum Element {
    Int(i64),
    Unsigned(u64),
    Float(f64),
}

/// One element of a view, from its bytes.
pub(super) fn element(elements: Elements, bytes: &[u8]) -> Option<Element> {
    Some(match elements {
        Elements::Uint8Clamped | Elements::Uint8 | Elements::Bytes => Element::Unsigned((*bytes.first()?).into()),
        Elements::Int8 => Element::Int(i8::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::Int16 => Element::Int(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::Uint16 => Element::Unsigned(u16::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::Int32 => Element::Int(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::Uint32 => Element::Unsigned(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::BigInt64 => Element::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        Elements::BigUint64 => Element::Unsigned(u64::from_le_bytes(bytes.try_into().ok()?)),
        Elements::Float16 => Element::Float(half(u16::from_le_bytes(bytes.try_into().ok()?))),
        Elements::Float32 => Element::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        Elements::Float64 => Element::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
    })
}

/// A number of 16 bits: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match bits >> 10 & 0x1f {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(i32::from(exponent) - 15),
    }
}
