//! Any value to the binary form. Code of the script may run at each step (getters, `toJSON`, Proxies), so nothing is
//! read twice that must be the same, and what has been met is held until the end.

use alloc::string::String;
use alloc::vec::{self, Vec};

use belljar_abi::values::{DEPTH, MAGIC, Tag};

use super::entries::entries;
use super::out::{Out, push};
use super::path::{self, Step};
use super::{Refusal, classes};
use crate::natives;
use crate::qjs::{self, Atom, Class, Property, Value, inside, present};
use crate::seen::Seen;

/// A string, a BigInt or a name that a copy shares with its original: its place in the list of them.
pub(super) const KEPT: u8 = 64;
/// A buffer that is transferred: its place in the list of them.
pub(super) const MOVED: u8 = 65;

/// What a value is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// For the host: an object with a `toJSON` is what that gives, and errors keep their properties.
    Cross,
    /// For a copy inside the guest, as HTML has it.
    Copy,
}

type Result<T = ()> = core::result::Result<T, Refusal>;

/// An object that is being written.
struct Open {
    of: Value,
    rest: Rest,
}

/// What is still to be written of an object, and where the writer is.
enum Rest {
    Names { names: vec::IntoIter<Atom>, at: Option<Atom> },
    Elements { next: u32, count: u32 },
    Entries { entries: vec::IntoIter<Value>, next: u32, each: u32 },
    Members { members: vec::IntoIter<(Atom, Value)>, at: Option<Atom> },
}

