//! One sealed jar: it takes a script, an event or a program, drives the guest until there is a result, and says how it ended.
//!
//! It joins the driver, the virtual machine and the handlers. It must never know wasmtime.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use belljar_abi::{Op, Status as Wire, configure, flag, vitals};
use serde::Serialize;

use crate::calls::{Calls, Mode};
use crate::clock::Clock;
use crate::driver::{Driver, Outcome, Spent};
use crate::error::{Error, JsError, Native, Result};
use crate::limits::{LimitKind, Limits};
use crate::program::Program;
use crate::router::Router;
use crate::runtime::{Permit, Runtime};
use crate::snapshot::{About, Answer, Paused, PendingCall, Snapshot, Turn};
use crate::stats::Stats;
use crate::trace;
use crate::turn::{Message, Waited, now, turn, wait};
use crate::value::{Json, Script};
use crate::vm::fibre::Vm;
use crate::vm::state::Desk;

/// What an instance can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It takes calls.
    Ready,
    /// It was stopped in the middle of a call; [`Instance::reset`] brings it back.
    Poisoned,
}

/// Where the guest stands between two calls of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is going on.
    Idle,
    /// The guest is in the middle of an operation.
    Running,
    /// A call is in progress, but the guest has returned from its operation.
    Waiting,
    /// A call is in progress that handlers have paused.
    Paused,
}

/// A sealed JavaScript world: its own globals, its own memory, its own limits.
///
/// It is `Send`, and every call takes `&mut self`, so the compiler sees to it that one call at a time runs in it.
///
/// ```
/// use belljar::{Call, Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| Ok(a + b));
/// let mut jar = runtime.instance(&router, &Limits::default())?;
/// jar.eval("var total = host.rpcSync('add', [1, 2]); host.on('more', n => total += n)")?;
/// assert_eq!(jar.dispatch("more", &4)?.get::<i64>()?, 7);
/// # Ok::<(), belljar::Error>(())
/// ```
pub struct Instance {
    vm: Option<Vm>,
    phase: Phase,
    /// What the guest was last told of its limits.
    configured: Configured,
    /// The calls that handlers have paused, in [`Phase::Paused`].
    paused: Vec<PendingCall>,
    /// Whether the newest call asked for more linear memory than it may have.
    was_memory_refused: bool,
    desk: Arc<Desk>,
    router: Router,
    limits: Limits,
    code_generation: bool,
    data: Option<Arc<dyn Any + Send + Sync>>,
    /// What the instance began as, when that was not the bare image.
    origin: Option<Snapshot>,
    /// What the call in [`Phase::Paused`] had used.
    spent: Spent,
    runtime: Runtime,
    /// Nothing can be done with a shared instance but to ask for its figures, so nobody may count on sharing one.
    _not_sync: PhantomData<Cell<()>>,
    /// Declared after `vm`, so that a slot of the pool is free before the permit for it is.
    _permit: Permit,
}

impl Instance {
    pub(crate) fn new(
        runtime: &Runtime,
        permit: Permit,
        router: &Router,
        limits: &Limits,
        options: Options,
    ) -> Result<Instance> {
        let most = u64::from(configure::C_STACK_BYTES - configure::STACK_RESERVE_BYTES);
        if limits.stack_bytes > most {
            return Err(Error::input(format!(
                "`stack_bytes` of {} is over the {most} that the guest has",
                limits.stack_bytes
            )));
        }
        let origin = options.origin;
        let (clock, seed, age) = match &origin {
            Some(origin) => {
                if origin.identity() != runtime.identity() {
                    return Err(Error::Snapshot { message: "it was taken from another guest".into() });
                }
                let about = &origin.about;
                (options.clock.unwrap_or_else(|| about.clock.clone()), options.seed.or(about.seed), about.age)
            }
            None => (options.clock.unwrap_or_default(), options.seed, 0),
        };
        let desk = Arc::new(Desk::new(Driver::new(limits.clone()), clock, seed, age));
        let mut instance = Instance {
            vm: None,
            phase: Phase::Idle,
            configured: IMAGE_CONFIGURED,
            paused: Vec::new(),
            was_memory_refused: false,
            desk,
            router: router.clone(),
            limits: limits.clone(),
            code_generation: options.code_generation,
            data: options.data,
            origin,
            spent: Spent::default(),
            runtime: runtime.clone(),
            _not_sync: PhantomData,
            _permit: permit,
        };
        instance.reset()?;
        Ok(instance)
    }

