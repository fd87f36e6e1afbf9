//! What belongs to a node of the binary form, one after the other, as serde asks for it.

use belljar_abi::values::{Elements, Kind};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::nodes::{Cursor, Element, Node, Text, element};
use super::read::{Misfit, Reader, Shared, error, utf8};
use super::{RAW_TOKEN, TOKEN, Value};

/// The elements of an array or a Set.
pub(super) struct Items<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.cursor.is_closing() {
            return Ok(None);
        }
        seed.deserialize(Reader { cursor: self.cursor, shared: self.shared }).map(Some)
    }
}

/// The entries of a Map, each as a list of two.
pub(super) struct Pairs<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
}

impl<'de> SeqAccess<'de> for Pairs<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.cursor.is_closing() {
            return Ok(None);
        }
        let pair = Pair { cursor: self.cursor, shared: self.shared, left: 2 };
        seed.deserialize(de::value::SeqAccessDeserializer::new(pair)).map(Some)
    }
}

pub(super) struct Pair<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
    pub(super) left: u8,
}

impl<'de> SeqAccess<'de> for Pair<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Reader { cursor: self.cursor, shared: self.shared }).map(Some)
    }
}

/// The elements of an array that has holes, each of which is `undefined`.
pub(super) struct Holes<'c, 'm> {
    pub(super) elements: std::vec::IntoIter<Option<Cursor<'m>>>,
    pub(super) shared: &'c Shared<'m>,
}

impl<'de> SeqAccess<'de> for Holes<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        match self.elements.next() {
            None => Ok(None),
            Some(Some(mut cursor)) => seed.deserialize(Reader { cursor: &mut cursor, shared: self.shared }).map(Some),
            Some(None) => {
                let mut undefined = Cursor::new(&super::UNDEFINED);
                let shared = Shared::new(&super::UNDEFINED);
                seed.deserialize(Reader { cursor: &mut undefined, shared: &shared }).map(Some)
            }
        }
    }
}

/// The elements of a typed array.
pub(super) struct Numbers<'m> {
    pub(super) bytes: &'m [u8],
    pub(super) elements: Elements,
}

impl<'de> SeqAccess<'de> for Numbers<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some((bytes, rest)) = self.bytes.split_at_checked(self.elements.size()).filter(|(one, _)| !one.is_empty())
        else {
            return Ok(None);
        };
        self.bytes = rest;
        match element(self.elements, bytes) {
            None => Ok(None),
            Some(Element::Int(int)) => seed.deserialize(int.into_deserializer()).map(Some),
            Some(Element::Unsigned(int)) => seed.deserialize(int.into_deserializer()).map(Some),
            Some(Element::Float(float)) => seed.deserialize(float.into_deserializer()).map(Some),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bytes.len() / self.elements.size())
    }
}

/// What the keys of a map are.
#[derive(Clone, Copy)]
pub(super) enum Keys {
    /// Texts.
    Names,
    /// Any nodes.
    Nodes,
    /// The names of what an error has, before which its own name comes.
    Error(Kind),
}

pub(super) struct Entries<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
    pub(super) keys: Keys,
    /// A value that is no node.
    pub(super) value: Option<&'static str>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        if let Keys::Error(kind) = self.keys {
            self.keys = Keys::Names;
            let mut ahead = *self.cursor;
            if ahead.next()? != Node::Text(Text::Utf8("name")) {
                self.value = Some(kind.class());
                return seed.deserialize(Name("name")).map(Some);
            }
        }
        if self.cursor.is_closing() {
            return Ok(None);
        }
        if let Keys::Nodes = self.keys {
            return seed.deserialize(Reader { cursor: self.cursor, shared: self.shared }).map(Some);
        }
        match self.cursor.next()? {
            Node::Text(name) => seed.deserialize(Name(utf8(name)?)).map(Some),
            _ => error("a name is no text"),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        match self.value.take() {
            Some(text) => seed.deserialize(IntoDeserializer::<Misfit>::into_deserializer(text)),
            None => seed.deserialize(Reader { cursor: self.cursor, shared: self.shared }),
        }
    }
}

/// The name of a member. Where a number or a boolean is asked for, the name is the text of one.
pub(super) struct Name<'a>(pub(super) &'a str);

macro_rules! parsed {
    ($($name:ident $visit:ident $type:ty),+ $(,)?) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match self.0.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_str(self.0),
            }
        })+
    };
}

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Misfit;

    parsed!(
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_enum(StrDeserializer::<Misfit>::new(self.0))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An enum: an object whose one member is named like the variant.
pub(super) struct Variant<'c, 'm> {
    pub(super) cursor: &'c mut Cursor<'m>,
    pub(super) shared: &'c Shared<'m>,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        match self.cursor.next()? {
            Node::Text(name) => Ok((seed.deserialize(Name(utf8(name)?))?, self)),
            _ => error("an enum is a string or an object with one member"),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        self.newtype_variant_seed(std::marker::PhantomData)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(Reader { cursor: self.cursor, shared: self.shared })
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        Reader { cursor: self.cursor, shared: self.shared }.begin()?.seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        Reader { cursor: self.cursor, shared: self.shared }.begin()?.any(visitor)
    }
}

/// A value that is passed on without being read, as a map with one entry: as `serde_json` passes text, or by the name of
/// this crate's own values.
pub(super) struct Passed {
    pub(super) value: Option<Value>,
}

impl<'de> MapAccess<'de> for Passed {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some(value) = &self.value else { return Ok(None) };
        let token = if value.as_json().is_some() { RAW_TOKEN } else { TOKEN };
        seed.deserialize(IntoDeserializer::<Misfit>::into_deserializer(token)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        match self.value.take() {
            Some(Value(super::Form::Json(text))) => seed.deserialize(text.into_deserializer()),
            // `undefined` has no bytes, and here it has two.
            Some(value) if value.is_undefined() => {
                seed.deserialize(de::value::BytesDeserializer::new(&super::UNDEFINED))
            }
            Some(value) => seed.deserialize(de::value::BytesDeserializer::new(value.wire())),
            None => error("a value is missing"),
        }
    }
}
