//! The binary form to values. It does not recurse: objects that are not whole yet wait in a list.
//!
//! Whoever sent the message, nothing outside the guest is at stake here; a message that is not in the form throws.

use alloc::vec::Vec;

use belljar_abi::values::{DEPTH, Elements, Kind, Tag};

use super::classes;
use super::out::push;
use super::writer::{KEPT, MOVED};
use crate::qjs::{self, Atom, Value, heap};

/// An object that is not whole yet.
enum Open {
    /// An object or an array with names; with the name of the next member.
    Members(Value, Option<Atom>),
    Elements(Value, u32),
    /// A Map, with the key of the next entry.
    Map(Value, Option<Value>),
    Set(Value),
    Error(Value, Option<Atom>),
    /// A DOMException, which is made when its parts are there: its number, the next name, its name and its message.
    Exception {
        number: usize,
        name: Option<Atom>,
        called: Value,
        message: Value,
        stack: Value,
    },
    /// A view, whose buffer follows: its number, and what it shows.
    View {
        number: usize,
        elements: Elements,
        offset: u32,
        length: Option<u32>,
    },
    /// A box, whose content follows: its number.
    Boxed(usize),
}

pub(super) struct Reader<'a> {
    rest: &'a [u8],
    kept: &'a [Value],
    moved: &'a [Value],
    open: Vec<Open>,
    /// The objects by their numbers; undefined while one cannot be made yet.
    objects: Vec<Value>,
}

/// What a tag has led to.
enum Node {
    Whole(Value),
    Begun(Open),
    End,
}