    /// Runs a script to its end and gives the value of its last expression.
    ///
    /// There is no `await` at the top level, and `host.rpc` and `host.rpcSync` reach synchronous handlers only. A result that is a promise
    /// is unwrapped if it can settle without waiting.
    ///
    /// # Errors
    ///
    /// Whatever [`Error`] says; the instance stays usable unless it is [`Status::Poisoned`] afterwards.
    pub fn eval<'s>(&mut self, script: impl Into<Script<'s>>) -> Result<Json> {
        let message = self.script_message(&script.into())?;
        let ended = now(self.execute(Mode::Sync, Op::Eval, message));
        self.value(ended)
    }

    /// As [`Instance::eval`], with `await` at the top level and async handlers. A result that is a promise is awaited.
    ///
    /// Handlers are polled inside this future, on any executor: dropping it drops them. A busy script gives way to the
    /// executor every few milliseconds.
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn eval_async<'s>(&mut self, script: impl Into<Script<'s>>) -> impl Future<Output = Result<Json>> + Send {
        let message = self.script_message(&script.into());
        async move {
            let ended = self.execute(Mode::Async, Op::Eval, message?).await;
            self.value(ended)
        }
    }

    /// Calls the handler that a script registered with `host.on(event, handler)`, and gives what it returns.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEvent`] when there is none; otherwise as [`Instance::eval`].
    pub fn dispatch(&mut self, event: &str, params: &(impl Serialize + ?Sized)) -> Result<Json> {
        let message = self.event_message(event, params)?;
        let ended = now(self.execute(Mode::Sync, Op::Dispatch, message));
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
    ) -> impl Future<Output = Result<Json>> + Send {
        let message = self.event_message(event, params);
        async move {
            let ended = self.execute(Mode::Async, Op::Dispatch, message?).await;
            self.dispatched(event, ended)
        }
    }

    fn dispatched(&self, event: &str, ended: Result<Ended>) -> Result<Json> {
        match ended? {
            Ended::NoSuchEvent => Err(Error::NoSuchEvent { name: event.to_owned() }),
            outcome => self.value(Ok(outcome)),
        }
    }

    /// What the caller gets for what the guest said.
    fn value(&self, ended: Result<Ended>) -> Result<Json> {
        match ended? {
            Ended::Outcome(Outcome::Value(bytes)) => Json::from_guest(bytes),
            Ended::Outcome(Outcome::Undefined) => Ok(Json::UNDEFINED),
            Ended::Outcome(Outcome::Failure(report)) => Err(self.failure(&report)),
            Ended::Outcome(Outcome::NotSerializable(why)) => {
                Err(Error::NotSerializable { message: String::from_utf8_lossy(&why).into_owned() })
            }
            Ended::Outcome(Outcome::Bytecode(_)) => Err(Error::guest("it sent bytecode for a value")),
            Ended::NoSuchEvent => Err(Error::guest("it looked for an event where there was none")),
            Ended::Paused => Err(Error::guest("it paused where nothing can pause")),
        }
    }

    fn failure(&self, report: &[u8]) -> Error {
        match serde_json::from_str::<JsError>(&String::from_utf8_lossy(report)) {
            Ok(JsError { native: Some(Native::Memory), .. }) => {
                if self.was_memory_refused { LimitKind::Memory } else { LimitKind::JsHeap }.error(&self.limits)
            }
            Ok(error) => Error::Js(error),
            Err(_) => Error::guest("a failure is not a report"),
        }
    }

    /// Runs a compiled program, as [`Instance::eval`] runs a script.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] when it belongs to another build; otherwise as [`Instance::eval`].
    pub fn run(&mut self, program: &Program) -> Result<Json> {
        let message = self.program_message(program)?;
        let ended = now(self.execute(Mode::Sync, Op::Run, message));
        self.value(ended)
    }

    /// Runs a compiled program, as [`Instance::eval_async`] runs a script.
    ///
    /// # Errors
    ///
    /// As [`Instance::run`].
    pub fn run_async(&mut self, program: &Program) -> impl Future<Output = Result<Json>> + Send {
        let message = self.program_message(program);
        async move {
            let ended = self.execute(Mode::Async, Op::Run, message?).await;
            self.value(ended)
        }
    }

    /// Compiles a script in this instance, which belongs to nobody else.
    pub(crate) fn compile(&mut self, script: &Script<'_>) -> Result<Vec<u8>> {
        let message = self.script_message(script)?;
        match now(self.execute(Mode::Sync, Op::Compile, message))? {
            Ended::Outcome(Outcome::Bytecode(bytes)) => Ok(bytes),
            other => Err(self.value(Ok(other)).err().unwrap_or_else(|| Error::guest("it compiled to a value"))),
        }
    }

    /// Stops the call in progress from anywhere.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { desk: self.desk.clone() }
    }

    /// Brings the instance back to how it began: its memory, its globals, its handlers. What it has used stays counted.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the machine refuses.
    pub fn reset(&mut self) -> Result<()> {
        // A call whose future was dropped has used what it has used.
        if matches!(self.phase, Phase::Running | Phase::Waiting) {
            self.close(Leftovers::None);
        }
        // The old slot goes back to the pool before the new one is taken.
        self.vm = None;
        self.phase = Phase::Idle;
        self.configured = IMAGE_CONFIGURED;
        self.paused.clear();
        let mut vm = Vm::new(self.runtime.image(), self.desk.clone(), &self.limits)?;
        if let Some(origin) = &self.origin {
            vm.thaw(origin.frozen())?;
            let about = &origin.about;
            for (word, was) in self.configured.iter_mut().zip(&about.configured) {
                *word = *was;
            }
            if !self.desk.is_seeded() {
                // Without a seed of its own the guest must not go on with the numbers of the one it was copied from.
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

    /// Takes the instance apart from this process: between calls, or while it is paused at an `await`.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] when the instance is.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        if self.phase != Phase::Paused {
            self.admit()?;
        }
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let about = About {
            label: String::new(),
            configured: self.configured.to_vec(),
            pending: self.paused.clone(),
            spent: (self.phase == Phase::Paused).then_some(self.spent),
            age: self.desk.now(),
            clock: self.desk.clock(),
            seed: self.desk.seed_of_embedder(),
        };
        Ok(Snapshot::new(*self.runtime.identity(), vm.freeze(self.runtime.image())?, about))
    }

    /// As [`Instance::eval_async`], but a handler may pause the call with [`RpcError::pause`](crate::RpcError::pause).
    /// The script goes on as far as it can without that answer; then this returns what is needed to go on later.
    ///
    /// ```
    /// # use belljar::{Answer, Call, Json, Limits, Router, RpcError, Runtime, Turn};
    /// # let runtime = Runtime::new()?;
    /// # let limits = Limits::default();
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new().handle("approve", |_: &Call, _amount: u32| Err::<bool, _>(RpcError::pause()));
    /// let mut jar = runtime.instance(&router, &limits)?;
    /// let Turn::Paused(paused) = jar.step_async("await host.rpc('approve', 100) ? 'paid' : 'refused'").await? else {
    ///     panic!("nobody has answered yet");
    /// };
    /// let bytes = paused.snapshot().to_bytes();
    /// // Later, in another process of the same build:
    /// let snapshot = belljar::Snapshot::from_bytes(&bytes)?;
    /// let mut jar = runtime.restore(&snapshot, &router, &limits)?;
    /// let answer = (jar.pending()[0].id, Answer::Result(Json::from_value(&true)?));
    /// let Turn::Done(value) = jar.resume_async([answer]).await? else { panic!("everything is answered") };
    /// assert_eq!(value.get::<String>()?, "paid");
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn step_async<'s>(&mut self, script: impl Into<Script<'s>>) -> impl Future<Output = Result<Turn>> + Send {
        let message = self.script_message(&script.into());
        async move {
            self.begin()?;
            let ended = self.drive(Mode::Async, Some((Op::Eval, message?)), Vec::new()).await;
            self.turn(ended)
        }
    }

    /// As [`Instance::dispatch_async`], with pauses as in [`Instance::step_async`].
    ///
    /// # Errors
    ///
    /// As [`Instance::dispatch`].
    pub fn step_dispatch_async(
        &mut self,
        event: &str,
        params: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<Turn>> + Send {
        let message = self.event_message(event, params);
        async move {
            self.begin()?;
            match self.drive(Mode::Async, Some((Op::Dispatch, message?)), Vec::new()).await {
                Ok(Ended::NoSuchEvent) => Err(Error::NoSuchEvent { name: event.to_owned() }),
                ended => self.turn(ended),
            }
        }
    }

    /// The calls that a paused script waits for; none when it is not paused.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        &self.paused
    }

    /// Goes on with a paused script. Each answer names a pending call by its id; calls without an answer stay paused. The script goes
    /// on with the budget that it had left; [`Instance::renew_budget`] gives it a new one.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when nothing is paused or an id names no pending call; otherwise as [`Instance::eval`].
    pub async fn resume_async(&mut self, answers: impl IntoIterator<Item = (u32, Answer)> + Send) -> Result<Turn> {
        let answers: Vec<(u32, Answer)> = answers.into_iter().collect();
        if self.phase != Phase::Paused {
            return Err(Error::input(
                "nothing is paused here; `step_async` or a snapshot of a paused instance makes it so",
            ));
        }
        if let Some((id, _)) = answers.iter().find(|(id, _)| !self.paused.iter().any(|call| call.id == *id)) {
            return Err(Error::input(format!(
                "no pending call has the id {id}; `pending()` lists those that there are"
            )));
        }
        self.configure()?;
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        self.desk.forget_cancel();
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin_again(self.desk.now(), self.spent);
            driver.next_slice(0)
        };
        vm.refuel(slice);
        let ended = self.drive(Mode::Async, None, answers).await;
        self.turn(ended)
    }

    /// Gives a paused script the budget of a fresh call.
    pub fn renew_budget(&mut self) {
        self.spent = Spent::default();
    }

    fn turn(&mut self, ended: Result<Ended>) -> Result<Turn> {
        match ended {
            Ok(Ended::Paused) => Ok(Turn::Paused(Paused { snapshot: self.snapshot()? })),
            ended => self.value(ended).map(Turn::Done),
        }
    }

    /// What the instance can do next.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.vm.is_none() || self.phase == Phase::Running { Status::Poisoned } else { Status::Ready }
    }

    /// What the instance has used since it began.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.with_vitals(self.desk.driver().totals().1)
    }

    /// What the newest call has used.
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

    /// The limits that the instance was made with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn script_message(&self, script: &Script<'_>) -> Result<Message> {
        if script.source().len() as u64 > self.limits.source_bytes {
            return Err(LimitKind::Source.error(&self.limits));
        }
        if script.name().contains('\0') {
            return Err(Error::input("the name of a script must not hold NUL"));
        }
        Ok(Message::of(&[script.name().as_bytes(), b"\0", script.source().as_bytes()], script.name().len()))
    }

    fn event_message(&self, event: &str, params: &(impl Serialize + ?Sized)) -> Result<Message> {
        let params = Json::from_value(params)?.into_text().unwrap_or_default();
        if (event.len() + params.len()) as u64 > self.limits.message_bytes {
            return Err(LimitKind::Message.error(&self.limits));
        }
        Ok(Message::of(&[event.as_bytes(), params.as_bytes()], event.len()))
    }

    fn program_message(&self, program: &Program) -> Result<Message> {
        if program.identity() != self.runtime.identity() {
            return Err(Error::Program { message: "it was compiled for another guest".into() });
        }
        if program.bytecode().len() as u64 > self.limits.source_bytes {
            return Err(LimitKind::Source.error(&self.limits));
        }
        Ok(Message::of(&[program.bytecode()], 0))
    }

    /// Makes the instance ready for a call: nothing of an earlier one may be left, and the guest must know its limits.
    fn admit(&mut self) -> Result<()> {
        match self.phase {
            // The future of the last call was dropped in the middle of guest code, whose state makes no sense now.
            Phase::Running => {
                self.close(Leftovers::None);
                self.poison();
            }
            Phase::Waiting => self.close(Leftovers::Some),
            // A new call gives the paused one up. What it used is already counted.
            Phase::Paused => {
                self.phase = Phase::Idle;
                self.paused.clear();
                if !self.housekeep(Op::Abandon, &[]) {
                    self.poison();
                }
            }
            Phase::Idle => {}
        }
        if self.vm.is_none() {
            return Err(Error::Poisoned);
        }
        self.configure()
    }

    fn configure(&mut self) -> Result<()> {
        let mut words: Configured = [0; configure::WORDS];
        words[configure::HEAP_BYTES] = u32::try_from(self.limits.js_heap_bytes).unwrap_or(u32::MAX);
        words[configure::STACK_BYTES] = u32::try_from(self.limits.stack_bytes).unwrap_or(u32::MAX);
        words[configure::SWITCHES] = if self.code_generation { 0 } else { configure::NO_CODE_GENERATION };
        if words == self.configured {
            return Ok(());
        }
        let mut orders = words;
        if self.configured[configure::SWITCHES] & STALE_RANDOM != 0 {
            orders[configure::SWITCHES] |= configure::RESEED;
        }
        if self.housekeep(Op::Configure, &orders.map(u32::to_le_bytes).concat()) {
            self.configured = words;
            return Ok(());
        }
        self.poison();
        Err(Error::input("the guest cannot work with so little: raise `js_heap_bytes` or `stack_bytes`"))
    }

    fn poison(&mut self) {
        self.vm = None;
        self.phase = Phase::Idle;
        self.paused.clear();
    }

    /// Does something of our own in the guest, which runs no script.
    fn housekeep(&mut self, op: Op, payload: &[u8]) -> bool {
        let Some(vm) = &mut self.vm else { return false };
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin_chore(CHORE_SLICES);
            driver.announce(payload.to_vec());
            driver.next_slice(0)
        };
        vm.refuel(slice);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        // A chore makes no synchronous call and does not yield, so it ends the first time that it is polled.
        let status = match pin!(vm.start(op, 0, 0, length)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => ended,
            Poll::Pending => return false,
        };
        self.desk.driver().end_chore();
        status == Ok(Wire::Done as u32)
    }

    /// Ends the call in progress, and makes sure that nothing of it can run later.
    fn close(&mut self, leftovers: Leftovers) {
        self.account();
        self.desk.driver().end(self.desk.now());
        self.phase = Phase::Idle;
        self.paused.clear();
        if leftovers == Leftovers::Some && !self.housekeep(Op::Abandon, &[]) {
            self.poison();
        }
    }

    /// Takes down what the guest has used.
    fn account(&mut self) {
        let Some(vm) = &mut self.vm else { return };
        self.was_memory_refused = vm.was_memory_refused();
        let mut driver = self.desk.driver();
        let stats = driver.call_stats();
        stats.fuel = vm.fuel_used();
        stats.heap_bytes = vm.vital(vitals::HEAP_BYTES);
        stats.heap_peak_bytes = vm.vital(vitals::HEAP_PEAK_BYTES);
        stats.memory_bytes = vm.memory_bytes();
    }

    /// Runs a fresh call to its end. A handler that pauses is out of place here.
    async fn execute(&mut self, mode: Mode, op: Op, message: Message) -> Result<Ended> {
        self.begin()?;
        match self.drive(mode, Some((op, message)), Vec::new()).await {
            Ok(Ended::Paused) => {
                let pending = self.paused.iter().map(|call| call.method.clone()).collect();
                if !self.housekeep(Op::Abandon, &[]) {
                    self.poison();
                }
                self.paused.clear();
                self.phase = Phase::Idle;
                Err(Error::Paused { pending })
            }
            ended => ended,
        }
    }

    /// Readies everything for a call that has used nothing yet.
    fn begin(&mut self) -> Result<()> {
        self.admit()?;
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        self.desk.forget_cancel();
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin(self.desk.now());
            driver.next_slice(0)
        };
        vm.refuel(slice);
        Ok(())
    }

    /// Takes the guest from one operation to the next until its call has ended or is paused. Without a first operation
    /// the guest already waits for answers.
    async fn drive(&mut self, mode: Mode, next: Option<(Op, Message)>, answers: Vec<(u32, Answer)>) -> Result<Ended> {
        let op = next.as_ref().map_or(Op::Answer, |(op, _)| *op);
        trace::call(op, async move {
            let ended = self.take_turns(mode, next, answers).await;
            trace::ended(&ended, &self.desk.driver().totals().0);
            ended
        })
        .await
    }

    async fn take_turns(
        &mut self,
        mode: Mode,
        mut next: Option<(Op, Message)>,
        answers: Vec<(u32, Answer)>,
    ) -> Result<Ended> {
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let desk = self.desk.clone();
        let deadline = Instant::now().checked_add(desk.driver().wall_left(desk.now()));
        let mut flags = 0;
        if mode == Mode::Async {
            flags |= flag::ASYNC;
            desk.driver().allow_yield();
        }
        if self.router.has_console() {
            flags |= flag::CONSOLE;
        }
        self.phase = Phase::Waiting;
        let mut calls = Calls::new(&desk, &self.router, &self.data, mode, deadline);
        calls.adopt(std::mem::take(&mut self.paused), answers);
        let mut timer = None;
        let (ended, leftovers) = loop {
            if let Some(operation) = next.take() {
                self.phase = Phase::Running;
                let turn = turn(vm, &desk, &mut calls, flags, operation, &mut timer).await;
                self.phase = Phase::Waiting;
                desk.driver().burn(vm.fuel_used());
                calls.deliver();
                let stop = desk.driver().stopped().cloned();
                let status = match turn {
                    Ok(status) => Wire::from_wire(status),
                    Err(end) => {
                        let error = match stop {
                            Some(stop) => stop.into_error(&self.limits),
                            None => end.into_error(&self.limits),
                        };
                        break (Err(error), Leftovers::Poison);
                    }
                };
                if let Some(stop) = stop {
                    break (Err(stop.into_error(&self.limits)), Leftovers::Some);
                }
                let outcome = desk.driver().take_outcome();
                match (status, outcome) {
                    (Some(Wire::Pending), None) => {}
                    (Some(Wire::Done | Wire::Threw | Wire::NotSerializable), Some(outcome)) => {
                        // Calls that nobody awaited have been started; each gets one chance to finish.
                        calls.poll(&mut Context::from_waker(Waker::noop()));
                        let leftovers = if calls.has_unanswered() { Leftovers::Some } else { Leftovers::None };
                        break (Ok(Ended::Outcome(outcome)), leftovers);
                    }
                    (Some(Wire::NoSuchEvent), None) => break (Ok(Ended::NoSuchEvent), Leftovers::None),
                    (Some(Wire::Refused), None) => break (Err(LimitKind::Memory.error(&self.limits)), Leftovers::Some),
                    _ => {
                        let error = Error::guest("it returned a status that its messages contradict");
                        break (Err(error), Leftovers::Poison);
                    }
                }
            }
            match wait(&desk, &mut calls, &mut timer).await {
                Waited::Answered => next = Some((Op::Answer, Message::of(&[&calls.take_answers()], 0))),
                Waited::Stopped(stop) => break (Err(stop.into_error(&self.limits)), Leftovers::Some),
                Waited::Stuck => break (Err(Error::NeverSettled { pending: calls.unanswered() }), Leftovers::Some),
                Waited::Paused => {
                    self.paused = calls.take_paused();
                    break (Ok(Ended::Paused), Leftovers::Call);
                }
            }
        };
        drop(calls);
        match leftovers {
            Leftovers::Call => {
                self.account();
                let now = self.desk.now();
                let mut driver = self.desk.driver();
                self.spent = driver.spent(now);
                driver.end(now);
                drop(driver);
                self.phase = Phase::Paused;
            }
            Leftovers::Poison => {
                self.close(Leftovers::None);
                self.poison();
            }
            leftovers => self.close(leftovers),
        }
        ended
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("status", &self.status()).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Slices of fuel for work of our own: a few tens of milliseconds.
const CHORE_SLICES: u32 = 100;

/// What a call leaves in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftovers {
    None,
    /// Jobs or promises that must be dropped.
    Some,
    /// A call that is to go on.
    Call,
    /// A guest that was stopped in the middle.
    Poison,
}

