//! Source text to bytecode, and bytecode to a result.

use belljar_abi::{Send, Status};

use crate::settle::{self, Form};
use crate::{abi, eval, qjs};

/// Compiles the script in the payload. A program is always compiled as one that may await, so that
/// the same bytes serve a synchronous and an asynchronous run.
pub fn compile(message: &[u8], split: usize) -> Status {
    let Some((name, source)) = eval::name_and_source(message, split) else {
        return Status::Refused;
    };
    let written = qjs::compile(name, source)
        .and_then(|function| qjs::write_bytecode(&function, |bytes| abi::send(Send::Bytecode, bytes)));
    match written {
        Ok(true) => Status::Stopped,
        Ok(false) => Status::Done,
        Err(thrown) => settle::threw(thrown),
    }
}

/// Runs the bytecode in the payload.
pub fn run(message: &[u8]) -> Status {
    let Some((_, bytes)) = message.split_last() else {
        return Status::Refused;
    };
    let result = qjs::read_bytecode(bytes).and_then(qjs::eval_function);
    settle::begin(result, Form::Wrapped)
}