impl<'a> Reader<'a> {
    pub(super) fn new(nodes: &'a [u8], kept: &'a [Value], moved: &'a [Value]) -> Reader<'a> {
        Reader { rest: nodes, kept, moved, open: Vec::new(), objects: Vec::new() }
    }

    /// The value of the whole message.
    pub(super) fn whole(mut self) -> qjs::Result<Value> {
        let mut node = self.node()?;
        loop {
            let value = match node {
                Node::Begun(open) => {
                    if self.open.len() >= DEPTH {
                        return Err(qjs::throw_type(c"a message is nested too deep"));
                    }
                    push(&mut self.open, open)?;
                    node = self.node()?;
                    continue;
                }
                Node::Whole(value) => value,
                Node::End => self.close()?,
            };
            // The value belongs to the object that is open, and may be all that this one waited for.
            match self.give(value)? {
                Some(whole) if self.open.is_empty() => {
                    return if self.rest.is_empty() { Ok(whole) } else { Err(wrong()) };
                }
                Some(whole) => node = Node::Whole(whole),
                None => node = self.node()?,
            }
        }
    }

    /// Gives a value to the object that is open. Some when that makes something whole, or nothing is open.
    fn give(&mut self, value: Value) -> qjs::Result<Option<Value>> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::Members(object, name)) => match name.take() {
                Some(name) => object.define_atom(&name, value)?,
                None => *name = Some(name_of(&value)?),
            },
            Some(Open::Elements(array, count)) => {
                array.define_index(*count, value)?;
                *count += 1;
            }
            Some(Open::Map(map, key)) => match key.take() {
                Some(key) => classes::put(map, &key, &value)?,
                None => *key = Some(value),
            },
            Some(Open::Set(set)) => classes::add(set, &value)?,
            Some(Open::Error(error, name)) => match name.take() {
                Some(name) if is_hidden(&name)? => error.define_hidden(&name, value)?,
                Some(name) => error.define_atom(&name, value)?,
                None => *name = Some(name_of(&value)?),
            },
            Some(Open::Exception { name, called, message, stack, .. }) => match name.take() {
                Some(name) => match name.to_value()?.text()?.bytes() {
                    b"name" => *called = value,
                    b"message" => *message = value,
                    b"stack" => *stack = value,
                    _ => {}
                },
                None => *name = Some(name_of(&value)?),
            },
            Some(&mut Open::View { number, elements, offset, length }) => {
                self.open.pop();
                let view = classes::new_view(elements, &value, offset, length)?;
                return self.make(number, view).map(Some);
            }
            Some(&mut Open::Boxed(number)) => {
                self.open.pop();
                if value.is_object() || value.is_null() || value.is_undefined() {
                    return Err(wrong());
                }
                let boxed = value.boxed()?;
                return self.make(number, boxed).map(Some);
            }
        }
        Ok(None)
    }

    /// The object that an end makes whole.
    fn close(&mut self) -> qjs::Result<Value> {
        match self.open.pop() {
            Some(Open::Members(whole, None) | Open::Elements(whole, _) | Open::Map(whole, None))
            | Some(Open::Set(whole) | Open::Error(whole, None)) => Ok(whole),
            Some(Open::Exception { number, name: None, called, message, stack }) => {
                let text = |value: &Value| value.lossy();
                let exception = classes::dom_exception(&text(&called)?, &text(&message)?)?;
                if stack.is_string() {
                    exception.define_hidden(&Atom::new(b"stack")?, stack)?;
                }
                self.make(number, exception)
            }
            _ => Err(wrong()),
        }
    }

    fn node(&mut self) -> qjs::Result<Node> {
        let tag = self.byte()?;
        match tag {
            KEPT => return self.listed(self.kept).map(Node::Whole),
            MOVED => {
                let buffer = self.listed(self.moved)?;
                return self.whole_object(buffer);
            }
            _ => {}
        }
        let whole = match Tag::from_wire(tag.into()).ok_or_else(wrong)? {
            Tag::End => return Ok(Node::End),
            Tag::Undefined => Value::undefined(),
            Tag::Null => Value::null(),
            Tag::False => Value::boolean(false),
            Tag::True => Value::boolean(true),
            Tag::Int => {
                let number = self.number()?;
                Value::int((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
            }
            Tag::Float => Value::number(self.float()?),
            Tag::BigInt => {
                let digits = self.run()?;
                classes::new_big_int(digits)?
            }
            Tag::Text => Value::string(self.run()?)?,
            Tag::Wide => self.wide()?,
            Tag::Reference => {
                let number = self.number()? as usize;
                let object = self.objects.get(number).filter(|object| object.is_object());
                object.cloned().ok_or_else(wrong)?
            }
            Tag::Object => {
                let object = Value::object()?;
                return self.begun(object, |object| Open::Members(object, None));
            }
            Tag::Array => {
                let array = Value::empty_array()?;
                return self.begun(array, |array| Open::Elements(array, 0));
            }
            Tag::Sparse => {
                let array = Value::empty_array()?;
                array.set_length(self.number()?)?;
                return self.begun(array, |array| Open::Members(array, None));
            }
            Tag::Date => {
                let date = Value::date(self.float()?)?;
                return self.whole_object(date);
            }
            Tag::RegExp => {
                let source = self.string()?;
                let flags = self.string()?;
                return self.whole_object(classes::new_reg_exp(&source, &flags)?);
            }
            Tag::Map => return self.begun(classes::new_map()?, |map| Open::Map(map, None)),
            Tag::Set => return self.begun(classes::new_set()?, Open::Set),
            Tag::Buffer => {
                let buffer = Value::array_buffer(self.run()?)?;
                return self.whole_object(buffer);
            }
            Tag::Resizable => {
                let (length, largest) = (self.number()?, self.number()?);
                let buffer = classes::new_resizable(self.take(length as usize)?, largest)?;
                return self.whole_object(buffer);
            }
            Tag::View => {
                let elements = Elements::from_wire(self.byte()?.into()).ok_or_else(wrong)?;
                let (offset, length) = (self.number()?, self.number()?.checked_sub(1));
                let number = self.promise()?;
                return Ok(Node::Begun(Open::View { number, elements, offset, length }));
            }
            Tag::Error => match Kind::from_wire(self.byte()?.into()).ok_or_else(wrong)? {
                Kind::DomException => {
                    let empty = || Value::string(b"");
                    let (number, called, message) = (self.promise()?, empty()?, empty()?);
                    let stack = Value::undefined();
                    return Ok(Node::Begun(Open::Exception { number, name: None, called, message, stack }));
                }
                kind => return self.begun(classes::new_error(kind)?, |error| Open::Error(error, None)),
            },
            Tag::Boxed => {
                let number = self.promise()?;
                return Ok(Node::Begun(Open::Boxed(number)));
            }
        };
        Ok(Node::Whole(whole))
    }

    fn begun(&mut self, object: Value, open: impl FnOnce(Value) -> Open) -> qjs::Result<Node> {
        push(&mut self.objects, object.clone())?;
        Ok(Node::Begun(open(object)))
    }

    fn whole_object(&mut self, object: Value) -> qjs::Result<Node> {
        push(&mut self.objects, object.clone())?;
        Ok(Node::Whole(object))
    }

    /// Numbers an object that is made later.
    fn promise(&mut self) -> qjs::Result<usize> {
        push(&mut self.objects, Value::undefined())?;
        Ok(self.objects.len() - 1)
    }

    fn make(&mut self, number: usize, object: Value) -> qjs::Result<Value> {
        if let Some(place) = self.objects.get_mut(number) {
            *place = object.clone();
        }
        Ok(object)
    }

    fn listed(&mut self, list: &[Value]) -> qjs::Result<Value> {
        let at = self.number()? as usize;
        list.get(at).cloned().ok_or_else(wrong)
    }

    /// A text that is part of another node.
    fn string(&mut self) -> qjs::Result<Value> {
        match self.byte()? {
            KEPT => self.listed(self.kept),
            tag if tag == Tag::Text as u8 => Value::string(self.run()?),
            tag if tag == Tag::Wide as u8 => self.wide(),
            _ => Err(wrong()),
        }
    }

    fn wide(&mut self) -> qjs::Result<Value> {
        let length = self.number()? as usize;
        let bytes = self.take(length.checked_mul(2).ok_or_else(wrong)?)?;
        let mut units = Vec::new();
        if bytes.len() > heap::room() || units.try_reserve_exact(length).is_err() {
            return Err(qjs::throw_out_of_memory());
        }
        units.extend(bytes.chunks_exact(2).filter_map(|unit| Some(u16::from_le_bytes(unit.try_into().ok()?))));
        Value::wide_string(&units)
    }

    fn run(&mut self) -> qjs::Result<&'a [u8]> {
        let length = self.number()? as usize;
        self.take(length)
    }

    fn float(&mut self) -> qjs::Result<f64> {
        let bytes = self.take(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().map_err(|_| wrong())?))
    }

    fn number(&mut self) -> qjs::Result<u32> {
        let mut number = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(wrong())
    }

    fn byte(&mut self) -> qjs::Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or_else(wrong)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take(&mut self, length: usize) -> qjs::Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(wrong)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn wrong() -> qjs::Thrown {
    qjs::throw_type(c"a message is not in the binary form of values")
}

fn name_of(value: &Value) -> qjs::Result<Atom> {
    if value.is_string() { Atom::of(value) } else { Err(wrong()) }
}

/// Whether an error has a member of this name without listing it.
fn is_hidden(name: &Atom) -> qjs::Result<bool> {
    Ok(matches!(name.to_value()?.text()?.bytes(), b"name" | b"message" | b"stack" | b"cause" | b"errors"))
}
