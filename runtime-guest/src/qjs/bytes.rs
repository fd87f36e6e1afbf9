//! Bytes that scripts hold in buffers. It must never know what the bytes mean.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use rquickjs_sys as sys;

use super::{Result, Thrown, Value, checked, context, present};

/// A range of the bytes of a buffer. What the script does to the buffer later shows when the bytes are looked at: then
/// a range that is no longer there is empty.
pub struct Bytes {
    buffer: Value,
    start: usize,
    length: usize,
}

impl Bytes {
    /// So many bytes of a buffer from a place on.
    pub fn of(buffer: Value, start: usize, length: usize) -> Bytes {
        Bytes { buffer, start, length }
    }

    /// Looks at the bytes. The closure must not call script, which could free them. A call of the engine that fails may
    /// have called script, so it must be the last thing that the closure does.
    pub fn read<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: the handle keeps the buffer alive, and the closure does not change it.
        look(unsafe { self.bytes() })
    }

    /// Changes the bytes. The closure must not call the engine. None if the buffer must not change.
    pub fn write<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        // SAFETY: as `read`; a value that is no ArrayBuffer, a shared one for example, is not immutable.
        unsafe { (sys::JS_IsImmutableArrayBuffer(self.buffer.0) <= 0).then(|| change(self.bytes())) }
    }

    /// # Safety
    ///
    /// The buffer is neither freed nor changed in another way as long as the bytes are used.
    #[allow(clippy::mut_from_ref, reason = "the bytes are the script's, not the range's")]
    unsafe fn bytes(&self) -> &mut [u8] {
        let mut length = 0;
        // SAFETY: on success the engine gives a pointer to so many bytes, which the caller keeps there.
        let all = unsafe {
            let pointer = sys::JS_GetArrayBuffer(context(), &raw mut length, self.buffer.0);
            if pointer.is_null() {
                // A detached buffer makes the engine throw, an empty one may have no bytes to point to.
                if sys::JS_HasException(context()) {
                    present::<()>(Err(Thrown));
                }
                return &mut [];
            }
            core::slice::from_raw_parts_mut(pointer, length as usize)
        };
        let end = self.start.saturating_add(self.length);
        all.get_mut(self.start..end).unwrap_or_default()
    }
}

impl Value {
    /// A new Uint8Array with a copy of these bytes.
    pub fn uint8_array(bytes: &[u8]) -> Result<Value> {
        // SAFETY: pointer and length describe a live slice.
        checked(unsafe { sys::JS_NewUint8ArrayCopy(context(), bytes.as_ptr(), bytes.len() as _) })
    }

    /// A new ArrayBuffer with a copy of these bytes.
    pub fn array_buffer(bytes: &[u8]) -> Result<Value> {
        // SAFETY: pointer and length describe a live slice.
        checked(unsafe { sys::JS_NewArrayBufferCopy(context(), bytes.as_ptr(), bytes.len() as _) })
    }
}
