//! The binary form, through serde, to values of Rust.
//!
//! The bytes have been checked, and may still be a hostile guest's: depth is bounded, objects that hold themselves are
//! errors, and so is a value that refers to its parts so often that reading them takes very long.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;

use belljar_abi::values::Elements;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::access::{Entries, Holes, Items, Keys, Numbers, Pairs, Passed, Variant};
use super::encode::extract;
use super::json::{is_full, skip, skip_members};
use super::nodes::{Cursor, Node, Text, View, Wrong, places};
use super::numbers::iso;
use super::shown::reg_exp;
use super::{RAW_TOKEN, Value, js};

/// How deep values may be nested, as `serde_json` has it: reading recurses.
const DEPTH: usize = 128;
/// How many nodes are read through references, besides sixteen for each byte of the message.
const REFERRED: u64 = 1 << 20;

/// What did not fit.
#[derive(Debug)]
pub(crate) struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(why: T) -> Misfit {
        Misfit(why.to_string())
    }
}

impl From<Wrong> for Misfit {
    fn from(wrong: Wrong) -> Misfit {
        Misfit(wrong.to_owned())
    }
}

pub(super) fn error<T>(why: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit(why.into()))
}

/// The value of a message that has been checked.
pub(super) fn message<T: DeserializeOwned>(message: &[u8]) -> Result<T, Misfit> {
    let shared = Shared::new(message);
    T::deserialize(Reader { cursor: &mut Cursor::new(message), shared: &shared })
}

/// As [`message`]; an error comes with the path of what did not fit.
pub(super) fn message_with_path<T: DeserializeOwned>(message: &[u8]) -> Result<T, (String, Misfit)> {
    let shared = Shared::new(message);
    serde_path_to_error::deserialize(Reader { cursor: &mut Cursor::new(message), shared: &shared })
        .map_err(|error| (error.path().to_string(), error.into_inner()))
}

/// What all readers of a message share.
pub(super) struct Shared<'m> {
    message: &'m [u8],
    places: OnceCell<Vec<usize>>,
    /// The numbers of the objects that are being read.
    open: RefCell<Vec<u32>>,
    left: Cell<u64>,
    /// How many references lead to where reading is.
    jumps: Cell<u32>,
}

impl<'m> Shared<'m> {
    pub(super) fn new(message: &'m [u8]) -> Shared<'m> {
        let left = REFERRED.saturating_add((message.len() as u64).saturating_mul(16));
        Shared {
            message,
            places: OnceCell::new(),
            open: RefCell::default(),
            left: Cell::new(left),
            jumps: Cell::new(0),
        }
    }

    fn places(&self) -> &[usize] {
        self.places.get_or_init(|| places(self.message))
    }

    fn jump(&self, from: &Cursor<'m>, number: u32) -> Result<Cursor<'m>, Misfit> {
        match self.places().get(number as usize) {
            Some(place) => Ok(from.jump(number, *place)),
            None => error("a reference leads nowhere"),
        }
    }
}

/// Reads the next node of a cursor, with all that belongs to it.
pub(super) struct Reader<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
}

/// A node that has been begun.
pub(super) struct Begun<'c, 'm> {
    node: Node<'m>,
    number: u32,
    /// Behind the node.
    at: Cursor<'m>,
    /// The cursor that goes on behind all of it; None where a reference led here, behind which it is already.
    back: Option<&'c mut Cursor<'m>>,
    shared: &'c Shared<'m>,
}

impl<'c, 'm> Reader<'c, 'm> {
    /// Looks at the next node without reading it.
    fn peek(&self) -> Result<Node<'m>, Misfit> {
        let mut ahead = *self.cursor;
        Ok(ahead.next()?)
    }

    pub(super) fn begin(self) -> Result<Begun<'c, 'm>, Misfit> {
        let Reader { cursor, shared } = self;
        let mut at = *cursor;
        let mut number = at.objects;
        let mut node = at.next()?;
        if shared.jumps.get() > 0 {
            match shared.left.get().checked_sub(1) {
                Some(left) => shared.left.set(left),
                None => return error("the value refers to its parts too often"),
            }
        }
        let mut back = Some(cursor);
        if let Node::Reference(to) = node {
            if let Some(cursor) = back.take() {
                *cursor = at;
            }
            number = to;
            at = shared.jump(&at, to)?;
            node = at.next()?;
        }
        if node == Node::Boxed {
            node = at.next()?;
        }
        if let (Some(cursor), false) = (&mut back, node.is_open() || matches!(node, Node::View(_))) {
            **cursor = at;
        }
        Ok(Begun { node, number, at, back, shared })
    }
}

