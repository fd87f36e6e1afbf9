//! Objects of native classes: JavaScript objects that hold a value of the guest's Rust code, their payload.
//!
//! QuickJS knows one class for all of them, so that they share one finalizer and one entry of the WebAssembly table. A
//! tag in front of the payload tells the kinds apart. This file must never know what a payload is for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ffi::CStr;
use core::mem::ManuallyDrop;
use core::ptr::{drop_in_place, null_mut};

use rquickjs_sys as sys;

use super::{Arguments, Functions, Hooks, Result, Thrown, Value, checked, checked_int, context, throw_type};
use crate::single::Single;

/// A type whose values scripts hold as objects. `functions.rs` at the root lists all such types and gives each its
/// number.
///
/// The collector does not look into a payload. So a payload must not hold an object, which could hold the payload's own
/// object: such a cycle would never be freed. Strings and numbers are fine. Memory of the payload that is not in the
/// payload itself, of a list for example, does not count towards the heap limit.
pub trait Class: Sized + 'static {
    /// The number of the kind.
    const KIND: u8;
}

/// What the opaque pointer of an object points to.
#[repr(C)]
struct Holder<T> {
    kind: u8,
    payload: T,
}

/// The alignment of blocks of QuickJS's allocator.
const ALIGN: usize = 8;

/// QuickJS's number of the class.
static CLASS: Single<Cell<sys::JSClassID>> = Single::new(Cell::new(0));
/// The prototype of each kind, by its number.
static PROTOTYPES: Single<RefCell<Vec<Option<Value>>>> = Single::new(RefCell::new(Vec::new()));

/// The payload of an object that is being freed.
pub struct Freed(*mut u8);

impl Freed {
    /// The number of the payload's kind.
    pub fn kind(&self) -> u8 {
        // SAFETY: the finalizer passes what `object` below has made, which begins with the kind.
        unsafe { self.0.read() }
    }

    /// Drops the payload, if it is of this class.
    pub fn drop_as<T: Class>(self) {
        if self.kind() == T::KIND {
            // SAFETY: the kind says that the holder is one of `T`, whose payload nobody else reaches any more. The
            // finalizer makes one `Freed` for each object, and this takes it.
            unsafe { drop_in_place(&raw mut (*self.0.cast::<Holder<T>>()).payload) }
        }
    }
}

unsafe extern "C" fn finalizer<H: Hooks>(runtime: *mut sys::JSRuntime, object: sys::JSValue) {
    // SAFETY: QuickJS passes an object of this class that it is about to free. Its pointer is null when the object was
    // never given a payload.
    unsafe {
        let holder = sys::JS_GetOpaque(object, CLASS.get()).cast::<u8>();
        if !holder.is_null() {
            H::free(Freed(holder));
            sys::js_free_rt(runtime, holder.cast());
        }
    }
}

/// Makes the class known to the engine. Runs once, when the runtime starts.
pub(super) fn start<H: Hooks>(runtime: *mut sys::JSRuntime) {
    let definition = sys::JSClassDef {
        // The console shows an object by the name of its constructor, and such a class like a script's own.
        class_name: c"Object".as_ptr(),
        finalizer: Some(finalizer::<H>),
        gc_mark: None,
        call: None,
        exotic: null_mut(),
    };
    let mut class = 0;
    // SAFETY: the runtime is live, and the definition is copied.
    let code = unsafe {
        sys::JS_NewClassID(runtime, &raw mut class);
        sys::JS_NewClass(runtime, class, &raw const definition)
    };
    assert!(code == 0, "the image cannot be built");
    CLASS.set(class);
}

/// Defines a class: its constructor becomes a global, and the constructor's prototype is given back for its methods.
pub fn define<T: Class>(constructor: impl Functions, name: &CStr) -> Result<Value> {
    let constructor = Value::constructor(constructor, name, 0)?;
    let prototype = Value::object()?;
    // SAFETY: the handles keep both alive.
    checked_int(unsafe { sys::JS_SetConstructor(context(), constructor.0, prototype.0) })?;
    prototype.define_tag(name)?;
    Value::global().define(name, constructor)?;
    let mut prototypes = PROTOTYPES.borrow_mut();
    if prototypes.len() <= T::KIND.into() {
        prototypes.resize_with(usize::from(T::KIND) + 1, || None);
    }
    if let Some(place) = prototypes.get_mut(usize::from(T::KIND)) {
        *place = Some(prototype.clone());
    }
    Ok(prototype)
}

impl Arguments<'_> {
    /// The new object of a constructor. Its prototype is that of the function behind `new`, which may be a subclass.
    pub fn construct<T: Class>(&self, payload: T) -> Result<Value> {
        let prototype = self.this().get(c"prototype")?;
        if prototype.is_object() {
            return object(&prototype, payload);
        }
        let own = PROTOTYPES.borrow().get(usize::from(T::KIND)).cloned().flatten();
        object(&own.ok_or_else(|| throw_type(c"there is no such class"))?, payload)
    }
}

fn object<T: Class>(prototype: &Value, payload: T) -> Result<Value> {
    const { assert!(align_of::<Holder<T>>() <= ALIGN) };
    // SAFETY: the block is as large as the holder and cleared, so that the gaps of the holder hold nothing of an older
    // block; the object gets it when it is whole.
    unsafe {
        let object = checked(sys::JS_NewObjectProtoClass(context(), prototype.0, CLASS.get()))?;
        let holder = sys::js_malloc(context(), size_of::<Holder<T>>() as sys::size_t).cast::<Holder<T>>();
        if holder.is_null() {
            return Err(Thrown);
        }
        holder.write_bytes(0, 1);
        (&raw mut (*holder).kind).write(T::KIND);
        (&raw mut (*holder).payload).write(payload);
        sys::JS_SetOpaque(object.0, holder.cast());
        Ok(object)
    }
}

impl Value {
    /// The payload, if this is an object of the class.
    pub fn payload<T: Class>(&self) -> Option<&T> {
        // SAFETY: the pointer of an object of QuickJS's class is null or points to a holder. The handle keeps the
        // object alive, and the object its payload, which nobody changes but through shared references.
        unsafe {
            let holder = sys::JS_GetOpaque(self.0, CLASS.get()).cast::<Holder<T>>();
            if holder.is_null() || (&raw const (*holder).kind).read() != T::KIND {
                return None;
            }
            Some(&(*holder).payload)
        }
    }

    /// Defines a method or a constant of a prototype as Web IDL has it: scripts can list and change it.
    pub fn define_member(&self, name: &CStr, value: Value) -> Result<()> {
        self.define_with(name, value, sys::JS_PROP_C_W_E as _)
    }

    /// Defines a property that a native function reads.
    pub fn define_getter(&self, name: &CStr, getter: Value) -> Result<()> {
        let name = super::Atom::new(name.to_bytes())?;
        let getter = ManuallyDrop::new(getter);
        let flags = (sys::JS_PROP_CONFIGURABLE | sys::JS_PROP_ENUMERABLE) as _;
        // SAFETY: the call takes over the reference that `getter` held.
        checked_int(unsafe {
            sys::JS_DefinePropertyGetSet(context(), self.0, name.0, getter.0, sys::JS_UNDEFINED, flags)
        })
        .map(drop)
    }
}
