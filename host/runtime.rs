//! Creates instances: from a guest image, in an engine for each thread, up to a maximum number.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::builder::InstanceBuilder;
use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::lanes::Lanes;
use crate::limits::Limits;
use crate::modules::Modules;
use crate::origin::{Options, Origin};
use crate::permit::{Permit, Shared};
use crate::program::Program;
use crate::router::{Router, Verdict};
use crate::script::Script;
use crate::snapshot::Snapshot;
use crate::stats::{Census, RuntimeStats};
use crate::tally::Count;
use crate::vm::code::Place;
use crate::vm::engine::Allocation;
use crate::vm::image::Image;
use crate::vm::pool::census;
use crate::vm::start::images;

/// The default of [`RuntimeBuilder::max_instances`].
const DEFAULT_INSTANCES: u32 = 1_000;

/// Makes instances. One is enough for a process; a clone costs one reference count and shares the same pool.
///
/// ```
/// use belljar::{Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
/// assert_eq!(jar.eval("[1, 2, 3].map(n => n * n)")?.get::<Vec<i64>>()?, [1, 4, 9]);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl Runtime {
    /// A runtime with the built-in guest and at most a thousand instances at a time.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the system refuses a resource; the message says what to change.
    pub fn new() -> Result<Runtime> {
        Runtime::builder().build()
    }

    /// A builder for a runtime with other options.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder {
            instances: DEFAULT_INSTANCES,
            on_demand: false,
            guest: Guest::BuiltIn,
            preludes: Vec::new(),
            prelude_limits: Limits::default(),
            prelude_modules: Modules::default(),
        }
    }

    /// Makes a fresh instance whose scripts can call these handlers, under these limits.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] when every instance is in use, [`Error::Input`] when the limits make no sense.
    pub fn instance(&self, router: &Router, limits: &Limits) -> Result<Instance> {
        self.build_instance().start(router, limits)
    }

    /// As [`Runtime::instance`], but waits in a first-come, first-served queue when every instance is in use.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the limits make no sense.
    pub async fn instance_async(&self, router: &Router, limits: &Limits) -> Result<Instance> {
        self.build_instance().start_async(router, limits).await
    }

    /// A builder for an instance with more options: seed, clock, data for handlers, and others.
    pub fn build_instance(&self) -> InstanceBuilder {
        InstanceBuilder::new(self.shared.clone())
    }

    /// Makes an instance that continues where a snapshot was taken. Handlers and limits are not in the snapshot, so
    /// they are given again. [`InstanceBuilder::restore`] does the same with more options.
    ///
    /// A snapshot holds the whole state of its instance, including what the runtime's preludes of that time left. So
    /// it restores to the same state in every runtime with the same guest, whatever preludes that runtime has.
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`] when it belongs to another build; otherwise as [`Runtime::instance`].
    pub fn restore(&self, snapshot: &Snapshot, router: &Router, limits: &Limits) -> Result<Instance> {
        self.build_instance().restore(snapshot).start(router, limits)
    }

    /// Compiles a script, in a temporary instance under default limits. The script is not run, and definitions of
    /// preludes are not consulted: the program runs in every runtime with the same guest. For untrusted scripts use
    /// [`Runtime::compile_within`].
    ///
    /// # Errors
    ///
    /// [`Error::Js`] with a SyntaxError that names the line; otherwise as [`Instance::eval`].
    pub fn compile<'s>(&self, script: impl Into<Script<'s>>) -> Result<Program> {
        self.compile_within(script, &Limits::default())
    }

    /// As [`Runtime::compile`], under these limits. An untrusted script can be written so that compiling it takes
    /// long or needs much memory.
    ///
    /// ```
    /// # use belljar::{Limits, Runtime};
    /// # use std::time::Duration;
    /// let limits = Limits::default().with_cpu_time(Duration::from_millis(200)).with_source_bytes(64 << 10);
    /// let program = Runtime::new()?.compile_within("1 + 2", &limits)?;
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when compiling exceeds a limit, [`Error::Capacity`] when every instance is in use; otherwise
    /// as [`Runtime::compile`].
    pub fn compile_within<'s>(&self, script: impl Into<Script<'s>>, limits: &Limits) -> Result<Program> {
        self.compile_in(Permit::take(self.shared.clone())?, &script.into(), limits)
    }

    /// As [`Runtime::compile_within`], but waits in a first-come, first-served queue when every instance is in use.
    /// The compilation itself blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`Runtime::compile_within`], without [`Error::Capacity`].
    pub fn compile_async<'s>(
        &self,
        script: impl Into<Script<'s>>,
        limits: &Limits,
    ) -> impl Future<Output = Result<Program>> + Send {
        let script = script.into();
        async move { self.compile_in(Permit::wait(self.shared.clone()).await, &script, limits) }
    }

    /// As [`Runtime::compile_within`], for a [module](Script::module) and everything that it imports: the program holds
    /// all of them, and needs no modules when it runs. What a module imports with `import()` while it runs is not in
    /// the program.
    ///
    /// ```
    /// # use belljar::{Limits, Modules, Router, Runtime, Script};
    /// let runtime = Runtime::new()?;
    /// let modules = Modules::new().source("lib/tax.js", "export const tax = n => n * 0.19");
    /// let entry = Script::module("import { tax } from './lib/tax.js'; export default tax(100)").named("main.js");
    /// let program = runtime.compile_modules(&entry, &modules, &Limits::default())?;
    /// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.run(&program)?.get::<f64>()?, 19.0);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Js`] when a module cannot be loaded; otherwise as [`Runtime::compile_within`].
    pub fn compile_modules<'s>(
        &self,
        entry: impl Into<Script<'s>>,
        modules: &Modules,
        limits: &Limits,
    ) -> Result<Program> {
        let mut jar = self.compiler(Permit::take(self.shared.clone())?, modules, limits)?;
        Ok(Program::new(*self.shared.identity(), jar.compile(&entry.into())?))
    }

    /// As [`Runtime::compile_modules`], but waits for [loaders](Modules::loader), and in a first-come, first-served
    /// queue when every instance is in use.
    ///
    /// # Errors
    ///
    /// As [`Runtime::compile_modules`], without [`Error::Capacity`].
    pub fn compile_modules_async<'s>(
        &self,
        entry: impl Into<Script<'s>>,
        modules: &Modules,
        limits: &Limits,
    ) -> impl Future<Output = Result<Program>> + Send {
        let entry = entry.into();
        async move {
            let mut jar = self.compiler(Permit::wait(self.shared.clone()).await, modules, limits)?;
            Ok(Program::new(*self.shared.identity(), jar.compile_async(&entry).await?))
        }
    }

    fn compile_in(&self, permit: Permit, script: &Script<'_>, limits: &Limits) -> Result<Program> {
        let mut jar = self.compiler(permit, &Modules::default(), limits)?;
        Ok(Program::new(*self.shared.identity(), jar.compile(script)?))
    }

    /// An instance to compile in.
    fn compiler(&self, permit: Permit, modules: &Modules, limits: &Limits) -> Result<Instance> {
        let bare = Options { origin: Origin::Image, modules: modules.clone(), ..Options::default() };
        Instance::new(permit, &Router::new(), limits, bare)
    }

    /// Makes an image of a snapshot: every instance that starts from the snapshot then maps its memory copy-on-write
    /// instead of copying it, which takes microseconds whatever its size. Without this call a snapshot becomes an
    /// image when the fourth instance starts from it, for at most 64 snapshots in a process.
    ///
    /// Use it for a snapshot that many instances start from. An image takes as much memory as the snapshot, and a
    /// file descriptor, until the last clone of the snapshot and the last instance that started from it are dropped.
    /// A process can have 1,024 images; [`RuntimeStats::images`] counts them.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// let runtime = Runtime::new()?;
    /// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
    /// jar.eval("const table = Array.from({ length: 10000 }, (_, n) => n * n)")?;
    /// let prelude = jar.snapshot()?;
    /// runtime.image_of(&prelude)?;
    /// let mut jar = runtime.build_instance().begin_from(&prelude).start(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.eval("table[12]")?.get::<u32>()?, 144);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`] when the snapshot belongs to another build, [`Error::Host`] when there are too many images
    /// or the system has no memory for one. The snapshot stays usable in both cases.
    pub fn image_of(&self, snapshot: &Snapshot) -> Result<()> {
        let all = Limits { memory_bytes: u64::MAX, pending_rpcs: u32::MAX, ..Limits::default() };
        snapshot.check(self.shared.identity(), &all)?;
        self.shared.make_image(snapshot)
    }

    /// Statistics of the runtime's instances. The call asks the kernel about the pages of every slot, which takes a
    /// few microseconds for each: call it every second, not for every request.
    #[must_use]
    pub fn stats(&self) -> RuntimeStats {
        let (free, waiting) = self.shared.queue();
        let Census { mapped_bytes, resident_bytes, image_bytes } = census();
        let count = |what| self.shared.tally().sum(what);
        RuntimeStats {
            instances_in_use: u64::from(self.shared.max_instances()).saturating_sub(free as u64),
            instances_free: free as u64,
            waiting: waiting as u64,
            made: count(Count::Made),
            reset: count(Count::Reset),
            poisoned: count(Count::Poisoned),
            refused: count(Count::Refused),
            images: images() as u64,
            image_bytes,
            mapped_bytes,
            resident_bytes,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("max_instances", &self.shared.max_instances()).finish_non_exhaustive()
    }
}

