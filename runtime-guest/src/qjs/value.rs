//! What can be asked of a value: its kind, its properties, its conversions. It must never know what for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_int};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::null_mut;

use rquickjs_sys as sys;

use super::{
    Atom, PromiseState, Result, Text, Thrown, Value, checked, checked_int, context, present, runtime, throw_type,
};

/// One own property, looked at without running script code (unless the object is a Proxy).
pub enum Property {
    /// A plain value.
    Value(Value),
    /// A getter, a setter, or both; the getter, or undefined.
    Accessor(Value),
}

unsafe extern "C" {
    /// A function of `tools/quickjs.patch`.
    fn js_new_like(context: *mut sys::JSContext, template: sys::JSValue, values: *mut sys::JSValue) -> sys::JSValue;
}

/// The names of ordinary objects that are made at once and not name by name.
///
/// QuickJS shares the names of an object, its shape, among all objects that have the same. A template is such an
/// object; nobody else holds it, so its shape stays what it is.
pub struct Template {
    object: Value,
    names: usize,
}

impl Template {
    /// A template with these names, which must differ.
    pub fn new<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Template> {
        let object = Value::object()?;
        let mut count = 0;
        for name in names {
            object.define_atom(&Atom::new(name)?, Value::undefined())?;
            count += 1;
        }
        if object.own_keys(0)?.1 != count {
            return Err(throw_type(c"two names of a template are the same"));
        }
        Ok(Template { object, names: count })
    }

    /// An object with the values from `start` on, one for each name, which are taken out of the vector.
    pub fn object(&self, values: &mut Vec<Value>, start: usize) -> Result<Value> {
        if values.len().checked_sub(start) != Some(self.names) {
            return Err(throw_type(c"an object has as many values as names"));
        }
        // SAFETY: the template is an ordinary object with so many plain properties. The call takes over every value,
        // also when it fails; the vector gives them up without dropping them.
        unsafe {
            let first = values.as_mut_ptr().add(start).cast::<sys::JSValue>();
            values.set_len(start);
            checked(js_new_like(context(), self.object.0, first))
        }
    }
}

impl Value {
    /// `undefined`.
    pub fn undefined() -> Value {
        Value(sys::JS_UNDEFINED)
    }

    /// `null`.
    pub fn null() -> Value {
        Value(sys::JS_NULL)
    }

    /// A boolean.
    pub fn boolean(value: bool) -> Value {
        Value(if value { sys::JS_TRUE } else { sys::JS_FALSE })
    }

    /// A small integer.
    pub fn int(value: i32) -> Value {
        Value(u64::from(value.cast_unsigned()))
    }

    /// A number.
    pub fn number(value: f64) -> Value {
        Value(sys::JS_NewFloat64(value))
    }

    /// A string from UTF-8.
    pub fn string(text: &[u8]) -> Result<Value> {
        // SAFETY: pointer and length describe a live slice.
        checked(unsafe { sys::JS_NewStringLen(context(), text.as_ptr().cast(), text.len() as _) })
    }

    /// A plain object.
    pub fn object() -> Result<Value> {
        // SAFETY: the context is live.
        checked(unsafe { sys::JS_NewObject(context()) })
    }

    /// An object without a prototype.
    pub fn bare_object() -> Result<Value> {
        // SAFETY: the context is live; null is a valid prototype.
        checked(unsafe { sys::JS_NewObjectProto(context(), sys::JS_NULL) })
    }

    /// The global object.
    pub fn global() -> Value {
        // SAFETY: the context is live.
        Value(unsafe { sys::JS_GetGlobalObject(context()) })
    }

    /// An array of the values from `start` on, which are taken out of the vector.
    pub fn array(values: &mut Vec<Value>, start: usize) -> Result<Value> {
        let elements = values.get(start..).unwrap_or(&[]);
        // SAFETY: the call takes over every element, also when it fails; the vector gives them up without dropping
        // them.
        unsafe {
            let array =
                sys::JS_NewArrayFrom(context(), elements.len() as c_int, elements.as_ptr().cast::<sys::JSValue>());
            values.set_len(start.min(values.len()));
            checked(array)
        }
    }

    /// Parses JSON as the engine does. The buffer must end in NUL, which is not part of the text. Errors name `name` as
    /// the source.
    pub fn parse_json(text: &[u8], name: &CStr) -> Result<Value> {
        let Some((&0, body)) = text.split_last() else {
            return Err(throw_type(c"message is not terminated"));
        };
        // SAFETY: the parser reads `body.len()` bytes and the NUL behind them, all inside `text`.
        checked(unsafe { sys::JS_ParseJSON(context(), body.as_ptr().cast(), body.len() as _, name.as_ptr()) })
    }

