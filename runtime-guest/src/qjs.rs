//! The safe face of QuickJS: one runtime, one context, owned values.
//!
//! It owns every raw QuickJS call. It must never know what the bridge sends or what a payload means.
//!
//! The module is a single thread with a single context that lives as long as the memory itself, so a
//! value needs no lifetime: the context pointer is one static, written by [`start`] before any other call.
#![allow(unsafe_code, reason = "this file is one of the two that talk to C")]

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::null_mut;

use rquickjs_sys as sys;

/// A cell for the guest's own statics.
struct Single<T>(T);
// SAFETY: wasm32-unknown-unknown without the threads proposal has exactly one thread.
unsafe impl<T> Sync for Single<T> {}

static CONTEXT: Single<Cell<*mut sys::JSContext>> = Single(Cell::new(null_mut()));

fn context() -> *mut sys::JSContext {
    CONTEXT.0.get()
}

fn runtime() -> *mut sys::JSRuntime {
    // SAFETY: `start` stored a live context before anything else in this file can run.
    unsafe { sys::JS_GetRuntime(context()) }
}

/// A JavaScript exception is pending in the context.
#[derive(Debug)]
pub struct Thrown;

/// What a native function or a JS call gives.
pub type Result<T> = core::result::Result<T, Thrown>;

/// The state of a promise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PromiseState {
    /// Nothing has happened yet.
    Pending,
    /// It has a value.
    Fulfilled,
    /// It has a reason.
    Rejected,
}

/// An owned JavaScript value.
pub struct Value(sys::JSValue);

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference to the value.
        unsafe { sys::JS_FreeValue(context(), self.0) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        // SAFETY: the handle keeps the value alive during the call.
        Value(unsafe { sys::JS_DupValue(context(), self.0) })
    }
}

fn checked(raw: sys::JSValue) -> Result<Value> {
    // SAFETY: reading a tag touches no memory.
    if unsafe { sys::JS_IsException(raw) } { Err(Thrown) } else { Ok(Value(raw)) }
}

fn checked_int(code: c_int) -> Result<bool> {
    if code < 0 { Err(Thrown) } else { Ok(code != 0) }
}

/// Text that QuickJS lent: UTF-8, but for lone surrogates.
pub struct Text {
    pointer: *const c_char,
    length: usize,
}

impl Text {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: QuickJS returned this pointer with this length, and it stays valid until `JS_FreeCString`.
        unsafe { core::slice::from_raw_parts(self.pointer.cast(), self.length) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `JS_ToCStringLen` and is freed once.
        unsafe { sys::JS_FreeCString(context(), self.pointer) }
    }
}

/// A property name.
pub struct Atom(sys::JSAtom);

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference to the atom.
        unsafe { sys::JS_FreeAtom(context(), self.0) }
    }
}

impl Atom {
    /// The atom of these bytes; they may hold NUL.
    pub fn new(name: &[u8]) -> Result<Atom> {
        // SAFETY: pointer and length describe a live slice.
        let atom = unsafe { sys::JS_NewAtomLen(context(), name.as_ptr().cast(), name.len() as _) };
        if atom == sys::JS_ATOM_NULL as sys::JSAtom { Err(Thrown) } else { Ok(Atom(atom)) }
    }

    /// The atom that a value names as a key.
    pub fn of(value: &Value) -> Result<Atom> {
        // SAFETY: the handle keeps the value alive.
        let atom = unsafe { sys::JS_ValueToAtom(context(), value.0) };
        if atom == sys::JS_ATOM_NULL as sys::JSAtom { Err(Thrown) } else { Ok(Atom(atom)) }
    }
}

/// One own property, looked at without running script code (unless the object is a Proxy).
pub enum Property {
    /// A plain value.
    Value(Value),
    /// A getter, a setter, or both; the getter, or undefined.
    Accessor(Value),
}

