//! Which of the engine's classes an object belongs to, and new objects of those classes. No function in this file runs
//! code of the script, but for [`Value::construct`] and [`Value::names`]. It must never know what the objects are for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::c_int;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;

use rquickjs_sys as sys;

use super::{Atom, Result, Value, checked, checked_int, context, eval, throw_type};
use crate::single::Single;

/// A class of the engine, as far as it matters when an object is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// None of the others.
    Other,
    /// An object with nothing but properties.
    Plain,
    /// An array.
    Array,
    /// An error.
    Error,
    /// A number in a box.
    Number,
    /// A string in a box.
    String,
    /// A boolean in a box.
    Boolean,
    /// A BigInt in a box.
    BigInt,
    /// A date.
    Date,
    /// A regular expression.
    RegExp,
    /// An ArrayBuffer.
    Buffer,
    /// A typed array or a DataView.
    View,
    /// A Map.
    Map,
    /// A Set.
    Set,
    /// A Proxy.
    Proxy,
    /// A promise.
    Promise,
    /// What `JSON.rawJSON` makes.
    RawJson,
}

/// Objects of the classes. The engine's number of a class is read off one of its objects.
const SAMPLES: [(&[u8], Class); 17] = [
    (b"({})\0", Class::Plain),
    (b"(function () { return arguments })()\0", Class::Plain),
    (b"(function () { 'use strict'; return arguments })()\0", Class::Plain),
    (b"[]\0", Class::Array),
    (b"new Error\0", Class::Error),
    (b"Object(1)\0", Class::Number),
    (b"Object('')\0", Class::String),
    (b"Object(true)\0", Class::Boolean),
    (b"Object(1n)\0", Class::BigInt),
    (b"new Date(0)\0", Class::Date),
    (b"/x/\0", Class::RegExp),
    (b"new ArrayBuffer(0)\0", Class::Buffer),
    (b"new Map\0", Class::Map),
    (b"new Set\0", Class::Set),
    (b"new Proxy({}, {})\0", Class::Proxy),
    (b"Promise.resolve()\0", Class::Promise),
    (b"JSON.rawJSON('1')\0", Class::RawJson),
];

/// More than the engine has classes of its own.
const CLASSES: usize = 80;

static KNOWN: Single<Cell<[Class; CLASSES]>> = Single::new(Cell::new([Class::Other; CLASSES]));

/// Learns the numbers of the classes. Runs while the image is built.
pub fn install() -> Result<()> {
    let mut known = [Class::Other; CLASSES];
    for (script, class) in SAMPLES {
        let sample = eval(b"<init>\0", script, false)?;
        // SAFETY: the handle keeps the value alive.
        let number = unsafe { sys::JS_GetClassID(sample.0) } as usize;
        *known.get_mut(number).ok_or_else(|| throw_type(c"the engine has more classes"))? = class;
    }
    KNOWN.set(known);
    Ok(())
}

impl Value {
    /// The class of an object.
    pub fn class(&self) -> Class {
        // SAFETY: the handle keeps the value alive.
        unsafe {
            if sys::JS_GetTypedArrayType(self.0) >= 0 || sys::JS_IsDataView(self.0) {
                return Class::View;
            }
            KNOWN.get().get(sys::JS_GetClassID(self.0) as usize).copied().unwrap_or(Class::Other)
        }
    }

    /// Which typed array it is, by the engine's number; None for any other value.
    pub fn typed_array_kind(&self) -> Option<u32> {
        // SAFETY: the handle keeps the value alive.
        u32::try_from(unsafe { sys::JS_GetTypedArrayType(self.0) }).ok()
    }

    /// A number that no other living object has.
    pub fn identity(&self) -> u64 {
        self.0
    }

