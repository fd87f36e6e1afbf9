//! Source text to a result.

use alloc::vec::Vec;

use belljar_abi::Status;

use crate::call::Kind;
use crate::{call, modules, qjs, settle};

/// The payload split into a script name and its source, each with the NUL that ends it.
pub fn name_and_source(message: &[u8], split: usize) -> Option<(&[u8], &[u8])> {
    let (name, source) = message.split_at_checked(split.checked_add(1)?)?;
    (name.last() == Some(&0) && source.last() == Some(&0)).then_some((name, source))
}

/// Evaluates the script in the payload.
pub fn call(message: &[u8], split: usize) -> Status {
    let Some((name, source)) = name_and_source(message, split) else {
        return Status::Refused;
    };
    let is_async = call::is_async();
    match call::kind() {
        Kind::Script => {
            let result = qjs::eval(name, source, is_async);
            if is_async { settle::begin_wrapped(result) } else { settle::begin(result) }
        }
        Kind::Module => run_module(modules::compile(name, source)),
        Kind::Body => {
            let text = body(source, is_async);
            let function = text.and_then(|text| qjs::eval_body(name, &text));
            settle::begin(function.and_then(|function| function.call(&qjs::Value::undefined(), &[])))
        }
    }
}

/// Runs a module, whose imports are loaded first.
pub fn run_module(module: qjs::Result<qjs::modules::Module>) -> Status {
    settle::begin_module(module.and_then(modules::run))
}

/// The source of a function whose body is this source, with a line in front that the author does not count.
pub fn body(source: &[u8], is_async: bool) -> qjs::Result<Vec<u8>> {
    let before: &[u8] = if is_async { b"(async () => {\n" } else { b"(() => {\n" };
    let after = b"\n})\0";
    let source = source.strip_suffix(b"\0").unwrap_or(source);
    let mut text = Vec::new();
    if text.try_reserve_exact(before.len() + source.len() + after.len()).is_err() {
        return Err(qjs::throw_out_of_memory());
    }
    text.extend_from_slice(before);
    text.extend_from_slice(source);
    text.extend_from_slice(after);
    Ok(text)
}
