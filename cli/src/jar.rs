//! A runtime for one process and the jars that it makes, set up as the flags say and changed as people say later.
//!
//! It owns what a jar goes back to. It must never know what runs in it or what becomes of the result.

use belljar::{Call, Error, Instance, Json, Router, RpcError, Runtime, Snapshot, Verdict};

use crate::arguments;
use crate::bounds::Bounds;
use crate::commands::{self, Form};
use crate::ending::Refusal;
use crate::rejections::{Rejections, UNKNOWN_METHOD};

/// How many jars the process may have at once. One that is not made costs nothing.
const INSTANCES: u32 = 1000;

/// A runtime that reserves nothing ahead, since the process will not live long enough to use it.
pub(crate) fn runtime() -> Result<Runtime, Refusal> {
    Ok(Runtime::builder().max_instances(INSTANCES).on_demand().build()?)
}

/// As [`open_router`], and all other calls fail.
pub(crate) fn router(router: Router, flags: &arguments::Jar, rejections: &Rejections) -> Result<Router, Refusal> {
    let noted = rejections.clone();
    let router = router.fallback(move |call: &Call, _: Json| {
        let method = call.method();
        let unknown = RpcError::new(UNKNOWN_METHOD, format!("no handler is registered for {method:?}"));
        noted.note(method, Err::<Json, _>(unknown))
    });
    open_router(router, flags, rejections)
}

/// A router with the commands of the flags added, and every call of theirs that fails noted. A rejection that nobody handles ends a script as a thrown error does, because
/// somebody who looks at an exit code would never hear of it otherwise.
pub(crate) fn open_router(router: Router, flags: &arguments::Jar, rejections: &Rejections) -> Result<Router, Refusal> {
    let router = router.on_unhandled_rejection(|_, _| Verdict::Stop);
    let routes = flags.routes.iter().map(|route| (route, Form::Json));
    let text_routes = flags.text_routes.iter().map(|route| (route, Form::Text));
    commands::register(router, routes.chain(text_routes), flags.bounds.limits().message_bytes, rejections)
}

/// An instance, and all that it takes to make it again.
pub(crate) struct Jar {
    runtime: Runtime,
    router: Router,
    bounds: Bounds,
    /// What it began as, and goes back to, when that was not an empty jar.
    origin: Option<Snapshot>,
    pub(crate) instance: Instance,
}

impl Jar {
    pub(crate) fn open(
        runtime: &Runtime,
        router: &Router,
        bounds: &Bounds,
        origin: Option<Snapshot>,
    ) -> belljar::Result<Jar> {
        let instance = start(runtime, router, bounds, settled(origin.as_ref())?)?;
        Ok(Jar { runtime: runtime.clone(), router: router.clone(), bounds: bounds.clone(), origin, instance })
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Back to how it began, under the limits of now.
    pub(crate) fn reset(&mut self) -> belljar::Result<()> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, self.origin.as_ref())?;
        Ok(())
    }

    /// Goes on from a snapshot, which is from now on what it goes back to.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> belljar::Result<()> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, settled(Some(&snapshot))?)?;
        self.origin = Some(snapshot);
        Ok(())
    }

    /// Takes over a script that waits. What the jar goes back to stays what it was.
    pub(crate) fn take_over(&mut self, paused: &Snapshot) -> belljar::Result<()> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, Some(paused))?;
        Ok(())
    }

    /// Changes its limits, and nothing else about it.
    pub(crate) fn set_bounds(&mut self, bounds: Bounds) -> belljar::Result<()> {
        let now = self.instance.snapshot()?;
        self.instance = start(&self.runtime, &self.router, &bounds, Some(&now))?;
        self.bounds = bounds;
        Ok(())
    }
}

/// Refuses a snapshot of a script that waits for answers.
fn settled(snapshot: Option<&Snapshot>) -> belljar::Result<Option<&Snapshot>> {
    match snapshot.map_or(0, |snapshot| snapshot.pending().len()) {
        0 => Ok(snapshot),
        count => {
            let message = format!("it waits for {count} calls; a program or the JSON line resume goes on with it");
            Err(Error::Snapshot { message })
        }
    }
}

fn start(runtime: &Runtime, router: &Router, bounds: &Bounds, origin: Option<&Snapshot>) -> belljar::Result<Instance> {
    // Whoever looks at one value after another, at a prompt of ours or behind JSON lines, may want to go on from the last, and to mend it.
    let mut builder = runtime.build_instance().with_last_value().session();
    if let Some(seed) = bounds.seed {
        builder = builder.seed(seed);
    }
    if let Some(clock) = &bounds.clock {
        builder = builder.clock(clock.clone());
    }
    if bounds.no_codegen {
        builder = builder.without_code_generation();
    }
    if let Some(snapshot) = origin {
        builder = builder.restore(snapshot);
    }
    builder.start(router, &bounds.limits())
}
