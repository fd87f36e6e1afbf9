//! What the scripts of an instance can reach: handlers by their names, modules, and the data of the instance.
//!
//! It must never know who polls a handler.

use std::sync::Arc;

use belljar_abi::load;

use crate::data::Data;
use crate::driver::Request;
use crate::error::Result;
use crate::excerpt;
use crate::handler::Handler;
use crate::json::Json;
use crate::modules::Modules;
use crate::reply::RpcError;
use crate::router::Routes;

/// What scripts of the instance can reach.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) routes: &'a Routes,
    pub(crate) modules: &'a Modules,
    pub(crate) data: &'a Data,
}

impl Reach<'_> {
    /// The handler that a request asks for, its name and the parameters.
    pub(super) fn find(self, request: Request) -> Result<(Arc<str>, Handler, Json), RpcError> {
        let unreadable = || RpcError::new("invalid_params", "the method and the params must be UTF-8");
        let method = std::str::from_utf8(&request.method).map_err(|_| unreadable())?;
        let params = String::from_utf8(request.params).map_err(|_| unreadable())?;
        let own = method.starts_with(load::PREFIX).then(|| self.modules.handler(method)).flatten();
        let own = own.map(|handler| (Arc::from(method), handler));
        let (name, handler) = own.or_else(|| self.routes.find(method)).ok_or_else(|| {
            RpcError::new("unknown_method", format!("no handler is registered for {}", excerpt::quoted(method)))
        })?;
        Ok((name, handler, Json::from_option((!params.is_empty()).then_some(params))))
    }
}

/// The error of a script that would have to wait for this method, and cannot.
pub(super) fn needs_async(method: &str) -> RpcError {
    if method == load::LOAD {
        return RpcError::new("needs_async", "the loader of modules is async, and this script cannot wait for it");
    }
    let method = excerpt::quoted(method);
    RpcError::new("needs_async", format!("the handler of {method} is async, and this script cannot wait for it"))
}
