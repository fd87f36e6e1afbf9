//! A runtime for one process and the jars that it makes, set up as the flags say.
//!
//! It must never know what runs in them or what becomes of the result.

use belljar::{Instance, Router, Runtime, Snapshot};

use crate::arguments::Jar;
use crate::commands;
use crate::ending::Refusal;

/// One to run in, one to compile in.
const INSTANCES: u32 = 2;

/// A runtime that reserves nothing ahead, since the process will not live long enough to use it.
pub(crate) fn runtime() -> Result<Runtime, Refusal> {
    Ok(Runtime::builder().max_instances(INSTANCES).on_demand().build()?)
}

/// A jar with the limits and commands of the flags added to a router.
pub(crate) fn open(runtime: &Runtime, jar: &Jar, router: Router, from: Option<&Snapshot>) -> Result<Instance, Refusal> {
    let limits = jar.bounds.limits();
    let router = commands::register(router, &jar.routes, limits.message_bytes)?;
    let mut builder = runtime.build_instance();
    if let Some(seed) = jar.bounds.seed {
        builder = builder.seed(seed);
    }
    if let Some(clock) = &jar.bounds.clock {
        builder = builder.clock(clock.clone());
    }
    if jar.bounds.no_codegen {
        builder = builder.without_code_generation();
    }
    if let Some(snapshot) = from {
        builder = builder.restore(snapshot);
    }
    Ok(builder.start(&router, &limits)?)
}
