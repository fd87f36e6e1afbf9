//! The builder of an instance, with all of its options.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::error::Result;
use crate::instance::Instance;
use crate::limits::Limits;
use crate::modules::Modules;
use crate::origin::{Options, Origin};
use crate::permit::{Permit, Shared};
use crate::router::Router;
use crate::snapshot::Snapshot;

/// Makes an instance with options that [`Runtime::instance`](crate::Runtime::instance) does not take.
///
/// ```
/// use belljar::{Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let draw = |seed| {
///     let mut jar = runtime.build_instance().seed(seed).start(&Router::new(), &Limits::default())?;
///     jar.eval("Math.random()")?.get::<f64>()
/// };
/// assert_eq!(draw(7)?, draw(7)?);
/// assert_ne!(draw(7)?, draw(8)?);
/// # Ok::<(), belljar::Error>(())
/// ```
#[must_use]
pub struct InstanceBuilder {
    shared: Arc<Shared>,
    options: Options,
}

impl InstanceBuilder {
    pub(crate) fn new(shared: Arc<Shared>) -> InstanceBuilder {
        InstanceBuilder { shared, options: Options::default() }
    }

    /// Seeds `Math.random`, `crypto` and the ids of paused calls, so that runs are repeatable. Who knows the seed can
    /// compute all of them, so keys and tokens that scripts make are as secret as the seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Sets the clock that scripts see.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = Some(clock);
        self
    }

    /// Starts from the memory of a snapshot: a set-up that ran once serves every instance, and [`Instance::reset`]
    /// returns to it. It replaces what [`RuntimeBuilder::prelude`](crate::RuntimeBuilder::prelude) gives.
    ///
    /// The memory of a snapshot is copied for the first three instances and mapped for later ones, which takes
    /// microseconds whatever its size. So keep the snapshot, or a clone of it, for as long as instances are started
    /// from it.
    ///
    /// The instance is a new one: it has its own random numbers, and the clock that is set here. A paused snapshot is
    /// refused, because a script that waits for answers is not a set-up.
    ///
    /// ```
    /// use belljar::{Limits, Router, Runtime};
    ///
    /// let runtime = Runtime::new()?;
    /// let (router, limits) = (Router::new(), Limits::default());
    /// let mut jar = runtime.instance(&router, &limits)?;
    /// jar.eval("const rates = new Map([['DE', 19]]); host.on('rate', country => rates.get(country))")?;
    /// let prelude = jar.snapshot()?;
    /// for _ in 0..3 {
    ///     let mut jar = runtime.build_instance().begin_from(&prelude).start(&router, &limits)?;
    ///     assert_eq!(jar.dispatch("rate", "DE")?.get::<u32>()?, 19);
    /// }
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn begin_from(mut self, snapshot: &Snapshot) -> Self {
        self.options.origin = Origin::Prelude(snapshot.clone());
        self
    }

    /// Continues where a snapshot was taken, as [`Runtime::restore`](crate::Runtime::restore) does: with its clock,
    /// its random numbers if they were seeded, and the calls that it waits for. A seed or a clock that is set here
    /// replaces that of the snapshot.
    pub fn restore(mut self, snapshot: &Snapshot) -> Self {
        self.options.origin = Origin::Restored(snapshot.clone());
        self
    }

    /// Makes `eval` and the function constructors throw an EvalError.
    pub fn without_code_generation(mut self) -> Self {
        self.options.code_generation = false;
        self
    }

    /// Takes the web APIs away: what is left is ECMAScript, `console` and `host`. The page about the language lists
    /// what goes.
    ///
    /// ```
    /// use belljar::{Limits, Router, Runtime};
    ///
    /// let runtime = Runtime::new()?;
    /// let mut jar = runtime.build_instance().without_web_apis().start(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.eval("typeof URL + typeof crypto + typeof console")?.as_str(), r#""undefinedundefinedobject""#);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn without_web_apis(mut self) -> Self {
        self.options.web_apis = false;
        self
    }

    /// Lets a script redeclare names of earlier scripts, as the consoles of browsers do. In a later `eval`, a `let`,
    /// `const`, `class`, `function` or `var` at the top level replaces any earlier declaration of that name, and
    /// functions that were made before see the new value. A declaration whose initializer threw can be made again.
    /// Within one script, a name can still be declared only once, and locked names such as `host` and `undefined`
    /// cannot be declared.
    ///
    /// An instance that starts from a snapshot of a session is a session too.
    ///
    /// ```
    /// use belljar::{Limits, Router, Runtime};
    ///
    /// let mut jar = Runtime::new()?.build_instance().session().start(&Router::new(), &Limits::default())?;
    /// jar.eval("const orders = [1]; const count = () => orders.length")?;
    /// jar.eval("const orders = [1, 2, 3]")?;
    /// assert_eq!(jar.eval("count()")?.get::<u32>()?, 3);
    /// jar.eval("let rate = missing()").unwrap_err();
    /// jar.eval("let rate = 19")?;
    /// assert_eq!(jar.eval("rate")?.get::<u32>()?, 19);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn session(mut self) -> Self {
        self.options.is_session = true;
        self
    }

    /// Gives scripts the latest value that [`Instance::inspect`] has shown, as the global `_`, as prompts do. An
    /// undefined value leaves the earlier one in place. A script's own `let _` or `const _` takes precedence, as with
    /// any global.
    ///
    /// ```
    /// use belljar::{Limits, Router, Runtime};
    ///
    /// let mut jar = Runtime::new()?.build_instance().with_last_value().start(&Router::new(), &Limits::default())?;
    /// assert_eq!(jar.inspect("new Map([[1, 'one']])")?.as_str(), r#"Map { 1 => "one" }"#);
    /// assert_eq!(jar.inspect("_.get(1)")?.as_str(), "one");
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn with_last_value(mut self) -> Self {
        self.options.keeps_last_value = true;
        self
    }

    /// Ends a call as soon as its result is known. Without this option, a call also waits until every call of a
    /// handler that its script made is answered and the code that depends on the answers has run, even if the script
    /// awaits none of it. All of this stays within the call's limits.
    ///
    /// With this option, handlers that are still running then are dropped before they finish:
    /// [`Instance::dropped_calls`] names their methods.
    ///
    /// ```
    /// # use belljar::{Call, Limits, Router, Runtime, RpcError};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new().handle_async("send", |_: Call, _to: String| async move {
    ///     tokio::task::yield_now().await;
    ///     Ok::<_, RpcError>("sent")
    /// });
    /// let script = "const log = []; host.rpc('send', 'ada').then(reply => log.push(reply)); log";
    /// let runtime = Runtime::new()?;
    /// let mut jar = runtime.instance(&router, &Limits::default())?;
    /// assert_eq!(jar.eval_async(script).await?.get::<Vec<String>>()?, ["sent"]);
    ///
    /// let mut jar = runtime.build_instance().without_draining().start(&router, &Limits::default())?;
    /// assert_eq!(jar.eval_async(script).await?.get::<Vec<String>>()?, [""; 0]);
    /// assert_eq!(jar.dropped_calls(), ["send"]);
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn without_draining(mut self) -> Self {
        self.options.drains = false;
        self
    }

    /// Adds a value that handlers find by its type with [`Call::data`](crate::Call::data). There can be one value of
    /// each type.
    ///
    /// # Panics
    ///
    /// When the instance already has data of this type.
    pub fn data<T: Any + Send + Sync>(mut self, data: T) -> Self {
        self.options.data.insert(data);
        self
    }

    /// Gives scripts modules to import; see [`Modules`]. They are not in snapshots: give them again to a restored
    /// instance that imports more.
    pub fn modules(mut self, modules: &Modules) -> Self {
        self.options.modules = modules.clone();
        self
    }

    /// Makes the instance.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`](crate::Error::Capacity) when every instance is in use,
    /// [`Error::Input`](crate::Error::Input) when the limits or options are invalid.
    pub fn start(self, router: &Router, limits: &Limits) -> Result<Instance> {
        Instance::new(Permit::take(self.shared)?, router, limits, self.options)
    }

    /// Makes the instance; waits in a first-come, first-served queue when every instance is in use.
    ///
    /// # Errors
    ///
    /// [`Error::Input`](crate::Error::Input) when the limits make no sense.
    pub async fn start_async(self, router: &Router, limits: &Limits) -> Result<Instance> {
        Instance::new(Permit::wait(self.shared).await, router, limits, self.options)
    }
}

impl fmt::Debug for InstanceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceBuilder").finish_non_exhaustive()
    }
}
