//! The public face of an instance: it takes a script, an event or a program, and returns how the call ended.
//!
//! `course` drives the guest through a call, `pause` suspends and resumes one, and `outcome` turns the guest's answer
//! into a result. This file must never know wasmtime.

mod course;
mod outcome;
mod pause;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use belljar_abi::{Op, configure, flag, vitals};
use serde::Serialize;

use self::course::{Configured, Ended, IMAGE_CONFIGURED, Leftovers, STALE_RANDOM};
use crate::calls::{Mode, weigh};
use crate::cancel::CancelHandle;
use crate::conversions::Shown;
use crate::data::Data;
use crate::driver::{Driver, Outcome, Spent};
use crate::error::{Error, Result};
use crate::limits::{LimitKind, Limits};
use crate::modules::Modules;
use crate::origin::{Options, Origin};
use crate::pending::{Ids, PendingCall};
use crate::permit::Permit;
use crate::program::Program;
use crate::router::{Router, Routes};
use crate::script::Script;
use crate::snapshot::Snapshot;
use crate::stats::Stats;
use crate::tally::Count;
use crate::turn::{Message, now};
use crate::value::Value;
use crate::vm::fibre::Vm;
use crate::vm::state::{Desk, Refusal};

/// Whether an instance takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It takes calls.
    Ready,
    /// It was stopped in the middle of a call and refuses further ones; [`Instance::reset`] restores it.
    Poisoned,
}

/// What the guest is doing between two calls of methods in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No call is in progress.
    Idle,
    /// The guest is in the middle of an operation.
    Running,
    /// A call is in progress, but the guest has returned from its operation.
    Waiting,
    /// A call is in progress, and handlers have paused it.
    Paused,
}

/// A sealed JavaScript world with its own globals, memory and limits.
///
/// It is `Send`, and every call takes `&mut self`, so the compiler ensures that only one call runs in it at a time.
///
/// ```
/// use belljar::{Call, Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| a + b);
/// let mut jar = runtime.instance(&router, &Limits::default())?;
/// jar.eval("var total = host.rpcSync('add', [1, 2]); host.on('more', n => total += n)")?;
/// assert_eq!(jar.dispatch("more", &4)?.get::<i64>()?, 7);
/// # Ok::<(), belljar::Error>(())
/// ```
pub struct Instance {
    vm: Option<Vm>,
    phase: Phase,
    /// The limits and switches that the guest was last told.
    configured: Configured,
    /// The calls that handlers have paused, in [`Phase::Paused`].
    paused: Vec<PendingCall>,
    /// Gives ids to the calls of handlers.
    ids: Arc<Ids>,
    /// Why the last request of the latest call for linear memory was refused; None when it was not.
    refusal: Option<Refusal>,
    desk: Arc<Desk>,
    routes: Arc<Routes>,
    limits: Limits,
    code_generation: bool,
    web_apis: bool,
    /// Whether a script may redeclare what an earlier one has declared.
    is_session: bool,
    /// Whether a call also waits for handler calls that its script started and does not await.
    drains: bool,
    /// The `flag` bits that [`Instance::inspect`] sends to the guest.
    inspection: u32,
    data: Data,
    /// What scripts can import.
    modules: Modules,
    /// What the instance started from.
    origin: Origin,
    /// Whether the random numbers continue the sequence of the origin.
    keeps_random: bool,
    /// What the call in [`Phase::Paused`] has used so far.
    spent: Spent,
    /// Deliberately `!Sync`, so internals may rely on one thread at a time.
    _not_sync: PhantomData<Cell<()>>,
    /// Declared after `vm`, so that the slot of the pool is free before its permit is.
    runtime: Permit,
}

