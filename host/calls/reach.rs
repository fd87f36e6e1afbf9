//! What the scripts of an instance can reach: handlers by their names, modules, and the data of the instance.
//!
//! It must never know who polls a handler.

use std::sync::Arc;

use belljar_abi::load;

use crate::data::Data;
use crate::excerpt;
use crate::handler::Handler;
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
    /// The handler of a method, and the method's name.
    pub(super) fn handler(self, method: &str) -> Option<(Arc<str>, Handler)> {
        let own = method.starts_with(load::PREFIX).then(|| self.modules.handler(method)).flatten();
        own.map(|handler| (Arc::from(method), handler)).or_else(|| self.routes.find(method))
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