    /// JSON text as the engine makes it, or `undefined` for what JSON leaves out. May run `toJSON` and getters of the
    /// script.
    pub fn to_json(&self, replacer: &Value, indent: &Value) -> Result<Value> {
        // SAFETY: the handles keep the values alive.
        checked(unsafe { sys::JS_JSONStringify(context(), self.0, replacer.0, indent.0) })
    }

    /// The text of a string; other values are converted, which may run script code.
    pub fn text(&self) -> Result<Text> {
        let mut length: sys::size_t = 0;
        // SAFETY: `length` outlives the call, the handle keeps the value alive.
        let pointer = unsafe { sys::JS_ToCStringLen2(context(), &raw mut length, self.0, false) };
        if pointer.is_null() { Err(Thrown) } else { Ok(Text { pointer, length: length as usize }) }
    }

    /// As [`Value::text`], replacing what is not UTF-8.
    pub fn lossy(&self) -> Result<String> {
        self.lossy_start(usize::MAX)
    }

    /// As [`Value::lossy`], but only the start of a longer text, so that a large text of the script is not copied
    /// whole.
    pub fn lossy_start(&self, most: usize) -> Result<String> {
        let text = self.text()?;
        let bytes = text.bytes();
        Ok(super::well_formed(&bytes[..bytes.len().min(most)]))
    }

    /// The string that a value converts to, which may run script code.
    pub fn to_text(&self) -> Result<Value> {
        // SAFETY: the handle keeps the value alive.
        checked(unsafe { sys::JS_ToString(context(), self.0) })
    }

    /// Reads a property, which may run script code.
    pub fn get(&self, name: &CStr) -> Result<Value> {
        // SAFETY: the handle keeps the value alive, the name ends in NUL.
        checked(unsafe { sys::JS_GetPropertyStr(context(), self.0, name.as_ptr()) })
    }

    /// Reads a property by atom, which may run script code.
    pub fn get_atom(&self, name: &Atom) -> Result<Value> {
        // SAFETY: both handles keep what they name alive.
        checked(unsafe { sys::JS_GetProperty(context(), self.0, name.0) })
    }

    /// Reads an element, which may run script code.
    pub fn get_index(&self, index: u32) -> Result<Value> {
        // SAFETY: the handle keeps the value alive.
        checked(unsafe { sys::JS_GetPropertyUint32(context(), self.0, index) })
    }

    /// Looks at an own property without calling a getter.
    pub fn own(&self, name: &Atom) -> Result<Option<Property>> {
        let mut descriptor = MaybeUninit::<sys::JSPropertyDescriptor>::uninit();
        // SAFETY: the descriptor is written when the call returns a positive number, and only then read.
        unsafe {
            if !checked_int(sys::JS_GetOwnProperty(context(), descriptor.as_mut_ptr(), self.0, name.0))? {
                return Ok(None);
            }
            let descriptor = descriptor.assume_init();
            let (value, getter, setter) = (Value(descriptor.value), Value(descriptor.getter), Value(descriptor.setter));
            if descriptor.flags & sys::JS_PROP_GETSET as c_int != 0 || !getter.is_undefined() || !setter.is_undefined()
            {
                return Ok(Some(Property::Accessor(getter)));
            }
            Ok(Some(Property::Value(value)))
        }
    }

    /// An own data property. None for any other, and where looking throws.
    pub fn own_value(&self, name: &[u8]) -> Option<Value> {
        let name = present(Atom::new(name))?;
        match present(self.own(&name))?? {
            Property::Value(value) => Some(value),
            Property::Accessor(_) => None,
        }
    }

    /// The first of the own enumerable keys, strings and symbols, and how many there are.
    pub fn own_keys(&self, most: usize) -> Result<(Vec<Value>, usize)> {
        let mut table: *mut sys::JSPropertyEnum = null_mut();
        let mut length = 0_u32;
        let flags = (sys::JS_GPN_STRING_MASK | sys::JS_GPN_SYMBOL_MASK | sys::JS_GPN_ENUM_ONLY) as c_int;
        // SAFETY: on success QuickJS hands over a table of `length` entries, which is freed below, once.
        unsafe {
            checked_int(sys::JS_GetOwnPropertyNames(context(), &raw mut table, &raw mut length, self.0, flags))?;
            let entries: &[sys::JSPropertyEnum] =
                if length == 0 { &[] } else { core::slice::from_raw_parts(table, length as usize) };
            let first = entries.iter().take(most);
            let keys: Result<Vec<Value>> =
                first.map(|entry| checked(sys::JS_AtomToValue(context(), entry.atom))).collect();
            sys::JS_FreePropertyEnum(context(), table, length);
            Ok((keys?, length as usize))
        }
    }