enum Guest {
    BuiltIn,
    #[cfg(feature = "compiler")]
    Wasm(Vec<u8>),
}

/// Makes a runtime with other options than the default ones.
///
/// ```
/// let runtime = belljar::Runtime::builder().max_instances(10).build()?;
/// # Ok::<(), belljar::Error>(())
/// ```
#[must_use]
pub struct RuntimeBuilder {
    instances: u32,
    on_demand: bool,
    guest: Guest,
    preludes: Vec<Script<'static>>,
    prelude_limits: Limits,
    prelude_modules: Modules,
}

impl RuntimeBuilder {
    /// Sets how many instances may exist at once; the default is 1,000. Each reserves about four gigabytes of address
    /// space, but no memory. The slot of a dropped instance is cleaned and kept for a later one.
    ///
    /// Threads that make instances at the same time use separate engines, up to eight, to avoid lock contention. An
    /// engine beyond the first is made when a thread needs it, which takes three to four milliseconds and three
    /// megabytes.
    pub fn max_instances(mut self, instances: u32) -> Self {
        self.instances = instances;
        self
    }

    /// Maps new memory for every instance, and unmaps it when the instance is dropped. Instances start more slowly,
    /// but no memory or address space is kept for later ones.
    pub fn on_demand(mut self) -> Self {
        self.on_demand = true;
        self
    }

