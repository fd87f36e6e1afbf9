//! Source text to bytecode, and bytecode to a result.

use alloc::vec::Vec;

use belljar_abi::{Send, Status, program};

use crate::call::Kind;
use crate::{abi, call, eval, modules, qjs, settle};

/// Compiles the script in the payload. A program is always compiled as one that may await, so that
/// the same bytes serve a synchronous and an asynchronous run.
pub fn compile(message: &[u8], split: usize) -> Status {
    let Some((name, source)) = eval::name_and_source(message, split) else {
        return Status::Refused;
    };
    let written = match call::kind() {
        Kind::Script => qjs::compile(name, source)
            .and_then(|function| qjs::write_bytecode(&function, |bytes| abi::send(Send::Bytecode, bytes))),
        Kind::Module => {
            modules::compile(name, source).and_then(modules::write).map(|bytes| abi::send(Send::Bytecode, &bytes))
        }
        Kind::Body => compile_body(name, source).map(|bytes| abi::send(Send::Bytecode, &bytes)),
    };
    match written {
        Ok(true) => Status::Stopped,
        Ok(false) => Status::Done,
        Err(thrown) => settle::threw(thrown),
    }
}

/// The bytecode of a function body: of a script whose value is the function.
fn compile_body(name: &[u8], source: &[u8]) -> qjs::Result<Vec<u8>> {
    let script = qjs::compile_body(name, &eval::body(source, true)?)?;
    qjs::write_bytecode(&script, |bytes| {
        let mut out = alloc::vec![program::BODY];
        out.extend_from_slice(bytes);
        out
    })
}

/// Runs the bytecode in the payload.
pub fn run(message: &[u8]) -> Status {
    let Some((_, bytes)) = message.split_last() else {
        return Status::Refused;
    };
    match bytes.split_first() {
        Some((&program::GRAPH, graph)) => return eval::run_module(modules::read(graph)),
        Some((&program::BODY, script)) => {
            let function = qjs::read_bytecode(script).and_then(qjs::eval_function);
            let result = function.and_then(|function| function.call(&qjs::Value::undefined(), &[]));
            return settle::begin(result);
        }
        _ => {}
    }
    let result = qjs::read_bytecode(bytes).and_then(qjs::eval_function);
    settle::begin_wrapped(result)
}