    /// Defines a property that script can change.
    pub fn define(&self, name: &CStr, value: Value) -> Result<()> {
        self.define_with(name, value, (sys::JS_PROP_CONFIGURABLE | sys::JS_PROP_WRITABLE) as c_int)
    }

    /// Defines a property that script can see, but not change.
    pub fn define_locked(&self, name: &CStr, value: Value) -> Result<()> {
        self.define_with(name, value, 0)
    }

    pub(super) fn define_with(&self, name: &CStr, value: Value, flags: c_int) -> Result<()> {
        let value = ManuallyDrop::new(value);
        // SAFETY: the call takes over the reference that `value` held.
        checked_int(unsafe { sys::JS_DefinePropertyValueStr(context(), self.0, name.as_ptr(), value.0, flags) })
            .map(drop)
    }

    /// Defines a property under an atom.
    pub fn define_atom(&self, name: &Atom, value: Value) -> Result<()> {
        let value = ManuallyDrop::new(value);
        // SAFETY: the call takes over the reference that `value` held.
        checked_int(unsafe {
            sys::JS_DefinePropertyValue(context(), self.0, name.0, value.0, sys::JS_PROP_C_W_E as c_int)
        })
        .map(drop)
    }

    /// Deletes a property.
    pub fn delete(&self, name: &Atom) -> Result<()> {
        // SAFETY: both handles keep what they name alive.
        checked_int(unsafe { sys::JS_DeleteProperty(context(), self.0, name.0, 0) }).map(drop)
    }

    /// Defines an element of an array.
    pub fn define_index(&self, index: u32, value: Value) -> Result<()> {
        let value = ManuallyDrop::new(value);
        // SAFETY: the call takes over the reference that `value` held.
        checked_int(unsafe {
            sys::JS_DefinePropertyValueUint32(context(), self.0, index, value.0, sys::JS_PROP_C_W_E as c_int)
        })
        .map(drop)
    }

    /// Defines what `Object.prototype.toString` calls it. Runs while the image is built.
    pub fn define_tag(&self, tag: &CStr) -> Result<()> {
        let name = Atom::of(&Value::global().get(c"Symbol")?.get(c"toStringTag")?)?;
        let tag = ManuallyDrop::new(Value::string(tag.to_bytes())?);
        let flags = sys::JS_PROP_CONFIGURABLE as c_int;
        // SAFETY: the call takes over the reference that `tag` held.
        checked_int(unsafe { sys::JS_DefinePropertyValue(context(), self.0, name.0, tag.0, flags) }).map(drop)
    }

    /// Makes an object unchangeable.
    pub fn freeze(&self) -> Result<()> {
        // SAFETY: the handle keeps the value alive.
        checked_int(unsafe { sys::JS_FreezeObject(context(), self.0) }).map(drop)
    }

    /// The prototype.
    pub fn prototype(&self) -> Result<Value> {
        // SAFETY: the handle keeps the value alive.
        checked(unsafe { sys::JS_GetPrototype(context(), self.0) })
    }

    /// Calls a function.
    pub fn call<const N: usize>(&self, this: &Value, arguments: &[&Value; N]) -> Result<Value> {
        let mut raw = arguments.map(|argument| argument.0);
        // SAFETY: the callee borrows the values, which the caller's handles keep alive.
        checked(unsafe { sys::JS_Call(context(), self.0, this.0, N as c_int, raw.as_mut_ptr()) })
    }

    /// Whether two handles hold the same object.
    pub fn is_same(&self, other: &Value) -> bool {
        self.0 == other.0
    }

