//! A request of the guest, read: the handler that it is for, and its parameters.
//!
//! It must never know when a handler runs.

use std::sync::Arc;

use super::reach::Reach;
use crate::driver::Request;
use crate::excerpt;
use crate::handler::Handler;
use crate::reply::RpcError;
use crate::value::Value;

/// What a request asks for.
pub(super) struct Found {
    pub(super) method: Arc<str>,
    pub(super) handler: Handler,
    pub(super) params: Value,
    /// How many bytes the parameters take more than the request had: plain data in the binary form becomes JSON text.
    pub(super) grown: u64,
}

/// Finds the handler of a request.
pub(super) fn find(reach: Reach<'_>, request: Request) -> Result<Found, RpcError> {
    let unreadable = |what: &str| RpcError::new("invalid_params", what);
    let method = std::str::from_utf8(&request.method).map_err(|_| unreadable("the method is not UTF-8"))?;
    let asked = request.params.len();
    let params = Value::from_wire_unread(request.params).map_err(|why| unreadable(&format!("the params are {why}")))?;
    let (name, handler) = reach.handler(method).ok_or_else(|| {
        RpcError::new("unknown_method", format!("no handler is registered for {}", excerpt::quoted(method)))
    })?;
    let grown = params.wire().len().saturating_sub(asked) as u64;
    Ok(Found { method: name, handler, params, grown })
}