/// How a call ended, when it was not stopped.
enum Ended {
    Outcome(Outcome),
    NoSuchEvent,
    Paused,
}

/// The words of `Op::Configure`.
type Configured = [u32; configure::WORDS];
/// A mark of ours in [`Instance::configured`] that makes it differ from every order: the guest must be told to reseed.
const STALE_RANDOM: u32 = 1 << 31;
const IMAGE_CONFIGURED: Configured = [configure::IMAGE_HEAP_BYTES, configure::IMAGE_STACK_BYTES, 0];

/// Stops the call in progress of one instance, from any thread, also while a native built-in runs.
///
/// When no call is in progress it does nothing: the next call is not the one that was meant.
///
/// ```
/// use belljar::{Call, CancelHandle, Error, Limits, Router, Runtime};
/// use std::sync::{Arc, OnceLock};
///
/// let handle = Arc::new(OnceLock::<CancelHandle>::new());
/// let known = handle.clone();
/// let router = Router::new().handle("give_up", move |_: &Call, (): ()| {
///     known.get().map(CancelHandle::cancel);
///     Ok(())
/// });
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// handle.set(jar.cancel_handle()).ok();
/// assert_eq!(jar.eval("host.rpcSync('give_up'); for (;;) {}"), Err(Error::Cancelled));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct CancelHandle {
    desk: Arc<Desk>,
}

