//! The runtime of the process, and its jars: instances with the limits, router and snapshot that they began with.
//!
//! It owns what a reset of a jar brings back. It must never know what runs in a jar or what its results are for.

use belljar::{Instance, Modules, Router, Runtime, Snapshot, Verdict};

use crate::arguments;
use crate::bounds::Bounds;
use crate::commands::{self, Form};
use crate::ending::Refusal;

/// How many jars the process may have at once. It costs nothing to allow more than are made.
const INSTANCES: u32 = 1000;

/// A runtime without a pool, because the process makes few instances.
pub(crate) fn runtime() -> Result<Runtime, Refusal> {
    Ok(Runtime::builder().max_instances(INSTANCES).on_demand().build()?)
}

/// A router with the commands of the flags added. A rejection that nobody handles ends a script as a thrown error does,
/// so that the exit code tells of it.
pub(crate) fn router(router: Router, flags: &arguments::Jar) -> Result<Router, Refusal> {
    let router = router.on_unhandled_rejection(|_, _| Verdict::Stop);
    let routes = flags.routes.iter().map(|route| (route, Form::Json));
    let text_routes = flags.text_routes.iter().map(|route| (route, Form::Text));
    commands::register(router, routes.chain(text_routes), flags.bounds.limits().message_bytes)
}

/// An instance, and what is needed to make it again.
pub(crate) struct Jar {
    runtime: Runtime,
    router: Router,
    bounds: Bounds,
    modules: Modules,
    /// What a reset brings back, when that is not an empty jar.
    origin: Option<Snapshot>,
    pub(crate) instance: Instance,
}

impl Jar {
    pub(crate) fn open(
        runtime: &Runtime,
        router: &Router,
        bounds: &Bounds,
        modules: &Modules,
        origin: Option<Snapshot>,
    ) -> Result<Jar, Refusal> {
        let instance = start(runtime, router, bounds, modules, settled(origin.as_ref())?)?;
        let (runtime, router, bounds, modules) = (runtime.clone(), router.clone(), bounds.clone(), modules.clone());
        Ok(Jar { runtime, router, bounds, modules, origin, instance })
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Goes back to how it began, under its present limits.
    pub(crate) fn reset(&mut self) -> Result<(), Refusal> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, &self.modules, self.origin.as_ref())?;
        Ok(())
    }

    /// Goes on from a snapshot. From now on, this is also what a reset brings back.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<(), Refusal> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, &self.modules, settled(Some(&snapshot))?)?;
        self.origin = Some(snapshot);
        Ok(())
    }

    /// Takes over a script that waits. A reset still brings back what it did before.
    pub(crate) fn take_over(&mut self, paused: &Snapshot) -> Result<(), Refusal> {
        self.instance = start(&self.runtime, &self.router, &self.bounds, &self.modules, Some(paused))?;
        Ok(())
    }

    /// Changes its limits. What it holds stays.
    pub(crate) fn set_bounds(&mut self, bounds: Bounds) -> Result<(), Refusal> {
        let now = self.instance.snapshot()?;
        self.instance = start(&self.runtime, &self.router, &bounds, &self.modules, Some(&now))?;
        self.bounds = bounds;
        Ok(())
    }
}

/// Refuses a snapshot of a script that waits for answers.
fn settled(snapshot: Option<&Snapshot>) -> Result<Option<&Snapshot>, Refusal> {
    match snapshot.map_or(0, |snapshot| snapshot.pending().len()) {
        0 => Ok(snapshot),
        count => Err(Refusal::snapshot(format!(
            "the script in the snapshot waits for {count} calls; a program or the JSON line resume goes on with it"
        ))),
    }
}

fn start(
    runtime: &Runtime,
    router: &Router,
    bounds: &Bounds,
    modules: &Modules,
    origin: Option<&Snapshot>,
) -> Result<Instance, Refusal> {
    // A person at the prompt and a client of JSON lines go on with the last value, and declare names again.
    let mut builder = runtime.build_instance().with_last_value().session().modules(modules);
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
    Ok(builder.start(router, &bounds.limits())?)
}
