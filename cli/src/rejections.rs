//! What failed calls of a script were told, by the host's own word.
//!
//! It owns the newest of them. It must never know who reads it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use belljar::{JsError, RpcError};
use serde::Serialize;

/// How many are remembered. The one that ends a script is seldom an old one.
const MOST: usize = 256;

/// The code of a call that nobody answers, as the library has it.
pub(crate) const UNKNOWN_METHOD: &str = "unknown_method";

/// A call that failed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) method: String,
    pub(crate) code: String,
    #[serde(skip)]
    message: String,
}

/// The newest calls that failed.
#[derive(Clone, Default)]
pub(crate) struct Rejections {
    newest: Arc<Mutex<VecDeque<Rejection>>>,
}

impl Rejections {
    /// Remembers what came of a call, if it failed, and hands it on.
    pub(crate) fn note<T>(&self, method: &str, result: Result<T, RpcError>) -> Result<T, RpcError> {
        result.inspect_err(|error| {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            if newest.len() == MOST {
                newest.pop_front();
            }
            let (method, code, message) = (method.into(), error.code().into(), error.message().into());
            newest.push_back(Rejection { method, code, message });
        })
    }

    /// The newest one that an error can have come from: a script is told its message, in a plain Error.
    pub(crate) fn behind(&self, error: &JsError) -> Option<Rejection> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |rejection: &&Rejection| error.name == "Error" && rejection.message == error.message;
        newest.iter().rev().find(is_it).cloned()
    }
}
