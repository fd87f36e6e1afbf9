//! Classes of the engine as copies need them: what is inside an object, and new ones like it. What is kept is from
//! before any script ran, so that a script cannot change how copies are made.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::CStr;

use belljar_abi::values::{Elements, Kind};

use crate::natives;
use crate::qjs::{self, Atom, Property, Value, inside, present};
use crate::single::Single;

struct Kept {
    map: Value,
    map_set: Value,
    set: Value,
    set_add: Value,
    reg_exp: Value,
    data_view: Value,
    array_buffer: Value,
    resizable: Value,
    max_length: Value,
    detached: Value,
    transfer: Value,
    keys: Value,
    is_array: Value,
    big_int: Value,
    /// The prototypes of the errors, by their [`Kind`]; undefined where the engine has none.
    errors: Vec<Value>,
    dom_exception: Value,
}

static KEPT: Single<RefCell<Option<Kept>>> = Single::new(RefCell::new(None));

/// The names of the classes of [`Kind::ALL`].
const ERRORS: [&CStr; 9] = [
    c"Error",
    c"EvalError",
    c"RangeError",
    c"ReferenceError",
    c"SyntaxError",
    c"TypeError",
    c"URIError",
    c"AggregateError",
    c"DOMException",
];

pub(super) fn install() -> qjs::Result<()> {
    qjs::classes::install()?;
    let global = Value::global();
    let prototype = |class: &CStr| global.get(class)?.get(c"prototype");
    let getter = |class: &CStr, name: &CStr| match prototype(class)?.own(&Atom::new(name.to_bytes())?)? {
        Some(Property::Accessor(getter)) if getter.is_function() => Ok(getter),
        _ => Err(qjs::throw_type(c"the engine has no such getter")),
    };
    let mut errors = Vec::new();
    for name in ERRORS {
        let class = global.get(name)?;
        errors.push(if class.is_undefined() { class } else { class.get(c"prototype")? });
    }
    KEPT.replace(Some(Kept {
        map: global.get(c"Map")?,
        map_set: prototype(c"Map")?.get(c"set")?,
        set: global.get(c"Set")?,
        set_add: prototype(c"Set")?.get(c"add")?,
        reg_exp: global.get(c"RegExp")?,
        data_view: global.get(c"DataView")?,
        array_buffer: global.get(c"ArrayBuffer")?,
        resizable: getter(c"ArrayBuffer", c"resizable")?,
        max_length: getter(c"ArrayBuffer", c"maxByteLength")?,
        detached: getter(c"ArrayBuffer", c"detached")?,
        transfer: prototype(c"ArrayBuffer")?.get(c"transfer")?,
        keys: prototype(c"Int8Array")?.prototype()?.get(c"keys")?,
        is_array: global.get(c"Array")?.get(c"isArray")?,
        big_int: global.get(c"BigInt")?,
        errors,
        dom_exception: global.get(c"DOMException")?,
    }));
    Ok(())
}

/// One of them. The borrow ends first, because the function may call back into this file.
fn kept(pick: impl FnOnce(&Kept) -> &Value) -> Value {
    KEPT.borrow().as_ref().map_or_else(Value::undefined, |kept| pick(kept).clone())
}

/// Whether it is an array, or a Proxy of one.
pub(super) fn is_array(value: &Value) -> bool {
    present(kept(|kept| &kept.is_array).call(&Value::undefined(), &[value])).is_some_and(|is| is.is_truthy())
}

/// Whether a buffer is detached.
pub(super) fn is_detached(buffer: &Value) -> bool {
    present(kept(|kept| &kept.detached).call(buffer, &[])).is_none_or(|is| is.is_truthy())
}

/// The most bytes that a resizable buffer can have; None for any other.
pub(super) fn largest(buffer: &Value) -> Option<u32> {
    present(kept(|kept| &kept.resizable).call(buffer, &[])).filter(Value::is_truthy)?;
    Some(present(kept(|kept| &kept.max_length).call(buffer, &[]))?.as_number()? as u32)
}

/// Takes the bytes away from a buffer and gives a new one that has them.
pub(super) fn transfer(buffer: &Value) -> qjs::Result<Value> {
    kept(|kept| &kept.transfer).call(buffer, &[])
}

/// What a view shows.
pub(super) struct View {
    pub(super) elements: Elements,
    pub(super) buffer: Value,
    pub(super) offset: u32,
    /// None where it follows that of the buffer.
    pub(super) length: Option<u32>,
}

/// Looks at a view; None when its buffer is detached, or has become too short for it.
pub(super) fn view(view: &Value) -> Option<View> {
    let elements = match view.typed_array_kind() {
        Some(kind) => {
            // This function of the engine throws for such a view, and getters do not.
            present(kept(|kept| &kept.keys).call(view, &[]))?;
            Elements::from_wire(kind)?
        }
        None => Elements::Bytes,
    };
    let natives::Window { buffer, offset, bytes } = natives::window(view)?;
    let length = (!inside::tracks_length(view)).then_some((bytes / elements.size()) as u32);
    Some(View { elements, buffer, offset: offset as u32, length })
}