    /// Whether it is `undefined`.
    pub fn is_undefined(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsUndefined(self.0) }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsNull(self.0) }
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsString(self.0) }
    }

    /// Whether it is a symbol.
    pub fn is_symbol(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsSymbol(self.0) }
    }

    /// Whether it is a BigInt.
    pub fn is_big_int(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsBigInt(self.0) }
    }

    /// Whether it is an object, functions included.
    pub fn is_object(&self) -> bool {
        // SAFETY: reading a tag touches no memory.
        unsafe { sys::JS_IsObject(self.0) }
    }

    /// The integer, if it is a small one.
    pub fn as_int(&self) -> Option<i32> {
        // SAFETY: reading a tag and the immediate number touches no memory.
        unsafe { if sys::JS_IsInt(self.0) { Some(sys::JS_VALUE_GET_INT(self.0)) } else { None } }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        let mut number = 0.0;
        // SAFETY: reading a tag touches no memory; a number is converted without running script code.
        let is_number =
            unsafe { sys::JS_IsNumber(self.0) && sys::JS_ToFloat64(context(), &raw mut number, self.0) == 0 };
        is_number.then_some(number)
    }

    /// The number that a primitive converts to. None for those that cannot, and for objects, which would be asked.
    pub fn primitive_number(&self) -> Option<f64> {
        if self.is_object() || self.is_symbol() || self.is_big_int() {
            return None;
        }
        let mut number = 0.0;
        // SAFETY: the handle keeps the value alive; converting a primitive runs no script code.
        (unsafe { sys::JS_ToFloat64(context(), &raw mut number, self.0) } == 0).then_some(number)
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        // SAFETY: reading a tag and the immediate boolean touches no memory.
        unsafe { if sys::JS_IsBool(self.0) { Some(sys::JS_VALUE_GET_BOOL(self.0)) } else { None } }
    }

    /// Whether it is true in the sense of `if`.
    pub fn is_truthy(&self) -> bool {
        // SAFETY: the handle keeps the value alive; the conversion runs no script code.
        unsafe { sys::JS_ToBool(context(), self.0) > 0 }
    }

    /// Whether it can be called.
    pub fn is_function(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsFunction(context(), self.0) }
    }

    /// Whether it is a real Error object, whatever its prototype says.
    pub fn is_error(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsError(self.0) }
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsArray(self.0) }
    }

    /// Whether it is a Proxy.
    pub fn is_proxy(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsProxy(self.0) }
    }

    /// Whether it is a Date.
    pub fn is_date(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsDate(self.0) }
    }

    /// Whether it is a regular expression.
    pub fn is_regexp(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsRegExp(self.0) }
    }

    /// Whether it is a typed array.
    pub fn is_typed_array(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_GetTypedArrayType(self.0) >= 0 }
    }

    /// Whether it is a Map.
    pub fn is_map(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsMap(self.0) }
    }

    /// Whether it is a Set.
    pub fn is_set(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsSet(self.0) }
    }

    /// The name of its class inside QuickJS, which script cannot change.
    pub fn class_name(&self) -> Result<Value> {
        // SAFETY: the handle keeps the value alive; the atom is owned here and freed once.
        unsafe {
            let atom = Atom(sys::JS_GetClassName(runtime(), sys::JS_GetClassID(self.0)));
            checked(sys::JS_AtomToString(context(), atom.0))
        }
    }

    /// The length of an array.
    pub fn length(&self) -> Result<i64> {
        let mut length = 0_i64;
        // SAFETY: `length` outlives the call.
        checked_int(unsafe { sys::JS_GetLength(context(), self.0, &raw mut length) })?;
        Ok(length)
    }

    /// Whether it is a promise.
    pub fn is_promise(&self) -> bool {
        // SAFETY: the handle keeps the value alive.
        unsafe { sys::JS_IsPromise(self.0) }
    }

    /// The state of a promise.
    pub fn promise_state(&self) -> PromiseState {
        // SAFETY: the handle keeps the value alive.
        match unsafe { sys::JS_PromiseState(context(), self.0) } {
            sys::JSPromiseStateEnum_JS_PROMISE_FULFILLED => PromiseState::Fulfilled,
            sys::JSPromiseStateEnum_JS_PROMISE_REJECTED => PromiseState::Rejected,
            _ => PromiseState::Pending,
        }
    }

    /// The value or the reason of a settled promise.
    pub fn promise_result(&self) -> Value {
        // SAFETY: the handle keeps the value alive.
        Value(unsafe { sys::JS_PromiseResult(context(), self.0) })
    }

    /// Marks a promise as handled, so that the engine does not report its rejection.
    pub fn mark_handled(&self) {
        // SAFETY: the handle keeps the value alive; a value that is no promise is left alone.
        unsafe { sys::JS_PromiseMarkAsHandled(context(), self.0) }
    }
}