impl<'m> Begun<'_, 'm> {
    /// Reads the members of an object: `read` gets a cursor behind the node, and leaves it before the end.
    fn within<R>(mut self, read: impl FnOnce(&mut Cursor<'m>, &Shared<'m>) -> Result<R, Misfit>) -> Result<R, Misfit> {
        {
            let mut open = self.shared.open.borrow_mut();
            if open.contains(&self.number) {
                return error("an object that holds itself cannot be read");
            }
            if open.len() >= DEPTH {
                return error("the value is nested too deep to be read");
            }
            open.push(self.number);
        }
        let is_jump = self.back.is_none();
        self.shared.jumps.set(self.shared.jumps.get() + u32::from(is_jump));
        let result = read(&mut self.at, self.shared)?;
        self.shared.jumps.set(self.shared.jumps.get() - u32::from(is_jump));
        self.shared.open.borrow_mut().pop();
        if !self.at.is_closing() {
            return error("there are more elements than are read");
        }
        self.at.next()?;
        if let Some(back) = self.back {
            *back = self.at;
        }
        Ok(result)
    }

    /// The bytes that a view shows.
    fn window(mut self, view: View) -> Result<&'m [u8], Misfit> {
        let buffer = match self.at.next()? {
            Node::Reference(number) => self.shared.jump(&self.at, number)?.next()?,
            node => node,
        };
        if let Some(back) = self.back {
            *back = self.at;
        }
        match buffer {
            Node::Buffer(bytes, _) => view.of(bytes).ok_or_else(|| Misfit("a view is out of bounds".into())),
            _ => error("a view is of no buffer"),
        }
    }

    pub(super) fn seq<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.node {
            Node::Array | Node::Set => self.within(|cursor, shared| visitor.visit_seq(Items { cursor, shared })),
            Node::Map => self.within(|cursor, shared| visitor.visit_seq(Pairs { cursor, shared })),
            Node::Sparse(length) => self.within(|cursor, shared| {
                let mut elements = Vec::new();
                let start = *cursor;
                skip_members(cursor);
                if !is_full(length, cursor.at - start.at) {
                    return error(format!("an array of {length} elements, of which nearly all are holes"));
                }
                elements.resize(length as usize, None);
                *cursor = start;
                while !cursor.is_closing() {
                    let Node::Text(name) = cursor.next()? else { return error("a name is no text") };
                    let name = name.lossy();
                    match name.parse::<u32>().ok().filter(|index| index.to_string() == name) {
                        Some(index) if index < length => {
                            if let Some(place) = elements.get_mut(index as usize) {
                                *place = Some(*cursor);
                            }
                        }
                        _ => return error(format!("an array has the name {}", crate::excerpt::quoted(&name))),
                    }
                    skip(cursor);
                }
                visitor.visit_seq(Holes { elements: elements.into_iter(), shared })
            }),
            Node::View(view) => {
                let bytes = self.window(view)?;
                visitor.visit_seq(Numbers { bytes, elements: view.elements })
            }
            Node::Buffer(bytes, _) => visitor.visit_seq(Numbers { bytes, elements: Elements::Uint8 }),
            _ => self.any(visitor),
        }
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let keys = match self.node {
            Node::Map => Keys::Nodes,
            Node::Error(kind) => Keys::Error(kind),
            _ => Keys::Names,
        };
        self.within(|cursor, shared| visitor.visit_map(Entries { cursor, shared, keys, value: None }))
    }

    pub(super) fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.node {
            Node::Undefined | Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(value),
            Node::Int(int) => visit_int(int.into(), visitor),
            Node::Float(float) => match whole(float) {
                Some(int) if float != 0.0 => visit_int(int, visitor),
                _ => visitor.visit_f64(float),
            },
            Node::BigInt(digits) => visit_digits(digits, visitor),
            Node::Text(text) => visitor.visit_str(utf8(text)?),
            Node::Date(time) => visitor.visit_string(date(time)?),
            Node::RegExp(source, flags) => visitor.visit_string(reg_exp(source, flags)),
            Node::Object | Node::Map | Node::Error(_) => self.map(visitor),
            Node::Buffer(bytes, _) => visitor.visit_bytes(bytes),
            Node::View(view) if view.elements.size() == 1 && view.elements != Elements::Int8 => {
                visitor.visit_bytes(self.window(view)?)
            }
            Node::Array | Node::Set | Node::Sparse(_) | Node::View(_) => self.seq(visitor),
            Node::End | Node::Reference(_) | Node::Boxed => error("a value is missing"),
        }
    }

    /// A number, where one is asked for.
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.node {
            Node::Float(float) => match whole(float) {
                Some(int) => visit_int(int, visitor),
                None => visitor.visit_f64(float),
            },
            Node::Date(time) => match whole(time) {
                Some(int) => visit_int(int, visitor),
                None => visitor.visit_f64(time),
            },
            _ => self.any(visitor),
        }
    }
}

