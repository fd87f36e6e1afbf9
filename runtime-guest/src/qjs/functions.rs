//! Native functions: how a module declares those that scripts can call, and how the engine reaches them.
//!
//! Each module has a table of its own functions. The engine keeps one number with a function, which is the function's
//! [`Place`], and calls all of them through one entry of the module's WebAssembly table. An entry for each would make
//! that table longer than a page of 512 entries, and the host clears a table of one page without asking the kernel
//! (`benches/NOTES.md`). This file must never know what a function does.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use core::cell::Cell;
use core::ffi::{CStr, c_int};
use core::mem::ManuallyDrop;

use rquickjs_sys as sys;

use super::{Hooks, Result, Thrown, Value, checked, context};
use crate::single::Single;

/// Where a function is: which table, which of its functions, and which of the details that the function tells apart.
#[derive(Clone, Copy)]
pub struct Place {
    /// The number of the table.
    pub table: u8,
    /// The number of the function in its table.
    pub function: u8,
    /// A number that only the function itself understands.
    pub detail: u8,
}

/// The engine keeps 16 bits with a function: five for the table, five for the function, six for the detail.
const PART_BITS: u16 = 5;
const DETAIL_BITS: u16 = 6;

impl Place {
    /// The most tables, and the most functions of a table.
    pub const PART_MOST: u8 = 1 << PART_BITS;
    /// The most details of a function.
    const DETAIL_MOST: u8 = 1 << DETAIL_BITS;

    fn to_bits(self) -> i16 {
        let part = u16::from(self.table) << PART_BITS | u16::from(self.function);
        (part << DETAIL_BITS | u16::from(self.detail)).cast_signed()
    }

    fn from_bits(bits: i16) -> Place {
        let bits = bits.cast_unsigned();
        let part = |shift: u16| (bits >> shift) as u8 % Place::PART_MOST;
        Place {
            table: part(PART_BITS + DETAIL_BITS),
            function: part(DETAIL_BITS),
            detail: bits as u8 % Place::DETAIL_MOST,
        }
    }
}

/// The functions of one module. [`functions!`] writes this down.
pub trait Functions: Listed + Copy {
    /// Which of them this is.
    fn number(self) -> u8;
    /// Calls the function that has this number.
    fn call(number: u8, detail: u8, arguments: &Arguments<'_>) -> Result<Value>;
}

/// The number of a table. `functions.rs` at the root lists all tables and gives each its number.
pub trait Listed {
    /// The number.
    const TABLE: u8;
}

/// Declares the functions of a module, each with its body: `fn(&Arguments<'_>, u8) -> qjs::Result<Value>`. The number
/// is the detail that the function was made with.
macro_rules! functions {
    ($($name:ident => $body:path,)*) => {
        /// What scripts can call in this module.
        #[derive(Clone, Copy)]
        #[repr(u8)]
        pub enum Function {
            $($name,)*
        }

        const _: () = assert!([$(Function::$name),*].len() <= $crate::qjs::Place::PART_MOST as usize);

        impl $crate::qjs::Functions for Function {
            fn number(self) -> u8 {
                self as u8
            }

            fn call(
                number: u8,
                detail: u8,
                arguments: &$crate::qjs::Arguments<'_>,
            ) -> $crate::qjs::Result<$crate::qjs::Value> {
                match number {
                    $(number if number == Function::$name as u8 => $body(arguments, detail),)*
                    _ => Err($crate::qjs::throw_type(c"there is no such function")),
                }
            }
        }
    };
}
pub(crate) use functions;

/// What a native function is called with.
pub struct Arguments<'a> {
    this: sys::JSValue,
    values: &'a [sys::JSValue],
}

impl Arguments<'_> {
    /// The value that the function is called on. For a constructor, it is the function behind `new`.
    pub fn this(&self) -> Value {
        // SAFETY: as in `get`.
        Value(unsafe { sys::JS_DupValue(context(), self.this) })
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// An argument, or undefined.
    pub fn get(&self, index: usize) -> Value {
        let raw = self.values.get(index).copied().unwrap_or(sys::JS_UNDEFINED);
        // SAFETY: the caller of the native function keeps its arguments alive; the handle takes a reference of its own.
        Value(unsafe { sys::JS_DupValue(context(), raw) })
    }
}

type Trampoline =
    unsafe extern "C" fn(*mut sys::JSContext, sys::JSValue, c_int, *mut sys::JSValue, c_int) -> sys::JSValue;

unsafe extern "C" fn trampoline<H: Hooks>(
    _context: *mut sys::JSContext,
    this: sys::JSValue,
    count: c_int,
    values: *mut sys::JSValue,
    magic: c_int,
) -> sys::JSValue {
    // SAFETY: QuickJS passes `count` live values; it never passes a negative count.
    let values = unsafe { if count > 0 { core::slice::from_raw_parts(values, count as usize) } else { &[] } };
    match H::call(Place::from_bits(magic as i16), &Arguments { this, values }) {
        Ok(value) => ManuallyDrop::new(value).0,
        Err(Thrown) => sys::JS_EXCEPTION,
    }
}

/// The entry that the engine calls every native function through.
static ENTRY: Single<Cell<Option<Trampoline>>> = Single::new(Cell::new(None));

/// Has native functions called by these hooks. Runs once, before any is made.
pub(super) fn call_with<H: Hooks>() {
    ENTRY.set(Some(trampoline::<H>));
}

impl Value {
    /// A function that scripts can call.
    pub fn function<F: Functions>(function: F, name: &CStr, length: u8, detail: u8) -> Result<Value> {
        native(function, name, length, detail, sys::JSCFunctionEnum_JS_CFUNC_generic_magic)
    }

    /// A function that scripts can call with `new` only.
    pub fn constructor(function: impl Functions, name: &CStr, length: u8) -> Result<Value> {
        native(function, name, length, 0, sys::JSCFunctionEnum_JS_CFUNC_constructor_magic)
    }

    /// A function that scripts can call with `new` and without.
    pub fn function_or_constructor<F: Functions>(function: F, name: &CStr, length: u8, detail: u8) -> Result<Value> {
        native(function, name, length, detail, sys::JSCFunctionEnum_JS_CFUNC_constructor_or_func_magic)
    }
}

fn native<F: Functions>(function: F, name: &CStr, length: u8, detail: u8, kind: sys::JSCFunctionEnum) -> Result<Value> {
    const { assert!(F::TABLE < Place::PART_MOST) };
    assert!(detail < Place::DETAIL_MOST);
    let place = Place { table: F::TABLE, function: function.number(), detail };
    // SAFETY: QuickJS calls the pointer with the signature that belongs to the kind, which is the trampoline's own: all
    // kinds that are passed end in `magic`. The cast is what `JS_NewCFunctionMagic` of the C header does.
    checked(unsafe {
        let entry = ENTRY.get().map(|entry| {
            core::mem::transmute::<
                Trampoline,
                unsafe extern "C" fn(*mut sys::JSContext, sys::JSValue, c_int, *mut sys::JSValue) -> sys::JSValue,
            >(entry)
        });
        sys::JS_NewCFunction2(context(), entry, name.as_ptr(), length.into(), kind, place.to_bits().into())
    })
}
