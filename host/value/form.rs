//! The two forms that values of Rust are written in: JSON text and the binary form. It must never know serde's data
//! model.

use std::fmt;

use belljar_abi::values::{Elements, MAGIC, Tag};
use serde::ser::{self, Serialize};

use super::encode::{push_float, push_message, push_nodes, push_utf8, push_varint};

/// Why a value was not written.
#[derive(Debug)]
pub(super) enum Failed {
    /// JSON has no form for it.
    NoJson,
    Message(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::NoJson => f.write_str("a key of a map has no form in JavaScript"),
            Failed::Message(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(why: T) -> Failed {
        Failed::Message(why.to_string())
    }
}

pub(super) type Written = Result<(), Failed>;

/// An object whose members are being written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Object,
    Array,
    Map,
    Set,
}

/// What values are written in.
pub(super) trait Form {
    /// What is needed to change the kind of an object that has begun.
    type Mark: Copy;

    fn null(&mut self) -> Written;
    fn bool(&mut self, value: bool) -> Written;
    fn int(&mut self, value: i64) -> Written;
    fn float(&mut self, value: f64) -> Written;
    fn big(&mut self, digits: fmt::Arguments<'_>) -> Written;
    fn text(&mut self, text: &str) -> Written;
    fn bytes(&mut self, bytes: &[u8]) -> Written;
    /// What another value consists of.
    fn wire(&mut self, wire: &[u8]) -> Written;
    fn open(&mut self, kind: Kind) -> Result<Self::Mark, Failed>;
    fn change(&mut self, mark: Self::Mark, kind: Kind) -> Written;
    fn comma(&mut self) -> Written;
    fn name(&mut self, name: &str) -> Written;
    fn close(&mut self, kind: Kind) -> Written;
}

pub(super) struct Json<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl Json<'_> {
    /// Text and numbers always have a form, and writing to a vector cannot fail.
    fn scalar(&mut self, value: &(impl Serialize + ?Sized)) -> Written {
        serde_json::to_writer(&mut *self.out, value).map_err(ser::Error::custom)
    }
}

impl Form for Json<'_> {
    type Mark = ();

    fn null(&mut self) -> Written {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Written {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn int(&mut self, value: i64) -> Written {
        self.scalar(&value)
    }

    fn float(&mut self, value: f64) -> Written {
        if value.is_finite() { self.scalar(&value) } else { Err(Failed::NoJson) }
    }

    fn big(&mut self, _: fmt::Arguments<'_>) -> Written {
        Err(Failed::NoJson)
    }

    fn text(&mut self, text: &str) -> Written {
        self.scalar(text)
    }

    fn bytes(&mut self, _: &[u8]) -> Written {
        Err(Failed::NoJson)
    }

    fn wire(&mut self, wire: &[u8]) -> Written {
        match wire.first() {
            None | Some(&MAGIC) => Err(Failed::NoJson),
            Some(_) => {
                self.out.extend_from_slice(wire);
                Ok(())
            }
        }
    }

    fn open(&mut self, kind: Kind) -> Written {
        self.out.push(match kind {
            Kind::Object => b'{',
            Kind::Array => b'[',
            Kind::Map | Kind::Set => return Err(Failed::NoJson),
        });
        Ok(())
    }

    fn change(&mut self, (): (), _: Kind) -> Written {
        Err(Failed::NoJson)
    }

    fn comma(&mut self) -> Written {
        self.out.push(b',');
        Ok(())
    }

    fn name(&mut self, name: &str) -> Written {
        self.scalar(name)?;
        self.out.push(b':');
        Ok(())
    }

    fn close(&mut self, kind: Kind) -> Written {
        self.out.push(if kind == Kind::Object { b'}' } else { b']' });
        Ok(())
    }
}

pub(super) struct Binary<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) objects: u32,
}

impl Form for Binary<'_> {
    /// Where the tag is.
    type Mark = usize;

    fn null(&mut self) -> Written {
        self.out.push(Tag::Null as u8);
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Written {
        self.out.push(if value { Tag::True } else { Tag::False } as u8);
        Ok(())
    }

    fn int(&mut self, value: i64) -> Written {
        #[allow(clippy::cast_precision_loss, reason = "the caller passes integers that a double holds")]
        push_float(self.out, value as f64);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Written {
        push_float(self.out, value);
        Ok(())
    }

    fn big(&mut self, digits: fmt::Arguments<'_>) -> Written {
        push_utf8(self.out, Tag::BigInt, digits.to_string().as_bytes());
        Ok(())
    }

    fn text(&mut self, text: &str) -> Written {
        push_utf8(self.out, Tag::Text, text.as_bytes());
        Ok(())
    }

    /// A Uint8Array over a buffer of its own.
    fn bytes(&mut self, bytes: &[u8]) -> Written {
        self.out.extend_from_slice(&[Tag::View as u8, Elements::Uint8 as u8, 0]);
        push_varint(self.out, bytes.len().saturating_add(1));
        push_utf8(self.out, Tag::Buffer, bytes);
        self.objects += 2;
        Ok(())
    }

    fn wire(&mut self, wire: &[u8]) -> Written {
        match wire.first() {
            None => self.out.push(Tag::Undefined as u8),
            Some(&MAGIC) => {
                self.objects += push_message(self.out, wire, self.objects).map_err(ser::Error::custom)?;
            }
            Some(_) => {
                let text = std::str::from_utf8(wire).map_err(ser::Error::custom)?;
                self.objects += push_nodes(self.out, text);
            }
        }
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Result<usize, Failed> {
        self.objects += 1;
        self.out.push(0);
        let mark = self.out.len() - 1;
        self.change(mark, kind)?;
        Ok(mark)
    }

    fn change(&mut self, mark: usize, kind: Kind) -> Written {
        let tag = match kind {
            Kind::Object => Tag::Object,
            Kind::Array => Tag::Array,
            Kind::Map => Tag::Map,
            Kind::Set => Tag::Set,
        };
        if let Some(place) = self.out.get_mut(mark) {
            *place = tag as u8;
        }
        Ok(())
    }

    fn comma(&mut self) -> Written {
        Ok(())
    }

    fn name(&mut self, name: &str) -> Written {
        self.text(name)
    }

    fn close(&mut self, _: Kind) -> Written {
        self.out.push(Tag::End as u8);
        Ok(())
    }
}