pub(super) struct Writer<'a> {
    mode: Mode,
    root: &'static str,
    transfer: &'a [Value],
    out: Out,
    open: Vec<Open>,
    seen: Seen,
    /// Holds every object that `seen` knows, so that no other object gets its identity.
    held: Vec<Value>,
    objects: u32,
    kept: Vec<Value>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(mode: Mode, root: &'static str, transfer: &'a [Value]) -> Writer<'a> {
        Writer {
            mode,
            root,
            transfer,
            out: Out::default(),
            open: Vec::new(),
            seen: Seen::default(),
            held: Vec::new(),
            objects: 0,
            kept: Vec::new(),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    pub(super) fn take_kept(&mut self) -> Vec<Value> {
        core::mem::take(&mut self.kept)
    }

    /// Whether all that was written is `undefined`.
    pub(super) fn is_undefined(&self) -> bool {
        self.out.is(&[MAGIC, Tag::Undefined as u8])
    }

    /// Writes a message.
    pub(super) fn write(&mut self, value: &Value) -> Result {
        self.bytes(&[MAGIC])?;
        self.node(value.clone())?;
        while let Some(open) = self.open.pop() {
            self.step(open)?;
        }
        Ok(())
    }

    /// Writes the next member of an object, or its end.
    fn step(&mut self, mut open: Open) -> Result {
        let next = match &mut open.rest {
            Rest::Names { names, at } => loop {
                let Some(name) = names.next() else { break None };
                // A Proxy is asked once for each; a name may have gone since the names were listed.
                let value = if open.of.is_proxy() {
                    open.of.get_atom(&name)?
                } else {
                    match open.of.own(&name)? {
                        Some(Property::Value(value)) => value,
                        Some(Property::Accessor(_)) => open.of.get_atom(&name)?,
                        None => continue,
                    }
                };
                self.name(&name)?;
                *at = Some(name);
                break Some(value);
            },
            Rest::Elements { next, count } => (*next < *count)
                .then(|| {
                    *next += 1;
                    open.of.get_index(*next - 1)
                })
                .transpose()?,
            Rest::Entries { entries, next, .. } => {
                *next += 1;
                entries.next()
            }
            Rest::Members { members, at } => match members.next() {
                Some((name, value)) => {
                    self.name(&name)?;
                    *at = Some(name);
                    Some(value)
                }
                None => None,
            },
        };
        match next {
            Some(value) => {
                push(&mut self.open, open)?;
                self.node(value)
            }
            None => self.tag(Tag::End),
        }
    }

    fn node(&mut self, value: Value) -> Result {
        if value.is_object() { self.object(value) } else { self.primitive(&value) }
    }

    fn primitive(&mut self, value: &Value) -> Result {
        if let Some(int) = value.as_int() {
            return self.int(int);
        }
        if let Some(number) = value.as_number() {
            // An integer is written as one, whatever the engine holds it as. Minus zero is none.
            let int = number as i32;
            if f64::from(int).to_bits() == number.to_bits() {
                return self.int(int);
            }
            self.tag(Tag::Float)?;
            return self.bytes(&number.to_le_bytes());
        }
        if let Some(boolean) = value.as_bool() {
            return self.tag(if boolean { Tag::True } else { Tag::False });
        }
        if value.is_string() {
            return self.text(value);
        }
        if value.is_big_int() {
            if self.mode == Mode::Copy {
                return self.keep(value.clone());
            }
            let digits = value.text()?;
            return self.run(Tag::BigInt, digits.bytes());
        }
        if value.is_symbol() {
            return self.cannot("a symbol");
        }
        self.tag(if value.is_null() { Tag::Null } else { Tag::Undefined })
    }

    fn int(&mut self, int: i32) -> Result {
        self.tag(Tag::Int)?;
        self.number(((int << 1) ^ (int >> 31)).cast_unsigned())
    }

    fn object(&mut self, value: Value) -> Result {
        if let Some(number) = self.seen.get(value.identity()) {
            return self.reference(number);
        }
        if value.is_function() {
            return self.cannot("a function");
        }
        let class = value.class();
        if self.mode == Mode::Cross && class != Class::Date {
            let to_json = value.get(c"toJSON")?;
            if to_json.is_function() {
                let key = self.key()?;
                let result = to_json.call(&value, &[&key])?;
                return self.instead(value, result);
            }
        }
        self.as_it_is(value, class)
    }

    /// Writes what `toJSON` gave for an object, which is not asked again.
    fn instead(&mut self, value: Value, result: Value) -> Result {
        if !result.is_object() {
            return self.primitive(&result);
        }
        if let Some(number) = self.seen.get(result.identity()) {
            self.note(value, number)?;
            return self.reference(number);
        }
        if result.is_function() {
            return self.cannot("a function");
        }
        if !result.is_same(&value) {
            // The object that `as_it_is` writes next gets this number.
            self.note(value, self.objects)?;
        }
        let class = result.class();
        self.as_it_is(result, class)
    }

    fn as_it_is(&mut self, value: Value, class: Class) -> Result {
        if let Some(at) = self.transfer.iter().position(|other| other.is_same(&value)) {
            self.begin(&value)?;
            self.bytes(&[MOVED])?;
            return self.number(at as u32);
        }
        match class {
            Class::Plain => {
                self.begin_as(Tag::Object, &value)?;
                let names = value.names()?;
                self.enter(value, Rest::Names { names: names.into_iter(), at: None })
            }
            Class::Array => self.array(value),
            Class::Proxy if self.mode == Mode::Cross => {
                if classes::is_array(&value) {
                    self.begin_as(Tag::Array, &value)?;
                    let count = u32::try_from(value.length()?).unwrap_or(u32::MAX);
                    return self.enter(value, Rest::Elements { next: 0, count });
                }
                self.as_it_is(value, Class::Plain)
            }
            Class::Number | Class::String | Class::Boolean | Class::BigInt => {
                let name = match class {
                    Class::Number => "Number",
                    Class::String => "String",
                    Class::Boolean => "Boolean",
                    _ => "BigInt",
                };
                let inner = natives::unboxed(name, &value).unwrap_or_else(Value::undefined);
                self.begin_as(Tag::Boxed, &value)?;
                self.primitive(&inner)
            }
            Class::Date => {
                let time = natives::time_of(&value).unwrap_or(f64::NAN);
                self.begin_as(Tag::Date, &value)?;
                self.bytes(&time.to_le_bytes())
            }
            Class::RegExp => {
                let source = natives::source(&value).unwrap_or_else(Value::undefined);
                let flags = natives::flags(&value);
                self.begin_as(Tag::RegExp, &value)?;
                self.text(&source)?;
                self.run(Tag::Text, flags.as_bytes())
            }
            Class::Buffer => self.buffer(&value),
            Class::View => self.view(&value),
            Class::Map | Class::Set => {
                let each = if class == Class::Map { 2 } else { 1 };
                self.begin_as(if class == Class::Map { Tag::Map } else { Tag::Set }, &value)?;
                let entries = entries(&value)?.into_iter();
                self.enter(value, Rest::Entries { entries, next: 0, each })
            }
            Class::Error => self.error(value),
            Class::RawJson => {
                let raw = value.get(c"rawJSON")?.text()?;
                let value = Value::parse_json(raw.terminated(), c"<raw>")?;
                self.primitive(&value)
            }
            Class::Proxy | Class::Promise | Class::Other => self.cannot(&classes::name(&value)),
        }
    }

    fn array(&mut self, value: Value) -> Result {
        if let Some(count) = inside::dense_length(&value) {
            self.begin_as(Tag::Array, &value)?;
            return self.enter(value, Rest::Elements { next: 0, count });
        }
        let length = u32::try_from(value.length()?).unwrap_or(u32::MAX);
        let names = value.names()?;
        // Elements are listed first, by their numbers. So this is all of them and nothing else.
        let is_last = |name: &Atom| is_text(&name.to_value()?, &path::digits(length.wrapping_sub(1)));
        if names.len() == length as usize && names.last().map_or(Ok(true), is_last)? {
            self.begin_as(Tag::Array, &value)?;
            return self.enter(value, Rest::Elements { next: 0, count: length });
        }
        self.begin_as(Tag::Sparse, &value)?;
        self.number(length)?;
        self.enter(value, Rest::Names { names: names.into_iter(), at: None })
    }

    fn buffer(&mut self, value: &Value) -> Result {
        if classes::is_detached(value) {
            return self.cannot("a detached ArrayBuffer");
        }
        let largest = classes::largest(value);
        let Some(bytes) = natives::bytes(value) else { return self.cannot("an ArrayBuffer") };
        bytes.read(|bytes| {
            self.begin_as(if largest.is_some() { Tag::Resizable } else { Tag::Buffer }, value)?;
            self.number(bytes.len() as u32)?;
            if let Some(largest) = largest {
                self.number(largest)?;
            }
            self.bytes(bytes)
        })
    }

    fn view(&mut self, value: &Value) -> Result {
        let Some(view) = classes::view(value) else {
            return self.cannot("a view whose ArrayBuffer is detached or too short");
        };
        self.begin_as(Tag::View, value)?;
        self.bytes(&[view.elements as u8])?;
        self.number(view.offset)?;
        self.number(view.length.map_or(0, |length| length + 1))?;
        if view.buffer.class() != Class::Buffer {
            return self.cannot(&classes::name(&view.buffer));
        }
        match self.seen.get(view.buffer.identity()) {
            Some(number) => self.reference(number),
            None => self.as_it_is(view.buffer, Class::Buffer),
        }
    }

    fn error(&mut self, value: Value) -> Result {
        let mut members = Vec::new();
        let mut add = |name: &[u8], value: Value| -> Result {
            let name = Atom::new(name)?;
            Ok(push(&mut members, (name, value))?)
        };
        let name = value.get(c"name")?;
        let own = |name: &[u8]| value.own(&Atom::new(name)?);
        let stack = value.own_value(b"stack").filter(Value::is_string).or_else(|| natives::stack(&value));
        let kind = match self.mode {
            Mode::Copy => {
                let named = if name.is_undefined() { String::from("Error") } else { name.lossy()? };
                // Whatever the message is, the copy has it as a string.
                if let Some(Property::Value(message)) = own(b"message")? {
                    add(b"message", Value::string(message.text()?.bytes())?)?;
                }
                classes::kind_named(&named)
            }
            Mode::Cross => {
                let kind = classes::kind(&value);
                if name.is_string() && name.text()?.bytes() != kind.class().as_bytes() {
                    add(b"name", name)?;
                }
                match own(b"message")? {
                    Some(Property::Value(message)) => add(b"message", message)?,
                    Some(Property::Accessor(_)) => add(b"message", value.get(c"message")?)?,
                    None => {}
                }
                kind
            }
        };
        if let Some(stack) = stack {
            add(b"stack", stack)?;
        }
        if let Some(Property::Value(cause)) = own(b"cause")? {
            add(b"cause", cause)?;
        }
        if self.mode == Mode::Cross {
            if let Some(Property::Value(errors)) = own(b"errors")? {
                add(b"errors", errors)?;
            }
            for name in value.names()? {
                let text = name.to_value()?.lossy_start(8)?;
                if matches!(text.as_str(), "name" | "message" | "stack" | "cause" | "errors") {
                    continue;
                }
                match value.own(&name)? {
                    Some(Property::Value(value)) => push(&mut members, (name, value))?,
                    Some(Property::Accessor(_)) => {
                        let value = value.get_atom(&name)?;
                        push(&mut members, (name, value))?;
                    }
                    None => {}
                }
            }
        }
        self.begin_as(Tag::Error, &value)?;
        self.bytes(&[kind as u8])?;
        self.enter(value, Rest::Members { members: members.into_iter(), at: None })
    }

    /// Numbers an object and writes its tag.
    fn begin_as(&mut self, tag: Tag, value: &Value) -> Result {
        self.begin(value)?;
        self.tag(tag)
    }

    fn begin(&mut self, value: &Value) -> Result {
        self.note(value.clone(), self.objects)?;
        self.objects += 1;
        Ok(())
    }

    fn note(&mut self, value: Value, number: u32) -> Result {
        if !self.seen.insert(value.identity(), number) {
            return Err(qjs::throw_out_of_memory().into());
        }
        Ok(push(&mut self.held, value)?)
    }

    fn enter(&mut self, of: Value, rest: Rest) -> Result {
        if self.open.len() >= DEPTH {
            return self.cannot(&["what is nested deeper than ", &path::digits(DEPTH as u32), " levels"].concat());
        }
        Ok(push(&mut self.open, Open { of, rest })?)
    }

    fn reference(&mut self, number: u32) -> Result {
        self.tag(Tag::Reference)?;
        self.number(number)
    }

    /// A string.
    fn text(&mut self, value: &Value) -> Result {
        if self.mode == Mode::Copy {
            return self.keep(value.clone());
        }
        Ok(self.out.text(value.text()?.bytes())?)
    }

    fn name(&mut self, name: &Atom) -> Result {
        let name = name.to_value()?;
        self.text(&name)
    }

    fn keep(&mut self, value: Value) -> Result {
        self.bytes(&[KEPT])?;
        self.number(self.kept.len() as u32)?;
        Ok(push(&mut self.kept, value)?)
    }

    fn run(&mut self, tag: Tag, bytes: &[u8]) -> Result {
        Ok(self.out.run(tag, bytes)?)
    }

    fn tag(&mut self, tag: Tag) -> Result {
        Ok(self.out.bytes(&[tag as u8])?)
    }

    fn number(&mut self, number: u32) -> Result {
        Ok(self.out.number(number)?)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result {
        Ok(self.out.bytes(bytes)?)
    }

    fn cannot(&self, what: &str) -> Result {
        let verb = if self.mode == Mode::Cross { "cross" } else { "be cloned" };
        let steps = self.open.iter().filter_map(|open| step(&open.rest)).collect::<Vec<_>>();
        let path = path::text(self.root, steps.into_iter());
        Err(Refusal::Cannot([&path, ": ", what, " cannot ", verb].concat()))
    }

    /// The key of the member that is being written, as `toJSON` gets it.
    fn key(&self) -> qjs::Result<Value> {
        match self.open.last().and_then(|open| step(&open.rest)) {
            Some(Step::Name(name)) => Value::string(name.as_bytes()),
            Some(Step::Index(index) | Step::Entry(index)) => Value::string(path::digits(index).as_bytes()),
            None => Value::string(b""),
        }
    }
}

/// The step into the member that is being written.
fn step(rest: &Rest) -> Option<Step> {
    match rest {
        Rest::Names { at, .. } | Rest::Members { at, .. } => {
            let name = present(present(at.as_ref()?.to_value())?.lossy())?;
            // An element of an array that has holes.
            Some(match name.parse() {
                Ok(index) if !name.starts_with('+') => Step::Index(index),
                _ => Step::Name(name),
            })
        }
        Rest::Elements { next, .. } => Some(Step::Index(next.checked_sub(1)?)),
        Rest::Entries { next, each, .. } => Some(Step::Entry(next.checked_sub(1)? / each)),
    }
}

fn is_text(value: &Value, text: &str) -> qjs::Result<bool> {
    Ok(value.text()?.bytes() == text.as_bytes())
}
