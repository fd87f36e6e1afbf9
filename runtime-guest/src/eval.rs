//! Source text to a result.

use belljar_abi::Status;

use crate::settle::{self, Form};
use crate::{call, qjs};

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
    let result = qjs::eval(name, source, is_async);
    settle::begin(result, if is_async { Form::Wrapped } else { Form::Plain })
}
