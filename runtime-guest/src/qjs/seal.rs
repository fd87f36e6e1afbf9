//! Rewrites the end of a compiled async script, so that no script can see or forge its result. It must never know what
//! a script is for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use rquickjs_sys as sys;

use super::{Atom, COMPILE_ASYNC, Property, Result, Value, eval_function, evaluate, throw_type};

/// Where `JSFunctionBytecode` of the pinned QuickJS keeps its code and the code's length, as [`prove_layout`] shows.
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

/// Puts the result of an async script out of the reach of scripts. False if the code has no end that could be changed.
///
/// QuickJS ends such a script with `const wrapper = {}; wrapper.value = result; return wrapper`, which looks up `value`
/// and then `then` on `Object.prototype`, where a script can put accessors that see the wrapper and forge the result.
/// The code is changed in place, to code that makes the wrapper without a prototype and defines `value` as its own
/// property.
pub(super) fn seal_result(function: &Value) -> Result<bool> {
    let value = Atom::new(b"value")?;
    let mut end = [op::PUT_FIELD, 0, 0, 0, 0, op::RETURN_ASYNC];
    end[1..5].copy_from_slice(&value.0.to_le_bytes());
    // SAFETY: the caller passes what the compiler has just made, a live `JSFunctionBytecode` that nobody runs yet; the
    // two fields name its own code, and every write stays inside of it.
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
    let script = evaluate(b"<init>\0", b"1\0", sys::JS_EVAL_TYPE_GLOBAL | COMPILE_ASYNC)?;
    if !seal_result(&script)? {
        return Err(throw_type(c"the end of an async script is not where it should be"));
    }
    let wrapper = eval_function(script)?.promise_result();
    match (wrapper.own(&Atom::new(b"value")?)?, wrapper.is_object() && wrapper.prototype()?.is_null()) {
        (Some(Property::Value(value)), true) if value.as_int() == Some(1) => Ok(()),
        _ => Err(throw_type(c"an async script does not end as it should")),
    }
}