impl CancelHandle {
    /// Stops the call in progress: it ends with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.desk.cancel();
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").finish_non_exhaustive()
    }
}

/// The rarer choices of an instance.
pub(crate) struct Options {
    pub(crate) seed: Option<u64>,
    pub(crate) clock: Option<Clock>,
    pub(crate) code_generation: bool,
    pub(crate) data: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) origin: Option<Snapshot>,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: None, clock: None, code_generation: true, data: None, origin: None }
    }
}

/// Makes an instance with the rarer choices.
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
    runtime: Runtime,
    options: Options,
}

impl InstanceBuilder {
    pub(crate) fn new(runtime: &Runtime) -> InstanceBuilder {
        InstanceBuilder { runtime: runtime.clone(), options: Options::default() }
    }

    /// Makes `Math.random` repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Sets the time that scripts see.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = Some(clock);
        self
    }

    /// Starts from a snapshot instead of the bare guest: a set-up that ran once serves every instance, and
    /// [`Instance::reset`] comes back to it.
    pub fn prelude(mut self, snapshot: &Snapshot) -> Self {
        self.options.origin = Some(snapshot.clone());
        self
    }

    /// Makes `eval` and the function constructors throw an EvalError.
    pub fn without_code_generation(mut self) -> Self {
        self.options.code_generation = false;
        self
    }

    /// Gives handlers something to find with [`Call::data`](crate::Call::data).
    pub fn data<T: Any + Send + Sync>(mut self, data: T) -> Self {
        self.options.data = Some(Arc::new(data));
        self
    }

    /// Makes the instance.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] when every instance is in use, [`Error::Input`] when the limits make no sense.
    pub fn start(self, router: &Router, limits: &Limits) -> Result<Instance> {
        let permit = self.runtime.permit()?;
        Instance::new(&self.runtime, permit, router, limits, self.options)
    }

    /// Makes the instance, waiting for its turn when every instance is in use.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the limits make no sense.
    pub async fn start_async(self, router: &Router, limits: &Limits) -> Result<Instance> {
        let permit = self.runtime.permit_async().await;
        Instance::new(&self.runtime, permit, router, limits, self.options)
    }
}

impl fmt::Debug for InstanceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceBuilder").finish_non_exhaustive()
    }
}