/// A number without a fraction that 64 bits hold. The larger ones are no integers in JSON either.
fn whole(float: f64) -> Option<i128> {
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let is_whole = float.trunc() == float && float.abs() < 1e19;
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    is_whole.then_some(float as i128)
}

fn visit_int<'de, V: Visitor<'de>>(int: i128, visitor: V) -> Result<V::Value, Misfit> {
    if let Ok(int) = u64::try_from(int) {
        visitor.visit_u64(int)
    } else if let Ok(int) = i64::try_from(int) {
        visitor.visit_i64(int)
    } else {
        visitor.visit_i128(int)
    }
}

fn visit_digits<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, Misfit> {
    if let Ok(int) = digits.parse::<i128>() {
        visit_int(int, visitor)
    } else if let Ok(int) = digits.parse::<u128>() {
        visitor.visit_u128(int)
    } else {
        error(format!("a BigInt of {} digits fits in no integer, only in a string", digits.len()))
    }
}

pub(super) fn utf8(text: Text<'_>) -> Result<&str, Misfit> {
    match text {
        Text::Utf8(text) => Ok(text),
        Text::Wide(_) => error("a string with half of a surrogate pair has no UTF-8"),
    }
}

fn date(time: f64) -> Result<String, Misfit> {
    if time.is_nan() { error("an invalid Date has no text") } else { Ok(iso(time)) }
}

macro_rules! asked {
    ($how:ident: $($name:ident),+ $(,)?) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.begin()?.$how(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Misfit;

    asked!(any: deserialize_any, deserialize_bool);
    asked!(
        number: deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128, deserialize_u8,
        deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
    );
    asked!(seq: deserialize_seq);

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let begun = self.begin()?;
        match begun.node {
            Node::Float(float) | Node::Date(float) => visitor.visit_f64(float),
            _ => begun.any(visitor),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let begun = self.begin()?;
        match begun.node {
            Node::BigInt(digits) => visitor.visit_str(digits),
            _ => begun.any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let begun = self.begin()?;
        match begun.node {
            Node::View(view) => visitor.visit_bytes(begun.window(view)?),
            _ => begun.any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.peek()? {
            Node::Undefined | Node::Null => {
                self.begin()?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        match name {
            RAW_TOKEN => {
                let start = *self.cursor;
                skip(self.cursor);
                let message = extract(start, self.shared.places())?;
                let value = Value::from_message(message)?;
                visitor.visit_map(Passed { value: Some(value) })
            }
            js::DATE => {
                let begun = self.begin()?;
                match begun.node {
                    Node::Date(time) => visitor.visit_f64(time),
                    _ => error("invalid type, expected a Date"),
                }
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.begin()?.seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.begin()?.seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let begun = self.begin()?;
        match begun.node {
            Node::Text(text) => visitor.visit_enum(IntoDeserializer::<Misfit>::into_deserializer(utf8(text)?)),
            Node::Object => begun.within(|cursor, shared| visitor.visit_enum(Variant { cursor, shared })),
            _ => error("an enum is a string or an object with one member"),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        skip(self.cursor);
        visitor.visit_unit()
    }
}