impl Instance {
    pub(crate) fn new(runtime: Permit, router: &Router, limits: &Limits, options: Options) -> Result<Instance> {
        limits.check()?;
        let most = u64::from(configure::C_STACK_BYTES - configure::STACK_RESERVE_BYTES);
        if limits.stack_bytes > most {
            return Err(Error::input(format!(
                "the stack limit of {} bytes is above the {most} bytes that the guest has",
                limits.stack_bytes
            )));
        }
        let origin = match options.origin {
            Origin::Runtime => runtime.prelude().map_or(Origin::Image, |prelude| Origin::Prelude(prelude.clone())),
            origin => origin,
        };
        if let Some(snapshot) = origin.snapshot() {
            snapshot.check(runtime.identity(), limits)?;
            let (_, held) = weigh(snapshot.pending());
            if held > limits.memory_bytes {
                return Err(LimitKind::Memory.too_low(limits, held));
            }
        }
        let (clock, seed, age, keeps_random) = match &origin {
            Origin::Restored(snapshot) => {
                let about = &snapshot.about;
                let clock = options.clock.unwrap_or_else(|| about.clock.clone());
                (clock, options.seed.or(about.seed), about.age, options.seed.is_none() && about.seed.is_some())
            }
            Origin::Prelude(snapshot) if !snapshot.pending().is_empty() => {
                return Err(Error::input("a prelude must not wait for answers, and this snapshot does"));
            }
            _ => (options.clock.unwrap_or_default(), options.seed, 0, false),
        };
        // The guest cannot leave session mode once it has entered it.
        let was_session = |snapshot: &Snapshot| {
            snapshot.about.configured.get(configure::SWITCHES).is_some_and(|word| word & configure::SESSION != 0)
        };
        let is_session = options.is_session || origin.snapshot().is_some_and(was_session);
        let desk = Arc::new(Desk::new(Driver::new(limits.clone()), clock, seed, age));
        let mut instance = Instance {
            vm: None,
            phase: Phase::Idle,
            configured: IMAGE_CONFIGURED,
            paused: Vec::new(),
            ids: Arc::default(),
            refusal: None,
            desk,
            routes: router.routes(),
            limits: limits.clone(),
            code_generation: options.code_generation,
            web_apis: options.web_apis,
            is_session,
            drains: options.drains,
            inspection: flag::INSPECT | if options.keeps_last_value { flag::KEEP } else { 0 },
            data: options.data,
            modules: options.modules,
            origin,
            keeps_random,
            spent: Spent::default(),
            _not_sync: PhantomData,
            runtime,
        };
        instance.begin_anew()?;
        instance.runtime.tally().add(Count::Made);
        Ok(instance)
    }