impl Value {
    /// `undefined`.
    pub fn undefined() -> Value {
        Value(sys::JS_UNDEFINED)
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

    /// A native function.
    pub fn function<N: Native>(name: &CStr, length: u8, magic: u8) -> Result<Value> {
        let pointer: unsafe extern "C" fn(
            *mut sys::JSContext,
            sys::JSValue,
            c_int,
            *mut sys::JSValue,
            c_int,
        ) -> sys::JSValue = trampoline::<N>;
        // SAFETY: QuickJS calls the pointer with the signature that belongs to `generic_magic`, which is the
        // trampoline's own; the cast is what `JS_NewCFunctionMagic` of the C header does.
        checked(unsafe {
            let pointer = core::mem::transmute::<
                unsafe extern "C" fn(
                    *mut sys::JSContext,
                    sys::JSValue,
                    c_int,
                    *mut sys::JSValue,
                    c_int,
                ) -> sys::JSValue,
                unsafe extern "C" fn(*mut sys::JSContext, sys::JSValue, c_int, *mut sys::JSValue) -> sys::JSValue,
            >(pointer);
            sys::JS_NewCFunction2(
                context(),
                Some(pointer),
                name.as_ptr(),
                length.into(),
                if N::CONSTRUCTOR {
                    sys::JSCFunctionEnum_JS_CFUNC_constructor_or_func_magic
                } else {
                    sys::JSCFunctionEnum_JS_CFUNC_generic_magic
                },
                magic.into(),
            )
        })
    }

    /// Parses JSON. The buffer must end in NUL, which is not part of the text.
    pub fn parse_json(text: &[u8]) -> Result<Value> {
        let Some((&0, body)) = text.split_last() else {
            return Err(throw_type(c"message is not terminated"));
        };
        // SAFETY: the parser reads `body.len()` bytes and the NUL behind them, all inside `text`.
        checked(unsafe { sys::JS_ParseJSON(context(), body.as_ptr().cast(), body.len() as _, c"<message>".as_ptr()) })
    }

    /// JSON text, or `undefined` for what JSON leaves out. May run `toJSON` and getters of the script.
    pub fn to_json(&self) -> Result<Value> {
        // SAFETY: the handle keeps the value alive; undefined is a valid replacer and indent.
        checked(unsafe { sys::JS_JSONStringify(context(), self.0, sys::JS_UNDEFINED, sys::JS_UNDEFINED) })
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

    /// As [`Value::lossy`], but of a longer text only the start, so that what script can make large is not copied whole.
    pub fn lossy_start(&self, most: usize) -> Result<String> {
        let text = self.text()?;
        let bytes = text.bytes();
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned())
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

    fn define_with(&self, name: &CStr, value: Value, flags: c_int) -> Result<()> {
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
    pub fn call(&self, this: &Value, arguments: &[&Value]) -> Result<Value> {
        let mut raw = [sys::JS_UNDEFINED; 2];
        let count = arguments.len().min(raw.len());
        for (slot, argument) in raw.iter_mut().zip(arguments) {
            *slot = argument.0;
        }
        // SAFETY: the callee borrows `count` values, which the caller's handles keep alive.
        checked(unsafe { sys::JS_Call(context(), self.0, this.0, count as c_int, raw.as_mut_ptr()) })
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

    /// Tells the engine that somebody looks after this promise.
    pub fn mark_handled(&self) {
        // SAFETY: the handle keeps the value alive; a value that is no promise is left alone.
        unsafe { sys::JS_PromiseMarkAsHandled(context(), self.0) }
    }
}

/// A promise and the two functions that settle it.
pub fn promise() -> Result<(Value, Value, Value)> {
    let mut functions = [sys::JS_UNDEFINED; 2];
    // SAFETY: the array has room for the two functions that the call hands over.
    let promise = checked(unsafe { sys::JS_NewPromiseCapability(context(), functions.as_mut_ptr()) })?;
    let [resolve, reject] = functions;
    Ok((promise, Value(resolve), Value(reject)))
}

/// An Error object with this message.
pub fn error(message: &[u8]) -> Result<Value> {
    // SAFETY: the format has no directive, so no argument is read.
    let error = checked(unsafe { sys::JS_NewPlainError(context(), c"".as_ptr()) })?;
    error.define(c"message", Value::string(message)?)?;
    Ok(error)
}

/// Throws a value.
pub fn throw(value: Value) -> Thrown {
    let value = ManuallyDrop::new(value);
    // SAFETY: the call takes over the reference.
    unsafe { sys::JS_Throw(context(), value.0) };
    Thrown
}

/// Throws a TypeError. The message must hold no percent sign.
pub fn throw_type(message: &'static CStr) -> Thrown {
    // SAFETY: the messages of this crate hold no directive, so no argument is read.
    unsafe { sys::JS_ThrowTypeError(context(), message.as_ptr()) };
    Thrown
}

/// Throws an error that no `catch` and no `finally` sees: the host has said stop.
pub fn throw_stop() -> Thrown {
    // SAFETY: the format has no directive; the exception is taken out, marked, and put back.
    unsafe {
        sys::JS_ThrowInternalError(context(), c"interrupted".as_ptr());
        let exception = sys::JS_GetException(context());
        sys::JS_SetUncatchableError(context(), exception);
        sys::JS_Throw(context(), exception);
    }
    Thrown
}

/// Takes the pending exception out of the context.
pub fn take_exception(_: Thrown) -> Value {
    // SAFETY: the caller's `Thrown` says that one is pending; without one this gives uninitialised, which is harmless.
    Value(unsafe { sys::JS_GetException(context()) })
}

/// Compiles a script that may await. Both texts must end in NUL, which is not part of them.
pub fn compile(name: &[u8], source: &[u8]) -> Result<Value> {
    let function = evaluate(name, source, COMPILE_ASYNC)?;
    seal_result(&function)?;
    Ok(function)
}

/// Evaluates a script in global scope. Both texts must end in NUL, which is not part of them.
pub fn eval(name: &[u8], source: &[u8], is_async: bool) -> Result<Value> {
    if is_async { eval_function(compile(name, source)?) } else { evaluate(name, source, 0) }
}

const COMPILE_ASYNC: u32 = sys::JS_EVAL_FLAG_COMPILE_ONLY | sys::JS_EVAL_FLAG_ASYNC;

fn evaluate(name: &[u8], source: &[u8], flags: u32) -> Result<Value> {
    let (Some((&0, _)), Some((&0, body))) = (name.split_last(), source.split_last()) else {
        return Err(throw_type(c"script is not terminated"));
    };
    let flags = sys::JS_EVAL_TYPE_GLOBAL | flags;
    // SAFETY: both slices end in NUL and live through the call.
    checked(unsafe {
        sys::JS_Eval(context(), body.as_ptr().cast(), body.len() as _, name.as_ptr().cast(), flags as c_int)
    })
}

/// Where `JSFunctionBytecode` of the pinned QuickJS keeps its code and the length of it; [`prove_layout`] shows that it does.
const CODE_AT: usize = 12;
const CODE_LENGTH_AT: usize = 16;
/// Opcodes of the pinned QuickJS.
mod op {
    pub const OBJECT: u8 = 11;
    pub const SPECIAL_OBJECT: u8 = 12;
    pub const SPECIAL_NULL_PROTO: u8 = 7;
    pub const DUP: u8 = 17;
    pub const RETURN_ASYNC: u8 = 47;
    pub const PUT_FIELD: u8 = 66;
    pub const DEFINE_FIELD: u8 = 75;
    pub const GET_LOC: u8 = 87;
    pub const GET_LOC8: u8 = 199;
    pub const GET_LOC0: u8 = 203;
    pub const GET_LOC3: u8 = 206;
}

/// Takes what an async script results in out of the script's reach; false when nothing was there to be changed.
///
/// QuickJS ends such a script with `const wrapper = {}; wrapper.value = result; return wrapper`, which looks up `value` and
/// then `then` on `Object.prototype`, where a script can put accessors that see the wrapper and forge the result. The code
/// is changed, in as many bytes, to one that makes the wrapper without a prototype and defines `value` as its own.
fn seal_result(function: &Value) -> Result<bool> {
    let value = Atom::new(b"value")?;
    let mut end = [op::PUT_FIELD, 0, 0, 0, 0, op::RETURN_ASYNC];
    end[1..5].copy_from_slice(&value.0.to_le_bytes());
    // SAFETY: the caller passes what the compiler has just made, a live `JSFunctionBytecode` that nobody runs yet; the two
    // fields name its own code, and every write stays inside of it.
    let code = unsafe {
        let bytecode = sys::JS_VALUE_GET_PTR(function.0).cast::<u8>();
        let code = bytecode.add(CODE_AT).cast::<*mut u8>().read();
        core::slice::from_raw_parts_mut(code, bytecode.add(CODE_LENGTH_AT).cast::<u32>().read() as usize)
    };
    // A script that cannot come to its end has no such code, and needs none.
    if !code.ends_with(&end) {
        return Ok(false);
    }
    let put = code.len() - end.len();
    let Some(start) = (match code[..put] {
        [.., op::OBJECT, op::DUP, op::GET_LOC0..=op::GET_LOC3] => put.checked_sub(3),
        [.., op::OBJECT, op::DUP, op::GET_LOC8, _] => put.checked_sub(4),
        [.., op::OBJECT, op::DUP, op::GET_LOC, _, _] => put.checked_sub(5),
        _ => None,
    }) else {
        return Ok(false);
    };
    code[start] = op::SPECIAL_OBJECT;
    code[start + 1] = op::SPECIAL_NULL_PROTO;
    code[put] = op::DEFINE_FIELD;
    Ok(true)
}

/// Fails unless the pinned QuickJS is as [`seal_result`] takes it to be. Runs while the image is built.
pub fn prove_layout() -> Result<()> {
    let script = evaluate(b"<init>\0", b"1\0", COMPILE_ASYNC)?;
    if !seal_result(&script)? {
        return Err(throw_type(c"the end of an async script is not where it should be"));
    }
    let wrapper = eval_function(script)?.promise_result();
    match (wrapper.own(&Atom::new(b"value")?)?, wrapper.is_object() && wrapper.prototype()?.is_null()) {
        (Some(Property::Value(value)), true) if value.as_int() == Some(1) => Ok(()),
        _ => Err(throw_type(c"an async script does not end as it should")),
    }
}

/// Writes a compiled script; `sink` sees the bytes before they are freed.
pub fn write_bytecode<R>(function: &Value, sink: impl FnOnce(&[u8]) -> R) -> Result<R> {
    let mut length: sys::size_t = 0;
    // SAFETY: on success the call hands over a buffer of `length` bytes, which is freed once, below.
    unsafe {
        let pointer = sys::JS_WriteObject(context(), &raw mut length, function.0, sys::JS_WRITE_OBJ_BYTECODE as c_int);
        if pointer.is_null() {
            return Err(Thrown);
        }
        let out = sink(core::slice::from_raw_parts(pointer, length as usize));
        sys::js_free(context(), pointer.cast());
        Ok(out)
    }
}

/// Reads a compiled script. The bytes are the embedder's; forged ones can harm this instance only.
pub fn read_bytecode(bytes: &[u8]) -> Result<Value> {
    // SAFETY: pointer and length describe a live slice.
    checked(unsafe {
        sys::JS_ReadObject(context(), bytes.as_ptr(), bytes.len() as _, sys::JS_READ_OBJ_BYTECODE as c_int)
    })
}

/// Runs a compiled script.
pub fn eval_function(function: Value) -> Result<Value> {
    let function = ManuallyDrop::new(function);
    // SAFETY: the call takes over the reference.
    checked(unsafe { sys::JS_EvalFunction(context(), function.0) })
}

/// Whether a job waits.
pub fn is_job_pending() -> bool {
    // SAFETY: the runtime is live.
    unsafe { sys::JS_IsJobPending(runtime()) }
}

/// Runs one job; false when there is none.
pub fn run_job() -> Result<bool> {
    let mut of = null_mut();
    // SAFETY: `of` outlives the call.
    checked_int(unsafe { sys::JS_ExecutePendingJob(runtime(), &raw mut of) })
}

/// Sets the stack limit; the smallest one makes every call of script code overflow at once.
pub fn set_stack_bytes(bytes: u32) {
    // SAFETY: the runtime is live. The stack top is taken here, a few frames under the export.
    unsafe {
        sys::JS_UpdateStackTop(runtime());
        sys::JS_SetMaxStackSize(runtime(), bytes as _);
    }
}

/// Collects garbage.
pub fn collect() {
    // SAFETY: the runtime is live and no finalizer runs script code.
    unsafe { sys::JS_RunGC(runtime()) }
}

/// The arguments of a native function.
pub struct Arguments<'a>(&'a [sys::JSValue]);

impl Arguments<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One of them, or undefined.
    pub fn get(&self, index: usize) -> Value {
        let raw = self.0.get(index).copied().unwrap_or(sys::JS_UNDEFINED);
        // SAFETY: the caller of the native function keeps its arguments alive; the handle takes a reference of its own.
        Value(unsafe { sys::JS_DupValue(context(), raw) })
    }
}

/// A function that script can call.
pub trait Native {
    /// Whether `new` is allowed.
    const CONSTRUCTOR: bool = false;
    /// Does the work. `magic` tells functions apart that share one body.
    fn call(arguments: &Arguments<'_>, magic: i32) -> Result<Value>;
}

unsafe extern "C" fn trampoline<N: Native>(
    _context: *mut sys::JSContext,
    _this: sys::JSValue,
    count: c_int,
    values: *mut sys::JSValue,
    magic: c_int,
) -> sys::JSValue {
    // SAFETY: QuickJS passes `count` live values; it never passes a negative count.
    let arguments = unsafe { if count > 0 { core::slice::from_raw_parts(values, count as usize) } else { &[] } };
    match N::call(&Arguments(arguments), magic) {
        Ok(value) => ManuallyDrop::new(value).0,
        Err(Thrown) => sys::JS_EXCEPTION,
    }
}

/// What QuickJS calls back for.
pub trait Hooks {
    /// Called every so often while script runs; true unwinds it.
    fn poll() -> bool;
    /// A promise was rejected without a handler, or got one late.
    fn rejection(promise: Value, handled: bool);
}

unsafe extern "C" fn on_poll<H: Hooks>(_: *mut sys::JSRuntime, _: *mut c_void) -> c_int {
    c_int::from(H::poll())
}

unsafe extern "C" fn on_rejection<H: Hooks>(
    _: *mut sys::JSContext,
    promise: sys::JSValue,
    _: sys::JSValue,
    handled: bool,
    _: *mut c_void,
) {
    // SAFETY: the engine keeps the promise alive during the call; the handle takes a reference of its own.
    H::rejection(Value(unsafe { sys::JS_DupValue(context(), promise) }), handled);
}

/// Makes the runtime and its context. Runs once, under Wizer.
pub fn start<H: Hooks>() {
    let functions = sys::JSMallocFunctions {
        js_calloc: Some(heap::calloc),
        js_malloc: Some(heap::malloc),
        js_free: Some(heap::free),
        js_realloc: Some(heap::realloc),
        js_malloc_usable_size: Some(heap::usable_size),
    };
    // SAFETY: the functions follow the allocator contract of C; runtime and context are never freed.
    unsafe {
        let runtime = sys::JS_NewRuntime2(&raw const functions, null_mut());
        let context = sys::JS_NewContextRaw(runtime);
        CONTEXT.0.set(context);
        for add in [
            sys::JS_AddIntrinsicBaseObjects,
            sys::JS_AddIntrinsicDate,
            sys::JS_AddIntrinsicEval,
            sys::JS_AddIntrinsicRegExp,
            sys::JS_AddIntrinsicJSON,
            sys::JS_AddIntrinsicProxy,
            sys::JS_AddIntrinsicMapSet,
            sys::JS_AddIntrinsicTypedArrays,
            sys::JS_AddIntrinsicPromise,
            sys::JS_AddIntrinsicBigInt,
            sys::JS_AddIntrinsicWeakRef,
        ] {
            assert!(add(context) >= 0, "the image cannot be built");
        }
        sys::JS_SetInterruptHandler(runtime, Some(on_poll::<H>), null_mut());
        sys::JS_SetHostPromiseRejectionTracker(runtime, Some(on_rejection::<H>), null_mut());
    }
}

/// The heap: C's allocator with a limit, so that what script holds is counted where it is taken.
pub mod heap {
    use super::{Cell, Single, c_void, null_mut, sys};
    use core::alloc::{GlobalAlloc, Layout};
    use core::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" {
        fn malloc_usable_size(pointer: *const c_void) -> usize;
        #[link_name = "malloc"]
        fn c_malloc(size: usize) -> *mut c_void;
        #[link_name = "calloc"]
        fn c_calloc(count: usize, size: usize) -> *mut c_void;
        #[link_name = "realloc"]
        fn c_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
        #[link_name = "free"]
        fn c_free(pointer: *mut c_void);
        #[link_name = "aligned_alloc"]
        fn c_aligned_alloc(align: usize, size: usize) -> *mut c_void;
    }

    /// Bytes held, most ever held, refusals, as `belljar_abi::vitals` lists them. They are atomics only to be a
    /// plain static that the host can read in place; there is one thread.
    #[unsafe(no_mangle)]
    #[allow(non_upper_case_globals, reason = "the name is the export's")]
    pub static belljar_vitals: [AtomicU32; belljar_abi::vitals::WORDS] =
        [const { AtomicU32::new(0) }; belljar_abi::vitals::WORDS];

    /// What the host allows.
    static ALLOWED: Single<Cell<usize>> = Single(Cell::new(usize::MAX));
    /// What the call in progress may fill.
    static LIMIT: Single<Cell<usize>> = Single(Cell::new(usize::MAX));
    /// The most that is kept back of what the host allows.
    const RESERVE_BYTES: usize = 256 << 10;

    /// Sets the limit.
    pub fn set_limit(bytes: u32) {
        ALLOWED.0.set(bytes as usize);
        begin_call();
    }

    /// Sets the limit of a call. A call may fill the heap up to a reserve; one that finds it full already may use half of
    /// the reserve, so that a script that lets go of what an earlier one kept can still be compiled and run.
    pub fn begin_call() {
        let allowed = ALLOWED.0.get();
        let reserve = (allowed / 8).min(RESERVE_BYTES);
        LIMIT.0.set((allowed - reserve).max(held().saturating_add(reserve / 2).min(allowed)));
    }

    /// How often the limit refused, since the instance began.
    pub fn refusals() -> u32 {
        vital(belljar_abi::vitals::REFUSALS).load(Ordering::Relaxed)
    }

    fn vital(index: usize) -> &'static AtomicU32 {
        &belljar_vitals[index]
    }

    #[inline]
    fn held() -> usize {
        vital(belljar_abi::vitals::HEAP_BYTES).load(Ordering::Relaxed) as usize
    }

    #[inline]
    fn refuse() -> *mut c_void {
        vital(belljar_abi::vitals::REFUSALS).fetch_add(1, Ordering::Relaxed);
        null_mut()
    }

    #[inline]
    fn settle(old: usize, new: usize) {
        let now = held().wrapping_sub(old).wrapping_add(new) as u32;
        vital(belljar_abi::vitals::HEAP_BYTES).store(now, Ordering::Relaxed);
        let peak = vital(belljar_abi::vitals::HEAP_PEAK_BYTES);
        if now > peak.load(Ordering::Relaxed) {
            peak.store(now, Ordering::Relaxed);
        }
    }

    fn fits(extra: usize) -> bool {
        held().saturating_add(extra) <= LIMIT.0.get()
    }

    pub(super) unsafe extern "C" fn malloc(_: *mut c_void, size: sys::size_t) -> *mut c_void {
        if !fits(size as usize) {
            return refuse();
        }
        // SAFETY: C's allocator takes any size.
        let pointer = unsafe { c_malloc(size as usize) };
        count(pointer)
    }

    pub(super) unsafe extern "C" fn calloc(_: *mut c_void, count_of: sys::size_t, size: sys::size_t) -> *mut c_void {
        if !fits((count_of as usize).saturating_mul(size as usize)) {
            return refuse();
        }
        // SAFETY: C's allocator takes any count and size and checks their product.
        let pointer = unsafe { c_calloc(count_of as usize, size as usize) };
        count(pointer)
    }

    fn count(pointer: *mut c_void) -> *mut c_void {
        if pointer.is_null() {
            return refuse();
        }
        // SAFETY: the pointer is a live allocation of C's allocator.
        settle(0, unsafe { malloc_usable_size(pointer) });
        pointer
    }

    pub(super) unsafe extern "C" fn free(_: *mut c_void, pointer: *mut c_void) {
        if pointer.is_null() {
            return;
        }
        // SAFETY: QuickJS frees what it got from the functions above, once.
        unsafe {
            settle(malloc_usable_size(pointer), 0);
            c_free(pointer);
        }
    }

    pub(super) unsafe extern "C" fn realloc(_: *mut c_void, pointer: *mut c_void, size: sys::size_t) -> *mut c_void {
        // SAFETY: QuickJS passes null or a live allocation; a failed `realloc` leaves the old one alone.
        unsafe {
            let old = if pointer.is_null() { 0 } else { malloc_usable_size(pointer) };
            if size as usize > old && !fits(size as usize - old) {
                return refuse();
            }
            let new = c_realloc(pointer, size as usize);
            if new.is_null() {
                return if size == 0 { new } else { refuse() };
            }
            settle(old, malloc_usable_size(new));
            new
        }
    }

    pub(super) unsafe extern "C" fn usable_size(pointer: *const c_void) -> sys::size_t {
        if pointer.is_null() {
            return 0;
        }
        // SAFETY: QuickJS asks about live allocations only.
        unsafe { malloc_usable_size(pointer) as sys::size_t }
    }

    /// Rust's own allocations come from the same allocator, so that the image holds one heap.
    struct Shared;

    #[global_allocator]
    static GLOBAL: Shared = Shared;

    const MALLOC_ALIGN: usize = 8;

    // SAFETY: C's allocator gives blocks of at least `MALLOC_ALIGN`, and `aligned_alloc` the others; all are freed by `free`.
    unsafe impl GlobalAlloc for Shared {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: size and alignment come from a valid layout.
            unsafe {
                if layout.align() <= MALLOC_ALIGN {
                    c_malloc(layout.size()).cast()
                } else {
                    c_aligned_alloc(layout.align(), layout.size().next_multiple_of(layout.align())).cast()
                }
            }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
            // SAFETY: the pointer came from `alloc` above.
            unsafe { c_free(pointer.cast()) }
        }
    }
}