    /// The names of the own enumerable properties, without symbols. A Proxy is asked.
    pub fn names(&self) -> Result<Vec<Atom>> {
        let mut table: *mut sys::JSPropertyEnum = null_mut();
        let mut length = 0_u32;
        let flags = (sys::JS_GPN_STRING_MASK | sys::JS_GPN_ENUM_ONLY) as c_int;
        // SAFETY: on success QuickJS hands over a table of `length` entries, each with an atom. The atoms go to the
        // list or are freed here, and the table is freed once.
        unsafe {
            checked_int(sys::JS_GetOwnPropertyNames(context(), &raw mut table, &raw mut length, self.0, flags))?;
            let mut names = Vec::new();
            let fits = names.try_reserve_exact(length as usize).is_ok();
            if length > 0 {
                let atoms = core::slice::from_raw_parts(table, length as usize).iter().map(|entry| Atom(entry.atom));
                if fits { names.extend(atoms) } else { atoms.for_each(drop) }
            }
            sys::js_free(context(), table.cast());
            if fits { Ok(names) } else { Err(super::throw_out_of_memory()) }
        }
    }

    /// Calls a constructor.
    pub fn construct<const N: usize>(&self, arguments: &[&Value; N]) -> Result<Value> {
        let mut raw = arguments.map(|argument| argument.0);
        // SAFETY: the callee borrows the values, which the caller's handles keep alive.
        checked(unsafe { sys::JS_CallConstructor(context(), self.0, N as c_int, raw.as_mut_ptr()) })
    }

    /// An error without a message or a stack.
    pub fn error_like(prototype: &Value) -> Result<Value> {
        // SAFETY: the handle keeps the prototype alive; a new error takes any.
        unsafe {
            let error = checked(sys::JS_NewError(context()))?;
            checked_int(sys::JS_SetPrototype(context(), error.0, prototype.0))?;
            Ok(error)
        }
    }

    /// A date.
    pub fn date(time: f64) -> Result<Value> {
        // SAFETY: the context is live.
        checked(unsafe { sys::JS_NewDate(context(), time) })
    }

    /// A typed array over a buffer, by the engine's number.
    pub fn typed_array<const N: usize>(kind: u32, arguments: &[&Value; N]) -> Result<Value> {
        let mut raw = arguments.map(|argument| argument.0);
        // SAFETY: the callee borrows the values, which the caller's handles keep alive.
        checked(unsafe { sys::JS_NewTypedArray(context(), N as c_int, raw.as_mut_ptr(), kind) })
    }

    /// A primitive in its box.
    pub fn boxed(&self) -> Result<Value> {
        // SAFETY: the handle keeps the value alive.
        checked(unsafe { sys::JS_ToObject(context(), self.0) })
    }

    /// A string from UTF-16, which may have lone surrogates.
    pub fn wide_string(units: &[u16]) -> Result<Value> {
        // SAFETY: pointer and length describe a live slice.
        checked(unsafe { sys::JS_NewStringUTF16(context(), units.as_ptr(), units.len() as _) })
    }

    /// An array without elements.
    pub fn empty_array() -> Result<Value> {
        // SAFETY: the context is live.
        checked(unsafe { sys::JS_NewArray(context()) })
    }

    /// Defines a property that is not listed.
    pub fn define_hidden(&self, name: &Atom, value: Value) -> Result<()> {
        let value = ManuallyDrop::new(value);
        let flags = (sys::JS_PROP_CONFIGURABLE | sys::JS_PROP_WRITABLE) as c_int;
        // SAFETY: the call takes over the reference that `value` held.
        checked_int(unsafe { sys::JS_DefinePropertyValue(context(), self.0, name.0, value.0, flags) }).map(drop)
    }

    /// Sets the length of an array.
    pub fn set_length(&self, length: u32) -> Result<()> {
        // SAFETY: the handle keeps the value alive.
        checked_int(unsafe { sys::JS_SetLength(context(), self.0, length.into()) }).map(drop)
    }
}

impl Atom {
    /// The string that it stands for.
    pub fn to_value(&self) -> Result<Value> {
        // SAFETY: the handle keeps the atom alive.
        checked(unsafe { sys::JS_AtomToString(context(), self.0) })
    }
}