    /// Runs a script to its end and returns the value of its last expression.
    ///
    /// There is no `await` at the top level, and `host.rpc` and `host.rpcSync` reach synchronous handlers only. A
    /// result that is a promise is unwrapped if it settles without waiting.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. The instance stays usable unless it is [`Status::Poisoned`] afterwards.
    pub fn eval<'s>(&mut self, script: impl Into<Script<'s>>) -> Result<Value> {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script)?;
        let ended = now(self.execute(Mode::Sync, message));
        self.value_of(&script, ended)
    }

    /// As [`Instance::eval`], with `await` at the top level and async handlers. A result that is a promise is
    /// awaited.
    ///
    /// Handlers are polled inside this future, on any executor; dropping the future drops them. A busy script yields
    /// to the executor about every half millisecond.
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn eval_async<'s>(&mut self, script: impl Into<Script<'s>>) -> impl Future<Output = Result<Value>> + Send {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script);
        async move {
            let ended = self.execute(Mode::Async, message?).await;
            self.value_of(&script, ended)
        }
    }

    /// As [`Instance::eval`], but any value will do: it is returned as the console would show it, and a string as
    /// itself.
    ///
    /// No code of the script runs while its value is formatted: a getter is named and not called, a Proxy is not
    /// entered, and changes that the script made to `console` or to a prototype have no effect. A string may be as
    /// long as a message; any other large value is shortened as on the console.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let shown = jar.inspect("({ n: 10n, f() {}, get g() { throw 1 } })")?;
    /// assert_eq!(shown.as_str(), "{ n: 10n, f: [Function: f], g: [Getter] }");
    /// assert_eq!(jar.inspect("'text'")?.as_str(), "text");
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn inspect<'s>(&mut self, script: impl Into<Script<'s>>) -> Result<Shown> {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script)?.flagged(self.inspection);
        let ended = now(self.execute(Mode::Sync, message));
        self.shown_of(&script, ended)
    }

    /// As [`Instance::inspect`], with `await` at the top level and async handlers. A value that is a promise is
    /// awaited.
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn inspect_async<'s>(&mut self, script: impl Into<Script<'s>>) -> impl Future<Output = Result<Shown>> + Send {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script);
        async move {
            let message = message?.flagged(self.inspection);
            let ended = self.execute(Mode::Async, message).await;
            self.shown_of(&script, ended)
        }
    }

    /// Calls the handler that a script registered with `host.on(event, handler)`, and returns its result.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEvent`] when the event has no handler; otherwise as [`Instance::eval`].
    pub fn dispatch(&mut self, event: &str, params: &(impl Serialize + ?Sized)) -> Result<Value> {
        let message = self.open_event(event, params)?;
        let ended = now(self.execute(Mode::Sync, message));
        self.dispatched(event, ended)
    }

    /// As [`Instance::dispatch`], with async handlers; a promise that the handler returns is awaited.
    ///
    /// # Errors
    ///
    /// As [`Instance::dispatch`].
    pub fn dispatch_async(
        &mut self,
        event: &str,
        params: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<Value>> + Send {
        let message = self.open_event(event, params);
        async move {
            let ended = self.execute(Mode::Async, message?).await;
            self.dispatched(event, ended)
        }
    }

    /// Runs a compiled program, as [`Instance::eval`] runs a script.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] when it belongs to another build; otherwise as [`Instance::eval`].
    pub fn run(&mut self, program: &Program) -> Result<Value> {
        let message = self.open_program(program)?;
        let ended = now(self.execute(Mode::Sync, message));
        self.value(ended)
    }

    /// Runs a compiled program, as [`Instance::eval_async`] runs a script.
    /// # Errors
    /// As [`Instance::run`].
    pub fn run_async(&mut self, program: &Program) -> impl Future<Output = Result<Value>> + Send {
        let message = self.open_program(program);
        async move {
            let ended = self.execute(Mode::Async, message?).await;
            self.value(ended)
        }
    }

    /// Compiles a script. The instance is used for nothing else.
    pub(crate) fn compile(&mut self, script: &Script<'_>) -> Result<Vec<u8>> {
        now(self.compile_in(Mode::Sync, script))
    }

    /// As [`Instance::compile`], and a module may be loaded by a loader that waits.
    pub(crate) async fn compile_async(&mut self, script: &Script<'_>) -> Result<Vec<u8>> {
        self.compile_in(Mode::Async, script).await
    }

    async fn compile_in(&mut self, mode: Mode, script: &Script<'_>) -> Result<Vec<u8>> {
        let message = self.open_script(Op::Compile, script)?;
        match self.execute(mode, message).await? {
            Ended::Outcome(Outcome::Bytecode(bytes)) => Ok(bytes),
            other => Err(self.value(Ok(other)).err().unwrap_or_else(|| Error::guest("it compiled to a value"))),
        }
    }

    /// The events for which scripts have registered handlers with `host.on`, sorted by name. At most a thousand are
    /// listed, and names longer than a thousand bytes are left out. No script code runs, and a paused call stays
    /// paused.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// jar.eval("host.on('paid', order => {}); host.on('cancelled', order => {})")?;
    /// assert_eq!(jar.events()?, ["cancelled", "paid"]);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] when the instance takes no calls, and [`Error::Host`] when the guest image is too old to
    /// list its events.
    pub fn events(&mut self) -> Result<Vec<String>> {
        if self.phase != Phase::Paused {
            self.admit()?;
        }
        let json = self.enquire(Op::Events)?;
        Self::events_in(&json)
    }

    /// A handle that stops the call in progress from any thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { desk: self.desk.clone() }
    }

    /// Restores the initial state of the instance: its memory, its globals, its handlers. Its statistics keep
    /// counting.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the system refuses a resource.
    pub fn reset(&mut self) -> Result<()> {
        self.runtime.tally().add(Count::Reset);
        self.begin_anew()
    }

    fn begin_anew(&mut self) -> Result<()> {
        // The future of the call was dropped. What the call used is still counted.
        if matches!(self.phase, Phase::Running | Phase::Waiting) {
            self.close(Leftovers::None);
        }
        // The old slot is returned to the pool before a new one is taken.
        self.vm = None;
        self.phase = Phase::Idle;
        self.configured = IMAGE_CONFIGURED;
        self.paused.clear();
        let calls = self.origin.snapshot().map_or(0, |snapshot| snapshot.about.next_call);
        self.ids = Arc::new(Ids::after(calls, self.desk.seed_of_embedder()));
        let vm = self.runtime.vm(self.origin.snapshot(), &self.desk, &self.limits)?;
        if let Some(snapshot) = self.origin.snapshot() {
            let about = &snapshot.about;
            for (word, was) in self.configured.iter_mut().zip(&about.configured) {
                *word = *was;
            }
            if !self.keeps_random {
                // The guest must not continue the random numbers of the instance that it was copied from.
                self.configured[configure::SWITCHES] |= STALE_RANDOM;
            }
            if !about.pending.is_empty() {
                self.paused.clone_from(&about.pending);
                self.spent = about.spent.unwrap_or_default();
                self.phase = Phase::Paused;
            }
        }
        self.vm = Some(vm);
        Ok(())
    }

    /// Whether the instance takes calls.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.vm.is_none() || self.phase == Phase::Running { Status::Poisoned } else { Status::Ready }
    }

    /// The statistics of the instance since it was made.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.with_vitals(self.desk.driver().totals().1)
    }

    /// The statistics of the latest call.
    #[must_use]
    pub fn call_stats(&self) -> Stats {
        self.with_vitals(self.desk.driver().totals().0)
    }

    fn with_vitals(&self, mut stats: Stats) -> Stats {
        if let Some(vm) = &self.vm {
            stats.heap_bytes = vm.vital(vitals::HEAP_BYTES);
            stats.heap_peak_bytes = vm.vital(vitals::HEAP_PEAK_BYTES);
            stats.memory_bytes = vm.memory_bytes();
        }
        stats
    }

    /// The methods of the handler calls that had no answer when the latest call of the instance ended: their handlers
    /// were dropped before they finished, or never started. This happens when a limit, a cancellation or a dropped
    /// future ends the call, and with
    /// [`InstanceBuilder::without_draining`](crate::InstanceBuilder::without_draining). The list has at most twenty
    /// methods, and then an entry with the number of others; [`Stats::dropped_calls`] counts all.
    ///
    /// ```
    /// # use belljar::{Call, Limits, Router, RpcError, Runtime};
    /// # use std::time::Duration;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new()
    ///     .handle_async("send", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>());
    /// let limits = Limits { wall_time: Duration::from_millis(50), ..Limits::default() };
    /// let mut jar = Runtime::new()?.instance(&router, &limits)?;
    /// let error = jar.eval_async("host.rpc('send'); 'done'").await.unwrap_err();
    /// assert_eq!(error.code(), "wall_limit_exceeded");
    /// assert_eq!(jar.dropped_calls(), ["send"]);
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    #[must_use]
    pub fn dropped_calls(&self) -> Vec<String> {
        self.desk.driver().dropped().to_vec()
    }

    /// The limits of the instance.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Opens a call. A cancellation applies to it from here on, even before its future is first polled.
    fn open(&self) {
        self.desk.forget_cancel();
    }

    /// Opens a call that runs a script, and makes its message.
    fn open_script(&self, op: Op, script: &Script<'_>) -> Result<Message> {
        self.open();
        if script.source().len() as u64 > self.limits.source_bytes {
            return Err(LimitKind::Source.error(&self.limits));
        }
        if script.name().contains('\0') {
            return Err(Error::input("the name of a script must not hold NUL"));
        }
        let parts = [script.name().as_bytes(), b"\0", script.source().as_bytes()];
        Ok(Message::of(op, &parts, script.name().len()).flagged(script.flag()))
    }

    /// Opens a call of a handler that the script registered, and makes its message.
    fn open_event(&self, event: &str, params: &(impl Serialize + ?Sized)) -> Result<Message> {
        self.open();
        let message = Message::event(event.as_bytes(), params)?;
        if message.length() as u64 > self.limits.message_bytes {
            return Err(LimitKind::Message.error(&self.limits));
        }
        Ok(message)
    }

    /// Opens a call that runs a program, and makes its message.
    fn open_program(&self, program: &Program) -> Result<Message> {
        self.open();
        program.check(self.runtime.identity())?;
        if program.bytecode().len() as u64 > self.limits.source_bytes {
            return Err(LimitKind::Source.error(&self.limits));
        }
        Ok(Message::of(Op::Run, &[program.bytecode()], 0))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("status", &self.status()).field("limits", &self.limits).finish_non_exhaustive()
    }
}
