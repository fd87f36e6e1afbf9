//! Integers, as the engine converts them and as typed arrays hold them. It must never know what is computed with them.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use core::ffi::CStr;
use core::mem::ManuallyDrop;

use rquickjs_sys as sys;

use super::{Result, Thrown, Value, checked, checked_int, context};

/// The elements of a typed array of integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Integers {
    /// How wide an element is. Those of 64 bits are BigInts to script.
    pub bits: u32,
    /// Whether they have a sign.
    pub is_signed: bool,
}

/// Throws a RangeError. The message must hold no percent sign.
pub fn throw_range(message: &'static CStr) -> Thrown {
    // SAFETY: the messages of this crate hold no directive, so no argument is read.
    unsafe { sys::JS_ThrowRangeError(context(), message.as_ptr()) };
    Thrown
}

impl Value {
    /// A BigInt.
    pub fn big_int(value: i64) -> Result<Value> {
        // SAFETY: the context is live.
        checked(unsafe { sys::JS_NewBigInt64(context(), value) })
    }

    /// Converts to a number, which may run script code.
    pub fn to_number(&self) -> Result<f64> {
        let mut number = 0.0;
        // SAFETY: `number` outlives the call, the handle keeps the value alive.
        checked_int(unsafe { sys::JS_ToFloat64(context(), &raw mut number, self.0) })?;
        Ok(number)
    }

    /// Converts to the low 32 bits of an integer, which may run script code.
    pub fn to_int32(&self) -> Result<i32> {
        let mut integer = 0;
        // SAFETY: `integer` outlives the call, the handle keeps the value alive.
        checked_int(unsafe { sys::JS_ToInt32(context(), &raw mut integer, self.0) })?;
        Ok(integer)
    }

    /// Converts to the low 64 bits of a BigInt, which may run script code.
    pub fn to_int64(&self) -> Result<i64> {
        let mut integer = 0;
        // SAFETY: `integer` outlives the call, the handle keeps the value alive.
        checked_int(unsafe { sys::JS_ToBigInt64(context(), &raw mut integer, self.0) })?;
        Ok(integer)
    }

    /// Converts to an index, which may run script code.
    pub fn to_index(&self) -> Result<u64> {
        let mut index = 0;
        // SAFETY: `index` outlives the call, the handle keeps the value alive.
        checked_int(unsafe { sys::JS_ToIndex(context(), &raw mut index, self.0) })?;
        Ok(index)
    }

    /// What the elements are, if it is a typed array of integers that wrap around.
    pub fn integers(&self) -> Option<Integers> {
        // SAFETY: the handle keeps the value alive; a value that is no typed array has a negative type.
        let of = u32::try_from(unsafe { sys::JS_GetTypedArrayType(self.0) }).ok()?;
        let (bits, is_signed) = match of {
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_INT8 => (8, true),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 => (8, false),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_INT16 => (16, true),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT16 => (16, false),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_INT32 => (32, true),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT32 => (32, false),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_BIG_INT64 => (64, true),
            sys::JSTypedArrayEnum_JS_TYPED_ARRAY_BIG_UINT64 => (64, false),
            _ => return None,
        };
        Some(Integers { bits, is_signed })
    }

    /// Whether it is a typed array of integers of any kind.
    pub fn holds_integers(&self) -> bool {
        // SAFETY: the handle keeps the value alive; a value that is no typed array has a negative type.
        let of = unsafe { sys::JS_GetTypedArrayType(self.0) };
        self.integers().is_some() || u32::try_from(of) == Ok(sys::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8C)
    }

    /// Writes an element of a typed array; false when the array may not be written to. Writing a number or a BigInt of
    /// the array's kind runs no script code.
    pub fn set_index(&self, index: u32, value: Value) -> Result<bool> {
        let value = ManuallyDrop::new(value);
        // SAFETY: the handle keeps the array alive; the call takes over the reference that `value` held.
        checked_int(unsafe { sys::JS_SetPropertyUint32(context(), self.0, index, value.0) })
    }

    /// Throws a TypeError if it is a buffer that is detached.
    pub fn require_attached(&self) -> Result<()> {
        let mut bytes = 0;
        // SAFETY: `bytes` outlives the call, the handle keeps the value alive; the pointer to the bytes is only
        // compared. An empty buffer may have no pointer, and then no exception is pending.
        unsafe {
            let is_absent = sys::JS_GetArrayBuffer(context(), &raw mut bytes, self.0).is_null();
            if is_absent && sys::JS_HasException(context()) { Err(Thrown) } else { Ok(()) }
        }
    }
}