/// A view of a buffer.
pub(super) fn new_view(elements: Elements, buffer: &Value, offset: u32, length: Option<u32>) -> qjs::Result<Value> {
    let offset = Value::number(offset.into());
    let length = length.map_or_else(Value::undefined, |length| Value::number(length.into()));
    match elements {
        Elements::Bytes => kept(|kept| &kept.data_view).construct(&[buffer, &offset, &length]),
        _ => Value::typed_array(elements as u32, &[buffer, &offset, &length]),
    }
}

/// A buffer that can be resized.
pub(super) fn new_resizable(bytes: &[u8], largest: u32) -> qjs::Result<Value> {
    let options = Value::object()?;
    options.define(c"maxByteLength", Value::number(largest.into()))?;
    let buffer = kept(|kept| &kept.array_buffer).construct(&[&Value::number(bytes.len() as f64), &options])?;
    if let Some(all) = natives::bytes(&buffer) {
        all.write(|all| {
            if all.len() == bytes.len() {
                all.copy_from_slice(bytes);
            }
        });
    }
    Ok(buffer)
}

pub(super) fn new_map() -> qjs::Result<Value> {
    kept(|kept| &kept.map).construct(&[])
}

pub(super) fn put(map: &Value, key: &Value, value: &Value) -> qjs::Result<()> {
    kept(|kept| &kept.map_set).call(map, &[key, value]).map(drop)
}

pub(super) fn new_set() -> qjs::Result<Value> {
    kept(|kept| &kept.set).construct(&[])
}

pub(super) fn add(set: &Value, value: &Value) -> qjs::Result<()> {
    kept(|kept| &kept.set_add).call(set, &[value]).map(drop)
}

pub(super) fn new_reg_exp(source: &Value, flags: &Value) -> qjs::Result<Value> {
    kept(|kept| &kept.reg_exp).construct(&[source, flags])
}

/// The BigInt of decimal digits.
pub(super) fn new_big_int(digits: &[u8]) -> qjs::Result<Value> {
    kept(|kept| &kept.big_int).call(&Value::undefined(), &[&Value::string(digits)?])
}

/// The kind of an error, by its prototypes.
pub(super) fn kind(error: &Value) -> Kind {
    /// How many prototypes are looked at.
    const PROTOTYPES: usize = 32;
    let mut prototype = present(error.prototype());
    for _ in 0..PROTOTYPES {
        let Some(here) = prototype.filter(|here| here.is_object() && !here.is_proxy()) else { break };
        let known = KEPT.borrow().as_ref().and_then(|kept| kept.errors.iter().position(|other| other.is_same(&here)));
        if let Some(kind) = known.and_then(|at| Kind::ALL.get(at)) {
            return *kind;
        }
        prototype = present(here.prototype());
    }
    Kind::Error
}

/// The kind of an error, by its name, as the structured clone algorithm has it.
pub(super) fn kind_named(name: &str) -> Kind {
    let is_it = |kind: &Kind| kind.class() == name && !matches!(kind, Kind::AggregateError | Kind::DomException);
    Kind::ALL.into_iter().find(is_it).unwrap_or(Kind::Error)
}

/// An error of a kind.
pub(super) fn new_error(kind: Kind) -> qjs::Result<Value> {
    let prototype = KEPT.borrow().as_ref().and_then(|kept| {
        let known = |kind: Kind| kept.errors.get(kind as usize).filter(|prototype| prototype.is_object()).cloned();
        known(kind).or_else(|| known(Kind::Error))
    });
    match prototype {
        Some(prototype) => Value::error_like(&prototype),
        None => Err(qjs::throw_type(c"the engine has no errors")),
    }
}

/// A DOMException; an error with that name where the engine has no such class.
pub fn dom_exception(name: &str, message: &str) -> qjs::Result<Value> {
    let (name, message) = (Value::string(name.as_bytes())?, Value::string(message.as_bytes())?);
    let class = kept(|kept| &kept.dom_exception);
    if class.is_function() {
        return class.construct(&[&message, &name]);
    }
    let error = qjs::error(message.text()?.bytes())?;
    error.define(c"name", name)?;
    Ok(error)
}

/// How messages call an object that cannot cross: `a WeakMap`.
pub(super) fn name(value: &Value) -> String {
    let own = |name: Value| present(name.lossy_start(40)).filter(|name| !name.is_empty() && name != "Object");
    let class = if value.is_function() {
        "function".into()
    } else {
        present(value.class_name())
            .and_then(own)
            .or_else(|| natives::constructor_name(value).and_then(own))
            .unwrap_or_else(|| "native object".into())
    };
    let article = if class.starts_with(['A', 'E', 'I', 'O']) { "an " } else { "a " };
    [article, &class].concat()
}
