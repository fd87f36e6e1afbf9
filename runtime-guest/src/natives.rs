//! Functions of the engine that look into a value without running script code. They are kept from before any script
//! ran.
//!
//! Each reads what the engine keeps in the value, and nothing that a script could have put on it or on its prototypes.
//! Only [`to_big_int`] converts a value, which may run script code.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::CStr;

use crate::qjs::{self, Atom, Bytes, Property, Value, present};
use crate::single::Single;

struct Natives {
    eval_error: Value,
    description: Value,
    stack: Value,
    get_time: Value,
    to_iso_string: Value,
    source: Value,
    /// The getters of the flags of an expression, by the letter of each.
    flags: Vec<(char, Value)>,
    /// `valueOf` of boxed values, by the name of their class.
    boxed: Vec<(&'static str, Value)>,
    typed_length: Value,
    typed_buffer: Value,
    typed_offset: Value,
    typed_bytes: Value,
    view_buffer: Value,
    view_offset: Value,
    as_int_n: Value,
    /// Getters of `byteLength`, by the name of the class.
    byte_lengths: Vec<(&'static str, Value)>,
    function_text: Value,
    parse_int: Value,
    parse_float: Value,
    /// `toString` of the engine's own classes.
    to_strings: Vec<Value>,
    for_each_of_map: Value,
    for_each_of_set: Value,
    to_well_formed: Value,
}

static NATIVES: Single<RefCell<Option<Natives>>> = Single::new(RefCell::new(None));

const FLAGS: [(char, &CStr); 8] = [
    ('d', c"hasIndices"),
    ('g', c"global"),
    ('i', c"ignoreCase"),
    ('m', c"multiline"),
    ('s', c"dotAll"),
    ('u', c"unicode"),
    ('v', c"unicodeSets"),
    ('y', c"sticky"),
];
const BOXED: [(&str, &CStr); 5] = [
    ("Number", c"Number"),
    ("String", c"String"),
    ("Boolean", c"Boolean"),
    ("BigInt", c"BigInt"),
    ("Symbol", c"Symbol"),
];
const BUFFERS: [(&str, &CStr); 3] =
    [("ArrayBuffer", c"ArrayBuffer"), ("SharedArrayBuffer", c"SharedArrayBuffer"), ("DataView", c"DataView")];

const TO_STRINGS: [&CStr; 10] =
    [c"Object", c"Array", c"Date", c"RegExp", c"Error", c"Number", c"String", c"Boolean", c"Symbol", c"BigInt"];

/// Keeps them. Runs once, while the image is built.
pub fn install() -> qjs::Result<()> {
    let global = Value::global();
    let prototype = |class: &CStr| global.get(class)?.get(c"prototype");
    let method = |class: &CStr, name: &CStr| prototype(class)?.get(name);
    let getter = |class: &CStr, name: &CStr| getter_of(&prototype(class)?, name);
    let typed_prototype = prototype(c"Int8Array")?.prototype()?;
    let natives = Natives {
        eval_error: global.get(c"EvalError")?,
        description: getter(c"Symbol", c"description")?,
        stack: getter(c"Error", c"stack")?,
        get_time: method(c"Date", c"getTime")?,
        to_iso_string: method(c"Date", c"toISOString")?,
        source: getter(c"RegExp", c"source")?,
        flags: FLAGS
            .into_iter()
            .map(|(letter, name)| Ok((letter, getter(c"RegExp", name)?)))
            .collect::<qjs::Result<_>>()?,
        boxed: BOXED
            .into_iter()
            .map(|(name, class)| Ok((name, method(class, c"valueOf")?)))
            .collect::<qjs::Result<_>>()?,
        typed_length: getter_of(&typed_prototype, c"length")?,
        typed_buffer: getter_of(&typed_prototype, c"buffer")?,
        typed_offset: getter_of(&typed_prototype, c"byteOffset")?,
        typed_bytes: getter_of(&typed_prototype, c"byteLength")?,
        view_buffer: getter(c"DataView", c"buffer")?,
        view_offset: getter(c"DataView", c"byteOffset")?,
        as_int_n: global.get(c"BigInt")?.get(c"asIntN")?,
        byte_lengths: BUFFERS
            .into_iter()
            .map(|(name, class)| Ok((name, getter(class, c"byteLength")?)))
            .collect::<qjs::Result<_>>()?,
        function_text: method(c"Function", c"toString")?,
        parse_int: global.get(c"parseInt")?,
        parse_float: global.get(c"parseFloat")?,
        to_strings: TO_STRINGS.into_iter().map(|class| method(class, c"toString")).collect::<qjs::Result<_>>()?,
        for_each_of_map: method(c"Map", c"forEach")?,
        for_each_of_set: method(c"Set", c"forEach")?,
        to_well_formed: method(c"String", c"toWellFormed")?,
    };
    NATIVES.replace(Some(natives));
    Ok(())
}

fn getter_of(object: &Value, name: &CStr) -> qjs::Result<Value> {
    match object.own(&Atom::new(name.to_bytes())?)? {
        Some(Property::Accessor(getter)) if getter.is_function() => Ok(getter),
        _ => Err(qjs::throw_type(c"the engine has no such getter")),
    }
}

/// One of them. The borrow ends first, because the function may call back into this file.
fn kept(pick: impl FnOnce(&Natives) -> Option<Value>) -> Option<Value> {
    NATIVES.borrow().as_ref().and_then(pick)
}

fn read(pick: impl FnOnce(&Natives) -> Option<Value>, from: &Value) -> Option<Value> {
    present(kept(pick)?.call(from, &[]))
}

/// An EvalError with this message.
pub fn eval_error(message: &Value) -> qjs::Result<Value> {
    match kept(|natives| Some(natives.eval_error.clone())) {
        Some(constructor) => constructor.call(&Value::undefined(), &[message]),
        None => qjs::error(b"code generation is turned off"),
    }
}

/// The description of a symbol, if it has one.
pub fn description(symbol: &Value) -> Option<Value> {
    read(|natives| Some(natives.description.clone()), symbol).filter(Value::is_string)
}

/// The stack that the engine noted in an error.
pub fn stack(error: &Value) -> Option<Value> {
    read(|natives| Some(natives.stack.clone()), error).filter(Value::is_string)
}

/// A date as ISO 8601 writes it; None for an invalid one.
pub fn iso_date(date: &Value) -> Option<Value> {
    // `toISOString` throws for an invalid date, and making an error can run code of the script.
    let time = read(|natives| Some(natives.get_time.clone()), date)?.as_number()?;
    if time.is_nan() { None } else { read(|natives| Some(natives.to_iso_string.clone()), date) }
}

/// The time of a date, in milliseconds.
pub fn time_of(date: &Value) -> Option<f64> {
    if date.is_date() { read(|natives| Some(natives.get_time.clone()), date)?.as_number() } else { None }
}

/// The source text of a function.
pub fn function_text(function: &Value) -> Option<Value> {
    read(|natives| Some(natives.function_text.clone()), function)
}

/// The integer that a primitive begins with.
pub fn parse_int(value: &Value) -> Option<f64> {
    parse(|natives| Some(natives.parse_int.clone()), value)
}

/// The number that a primitive begins with.
pub fn parse_float(value: &Value) -> Option<f64> {
    parse(|natives| Some(natives.parse_float.clone()), value)
}

fn parse(pick: impl FnOnce(&Natives) -> Option<Value>, value: &Value) -> Option<f64> {
    if value.is_object() || value.is_symbol() {
        return None;
    }
    present(kept(pick)?.call(&Value::undefined(), &[value]))?.as_number()
}

/// Whether this is the `toString` of one of the engine's own classes.
pub fn is_engines_to_string(function: &Value) -> bool {
    NATIVES.borrow().as_ref().is_some_and(|natives| natives.to_strings.iter().any(|other| other.is_same(function)))
}

/// The source of an expression.
pub fn source(expression: &Value) -> Option<Value> {
    read(|natives| Some(natives.source.clone()), expression)
}

/// The flags of an expression.
pub fn flags(expression: &Value) -> String {
    let getters = NATIVES.borrow().as_ref().map(|natives| natives.flags.clone());
    let getters = getters.into_iter().flatten();
    getters
        .filter(|(_, getter)| present(getter.call(expression, &[])).is_some_and(|flag| flag.is_truthy()))
        .map(|(letter, _)| letter)
        .collect()
}

/// The value in a box of this class; None when it is none.
pub fn unboxed(class: &str, boxed: &Value) -> Option<Value> {
    read(|natives| natives.boxed.iter().find(|(name, _)| *name == class).map(|(_, read)| read.clone()), boxed)
}

/// How many elements a typed array has.
pub fn typed_length(array: &Value) -> usize {
    read(|natives| Some(natives.typed_length.clone()), array)
        .and_then(|length| length.as_number())
        .map_or(0, |length| length as usize)
}

/// The buffer of a typed array, also when it is detached.
pub fn typed_buffer(array: &Value) -> qjs::Result<Value> {
    match kept(|natives| Some(natives.typed_buffer.clone())) {
        Some(getter) => getter.call(array, &[]),
        None => Err(qjs::throw_type(c"the engine has no such getter")),
    }
}

/// More bits than a BigInt can have.
const ALL_BITS: f64 = 9_007_199_254_740_991.0;

/// Converts to a BigInt, which may run script code.
pub fn to_big_int(value: Value) -> qjs::Result<Value> {
    if value.is_big_int() {
        return Ok(value);
    }
    match kept(|natives| Some(natives.as_int_n.clone())) {
        Some(convert) => convert.call(&Value::undefined(), &[&Value::number(ALL_BITS), &value]),
        None => Err(qjs::throw_type(c"the engine has no BigInt")),
    }
}

/// How many bytes a buffer of this class, or a view of one, has; None when it is none.
pub fn byte_length(class: &str, buffer: &Value) -> Option<usize> {
    let length = read(
        |natives| natives.byte_lengths.iter().find(|(name, _)| *name == class).map(|(_, read)| read.clone()),
        buffer,
    )?;
    length.as_number().map(|length| length as usize)
}

/// Which bytes of its buffer a view shows. None are left where the buffer has become too short.
pub struct Window {
    pub buffer: Value,
    pub offset: usize,
    pub bytes: usize,
}

/// What a typed array or a DataView shows; None for any other value, and for a DataView that is out of bounds.
pub fn window(view: &Value) -> Option<Window> {
    let size = |of: Option<Value>| Some(of?.as_number()? as usize);
    if view.is_typed_array() {
        return Some(Window {
            buffer: read(|natives| Some(natives.typed_buffer.clone()), view)?,
            offset: size(read(|natives| Some(natives.typed_offset.clone()), view))?,
            bytes: size(read(|natives| Some(natives.typed_bytes.clone()), view))?,
        });
    }
    Some(Window {
        buffer: read(|natives| Some(natives.view_buffer.clone()), view)?,
        offset: size(read(|natives| Some(natives.view_offset.clone()), view))?,
        bytes: byte_length("DataView", view)?,
    })
}

/// The bytes of a buffer or of a view of one; None for any other value. A view that is out of bounds has no bytes.
pub fn bytes(value: &Value) -> Option<Bytes> {
    let size = |of: Option<Value>| of.and_then(|size| size.as_number()).map_or(0, |size| size as usize);
    if value.is_typed_array() {
        let buffer = read(|natives| Some(natives.typed_buffer.clone()), value)?;
        let start = size(read(|natives| Some(natives.typed_offset.clone()), value));
        return Some(Bytes::of(buffer, start, size(read(|natives| Some(natives.typed_bytes.clone()), value))));
    }
    if !value.is_object() {
        return None;
    }
    let class = present(present(value.class_name())?.lossy())?;
    match class.as_str() {
        "ArrayBuffer" | "SharedArrayBuffer" => {
            Some(Bytes::of(value.clone(), 0, byte_length(&class, value).unwrap_or(0)))
        }
        "DataView" => {
            let buffer = read(|natives| Some(natives.view_buffer.clone()), value)?;
            let start = size(read(|natives| Some(natives.view_offset.clone()), value));
            Some(Bytes::of(buffer, start, byte_length(&class, value).unwrap_or(0)))
        }
        _ => None,
    }
}

/// Calls a native function for every entry of a map or a set, until it throws.
pub fn for_each(collection: &Value, function: &Value) {
    let is_map = collection.is_map();
    let walk = kept(|natives| Some(if is_map { &natives.for_each_of_map } else { &natives.for_each_of_set }.clone()));
    if let Some(walk) = walk {
        drop(present(walk.call(collection, &[function])));
    }
}

/// A string with the halves of surrogate pairs replaced that stand alone.
pub fn well_formed(text: &Value) -> qjs::Result<Value> {
    match kept(|natives| Some(natives.to_well_formed.clone())) {
        Some(replace) => replace.call(text, &[]),
        None => Err(qjs::throw_type(c"the engine has no such function")),
    }
}

/// How many prototypes are looked at.
const PROTOTYPES: usize = 32;

/// A data property of the object or of its prototypes; None when an accessor or a Proxy is in the way.
pub fn inherited(object: &Value, name: &[u8]) -> Option<Value> {
    let name = present(Atom::new(name))?;
    let mut holder = object.clone();
    for _ in 0..PROTOTYPES {
        if !holder.is_object() || holder.is_proxy() {
            return None;
        }
        match present(holder.own(&name))? {
            Some(Property::Value(value)) => return Some(value),
            Some(Property::Accessor(_)) => return None,
            None => holder = present(holder.prototype())?,
        }
    }
    None
}

/// The name of an object's constructor, as far as it can be read without running script code.
pub fn constructor_name(object: &Value) -> Option<Value> {
    let prototype = present(object.prototype())?;
    let constructor = inherited(&prototype, b"constructor").filter(|value| value.is_function() && !value.is_proxy())?;
    constructor.own_value(b"name").filter(Value::is_string)
}