    /// Runs another guest image than the built-in one, for example that of an older release to run programs that it
    /// compiled.
    #[cfg(feature = "compiler")]
    pub fn guest(mut self, wasm: impl Into<Vec<u8>>) -> Self {
        self.guest = Guest::Wasm(wasm.into());
        self
    }

    /// Runs a script once, when the runtime is made; every instance starts from the memory that it leaves. Preludes
    /// run in the order in which they are added, all in one instance without handlers.
    ///
    /// Everything that they define, including handlers registered with `host.on`, exists in every instance. Time and
    /// random numbers are separate in each instance. A prelude is trusted code of the embedder; scripts can change
    /// what it left, but only in their own instance.
    ///
    /// ```
    /// use belljar::{Limits, Router, Runtime};
    ///
    /// let runtime = Runtime::builder()
    ///     .max_instances(10)
    ///     .prelude("function double(n) { return 2 * n }")
    ///     .prelude("host.on('quadruple', n => double(double(n)))")
    ///     .build()?;
    /// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.eval("double(4)")?.get::<u32>()?, 8);
    /// assert_eq!(jar.dispatch("quadruple", &4)?.get::<u32>()?, 16);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn prelude<'s>(mut self, script: impl Into<Script<'s>>) -> Self {
        self.preludes.push(script.into().into_owned());
        self
    }

    /// Gives the preludes modules to import. A prelude that is a [module](Script::module) leaves what it has loaded to
    /// every instance, where an `import` of the same module finds it without asking anybody.
    ///
    /// ```
    /// # use belljar::{Limits, Modules, Router, Runtime, Script};
    /// let runtime = Runtime::builder()
    ///     .prelude_modules(&Modules::new().source("tax.js", "export const tax = n => n * 0.19"))
    ///     .prelude(Script::module("import { tax } from './tax.js'; globalThis.tax = tax"))
    ///     .build()?;
    /// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.eval("tax(100)")?.get::<f64>()?, 19.0);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn prelude_modules(mut self, modules: &Modules) -> Self {
        self.prelude_modules = modules.clone();
        self
    }

    /// Sets the limits of each prelude; the default is [`Limits::default`]. They do not apply to instances.
    pub fn prelude_limits(mut self, limits: &Limits) -> Self {
        self.prelude_limits = limits.clone();
        self
    }

    /// Makes the runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the system refuses a resource, [`Error::Input`] when the options are invalid, or the
    /// error that ended a prelude.
    pub fn build(self) -> Result<Runtime> {
        if self.instances == 0 {
            return Err(Error::input("a runtime needs room for at least one instance"));
        }
        let allocation =
            if self.on_demand { Allocation::OnDemand } else { Allocation::Pool { instances: self.instances } };
        let lanes = match self.guest {
            Guest::BuiltIn => {
                let image = Image::built_in(allocation, Place::take())?;
                match allocation {
                    Allocation::Pool { .. } => Lanes::many(image, allocation),
                    Allocation::OnDemand => Lanes::one(image, allocation),
                }
            }
            #[cfg(feature = "compiler")]
            Guest::Wasm(wasm) => Lanes::one(Image::compile(allocation, &wasm)?, allocation),
        };
        let bare = Runtime { shared: Arc::new(Shared::new(self.instances, lanes)) };
        if self.preludes.is_empty() {
            return Ok(bare);
        }
        // An unhandled rejection in a prelude would leave a half-finished set-up in every instance.
        let strict = Router::new().on_unhandled_rejection(|_, _| Verdict::Stop);
        let mut jar = bare.build_instance().modules(&self.prelude_modules).start(&strict, &self.prelude_limits)?;
        for script in &self.preludes {
            match jar.eval(script) {
                // A prelude is run for its side effects, so its value need not have a JSON form.
                Ok(_) | Err(Error::NotSerializable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let prelude = jar.snapshot()?;
        drop(jar);
        // If the system has no memory for an image, instances copy the prelude's memory instead.
        let _ = bare.shared.make_image(&prelude);
        match Arc::into_inner(bare.shared) {
            Some(shared) => Ok(Runtime { shared: Arc::new(shared.with_prelude(prelude)) }),
            None => Err(Error::host("the instance of the preludes is still there")),
        }
    }
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeBuilder").field("max_instances", &self.instances).finish_non_exhaustive()
    }
}
