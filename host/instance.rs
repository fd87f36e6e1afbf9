//! One sealed jar: it takes a script, an event or a program, drives the guest until there is a result, and says how it ended.
//!
//! It joins the driver, the virtual machine and the handlers. It must never know wasmtime.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use belljar_abi::{Op, Status as Wire, configure, flag, vitals};
use futures_timer::Delay;
use serde::Serialize;

use crate::calls::{Calls, Mode};
use crate::clock::Clock;
use crate::driver::{Driver, Outcome, Slice, Stop};
use crate::error::{Error, JsError, Native, Result};
use crate::limits::{LimitKind, Limits};
use crate::program::Program;
use crate::router::Router;
use crate::runtime::{Permit, Runtime};
use crate::stats::Stats;
use crate::value::{Json, Script};
use crate::vm::fibre::{Crash, Vm};
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
    /// Whether the guest still runs with the image's own limits.
    is_configured: bool,
    desk: Arc<Desk>,
    router: Router,
    limits: Limits,
    code_generation: bool,
    data: Option<Arc<dyn Any + Send + Sync>>,
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
        let desk = Arc::new(Desk::new(Driver::new(limits.clone()), options.clock, options.seed));
        let vm = Vm::new(runtime.image(), desk.clone(), limits)?;
        Ok(Instance {
            vm: Some(vm),
            phase: Phase::Idle,
            is_configured: false,
            desk,
            router: router.clone(),
            limits: limits.clone(),
            code_generation: options.code_generation,
            data: options.data,
            runtime: runtime.clone(),
            _not_sync: PhantomData,
            _permit: permit,
        })
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
        }
    }

    fn failure(&self, report: &[u8]) -> Error {
        match serde_json::from_str::<JsError>(&String::from_utf8_lossy(report)) {
            Ok(JsError { native: Some(Native::Memory), .. }) => {
                let is_ceiling = self.vm.as_ref().is_some_and(Vm::was_memory_refused);
                if is_ceiling { LimitKind::Memory } else { LimitKind::JsHeap }.error(&self.limits)
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
        if self.phase != Phase::Idle {
            self.close(Leftovers::None);
        }
        // The old slot goes back to the pool before the new one is taken.
        self.vm = None;
        self.vm = Some(Vm::new(self.runtime.image(), self.desk.clone(), &self.limits)?);
        self.phase = Phase::Idle;
        self.is_configured = false;
        Ok(())
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
            Phase::Idle => {}
        }
        if self.vm.is_none() {
            return Err(Error::Poisoned);
        }
        if !self.is_configured {
            self.configure()?;
            self.is_configured = true;
        }
        Ok(())
    }

    fn configure(&mut self) -> Result<()> {
        let mut words = [0_u32; configure::WORDS];
        words[configure::HEAP_BYTES] = u32::try_from(self.limits.js_heap_bytes).unwrap_or(u32::MAX);
        words[configure::STACK_BYTES] = u32::try_from(self.limits.stack_bytes).unwrap_or(u32::MAX);
        words[configure::SWITCHES] = if self.code_generation { 0 } else { configure::NO_CODE_GENERATION };
        let image = [configure::IMAGE_HEAP_BYTES, configure::IMAGE_STACK_BYTES, 0];
        if words == image || self.housekeep(Op::Configure, &words.map(u32::to_le_bytes).concat()) {
            return Ok(());
        }
        self.poison();
        Err(Error::input("the guest cannot work with so little: raise `js_heap_bytes` or `stack_bytes`"))
    }

    fn poison(&mut self) {
        self.vm = None;
        self.phase = Phase::Idle;
    }

    /// Does something of our own in the guest, which runs no script.
    fn housekeep(&mut self, op: Op, payload: &[u8]) -> bool {
        let Some(vm) = &mut self.vm else { return false };
        vm.refuel(&Limits { fuel: Some(HOUSEKEEPING_FUEL), ..Limits::default() });
        self.desk.driver().announce(payload.to_vec());
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut operation = pin!(vm.start(op, 0, 0, length));
        let status = loop {
            // It is pending at the end of every slice; its fuel bounds how often that can be.
            if let Poll::Ready(ended) = operation.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break ended;
            }
        };
        status == Ok(Wire::Done as u32)
    }

    /// Ends the call in progress, and makes sure that nothing of it can run later.
    fn close(&mut self, leftovers: Leftovers) {
        let now = self.desk.now();
        if let Some(vm) = &self.vm {
            let mut driver = self.desk.driver();
            let stats = driver.call_stats();
            stats.fuel = vm.fuel_used();
            stats.heap_bytes = vm.vital(vitals::HEAP_BYTES);
            stats.heap_peak_bytes = vm.vital(vitals::HEAP_PEAK_BYTES);
            stats.memory_bytes = vm.memory_bytes();
        }
        self.desk.driver().end(now);
        self.phase = Phase::Idle;
        if leftovers == Leftovers::Some && !self.housekeep(Op::Abandon, &[]) {
            self.poison();
        }
    }

    async fn execute(&mut self, mode: Mode, op: Op, message: Message) -> Result<Ended> {
        self.admit()?;
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let desk = self.desk.clone();
        desk.forget_cancel();
        {
            let mut driver = desk.driver();
            driver.begin(desk.now());
        }
        vm.refuel(&self.limits);
        let deadline = Instant::now().checked_add(self.limits.wall_time);
        let mut flags = if mode == Mode::Async { flag::ASYNC } else { 0 };
        if self.router.has_console() {
            flags |= flag::CONSOLE;
        }

        let (ended, leftovers) = {
            let mut calls = Calls::new(&desk, &self.router, &self.data, mode, deadline);
            let mut timer = None;
            let mut next = (op, message);
            loop {
                self.phase = Phase::Running;
                let turn = turn(vm, &desk, &mut calls, flags, next, &mut timer).await;
                self.phase = Phase::Waiting;
                desk.driver().burn(vm.fuel_used());
                calls.deliver();
                let stop = desk.driver().stopped().cloned();
                let status = match turn {
                    Ok(status) => Wire::from_wire(status),
                    Err(end) => {
                        let error =
                            stop.map_or_else(|| end.into_error(&self.limits), |stop| stop.into_error(&self.limits));
                        break (Err(error), Leftovers::Poison);
                    }
                };
                if let Some(stop) = stop {
                    break (Err(stop.into_error(&self.limits)), Leftovers::Some);
                }
                let outcome = desk.driver().take_outcome();
                match (status, outcome) {
                    (Some(Wire::Done | Wire::Threw | Wire::NotSerializable), Some(outcome)) => {
                        // Calls that nobody awaited have been started; each gets one chance to finish.
                        calls.poll(&mut Context::from_waker(Waker::noop()));
                        let leftovers = if calls.has_unanswered() { Leftovers::Some } else { Leftovers::None };
                        break (Ok(Ended::Outcome(outcome)), leftovers);
                    }
                    (Some(Wire::NoSuchEvent), None) => break (Ok(Ended::NoSuchEvent), Leftovers::None),
                    (Some(Wire::Refused), None) => break (Err(LimitKind::Memory.error(&self.limits)), Leftovers::Some),
                    (Some(Wire::Pending), None) => match wait(&desk, &mut calls, &mut timer).await {
                        Ok(()) => next = (Op::Answer, Message::of(&[&calls.take_answers()], 0)),
                        Err(Some(stop)) => break (Err(stop.into_error(&self.limits)), Leftovers::Some),
                        Err(None) => break (Err(Error::NeverSettled { pending: calls.unanswered() }), Leftovers::Some),
                    },
                    _ => {
                        break (
                            Err(Error::guest("it returned a status that its messages contradict")),
                            Leftovers::Poison,
                        );
                    }
                }
            }
        };
        match leftovers {
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

/// Fuel for work of our own: a few tens of milliseconds.
const HOUSEKEEPING_FUEL: u64 = 200_000_000;

/// What a call leaves in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftovers {
    None,
    /// Jobs or promises that must be dropped.
    Some,
    /// A guest that was stopped in the middle.
    Poison,
}

/// How a call ended, when it was not stopped.
enum Ended {
    Outcome(Outcome),
    NoSuchEvent,
}

/// What the guest is given for an operation.
struct Message {
    bytes: Vec<u8>,
    split: usize,
}

impl Message {
    fn of(parts: &[&[u8]], split: usize) -> Message {
        Message { bytes: parts.concat(), split }
    }
}

/// Why a turn has no status.
#[derive(Debug)]
enum TurnEnd {
    Crash(Crash),
    Killed,
}

impl TurnEnd {
    fn into_error(self, limits: &Limits) -> Error {
        match self {
            TurnEnd::Crash(Crash::Limit(kind)) => kind.error(limits),
            TurnEnd::Crash(Crash::Trap(trap)) => Error::guest(format!("it trapped: {trap}")),
            TurnEnd::Killed => Error::Cancelled,
        }
    }
}

/// Runs one operation of the guest to its end, slice by slice, with the synchronous calls that it makes.
async fn turn(
    vm: &mut Vm,
    desk: &Desk,
    calls: &mut Calls<'_>,
    flags: u32,
    (op, message): (Op, Message),
    timer: &mut Option<Delay>,
) -> Result<u32, TurnEnd> {
    let (Ok(split), Ok(length)) = (u32::try_from(message.split), u32::try_from(message.bytes.len())) else {
        return Ok(Wire::Refused as u32);
    };
    desk.driver().announce(message.bytes);
    let mut operation = pin!(vm.start(op, flags, split, length));
    let mut in_sync_call = false;
    poll_fn(|context| {
        loop {
            if in_sync_call {
                desk.waker.register(context.waker());
                if desk.driver().check(desk.now(), desk.is_cancelled()) {
                    calls.give_up_sync();
                } else if !calls.work_on_sync(context) {
                    if wall_is_over(desk, timer, context) {
                        continue;
                    }
                    return Poll::Pending;
                }
                // A handler that took too long ends the call here, and not when the guest happens to poll.
                desk.driver().check(desk.now(), desk.is_cancelled());
                in_sync_call = false;
            }
            desk.driver().resume(desk.now());
            let polled = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let now = desk.now();
            desk.driver().pause(now);
            if let Poll::Ready(ended) = polled {
                return Poll::Ready(ended.map_err(TurnEnd::Crash));
            }
            if desk.driver().is_in_sync_call() {
                calls.deliver();
                in_sync_call = true;
                continue;
            }
            let slice = desk.driver().slice(now, desk.is_cancelled());
            match slice {
                Slice::GoOn => {}
                Slice::Kill => return Poll::Ready(Err(TurnEnd::Killed)),
                Slice::Yield if calls.mode() == Mode::Sync => {}
                Slice::Yield => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}

/// Waits until there is an answer for the guest. An error is a reason to stop, or none when there is nothing to wait for.
async fn wait(desk: &Desk, calls: &mut Calls<'_>, timer: &mut Option<Delay>) -> Result<(), Option<Stop>> {
    poll_fn(|context| {
        loop {
            desk.waker.register(context.waker());
            {
                let mut driver = desk.driver();
                if driver.check(desk.now(), desk.is_cancelled()) {
                    return Poll::Ready(Err(driver.stopped().cloned()));
                }
            }
            if calls.poll(context) {
                return Poll::Ready(Ok(()));
            }
            if !calls.is_working() {
                return Poll::Ready(Err(None));
            }
            if !wall_is_over(desk, timer, context) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Sees to it that the task is woken when the wall-clock limit is reached; true when it has been.
fn wall_is_over(desk: &Desk, timer: &mut Option<Delay>, context: &mut Context<'_>) -> bool {
    let left = desk.driver().wall_left(desk.now());
    if left == Duration::ZERO {
        return true;
    }
    let delay = timer.get_or_insert_with(|| Delay::new(left));
    // The timer rounds; one that fires early is set again.
    while Pin::new(&mut *delay).poll(context).is_ready() {
        let left = desk.driver().wall_left(desk.now());
        if left == Duration::ZERO {
            return true;
        }
        delay.reset(left);
    }
    false
}

/// The output of a future that never waits.
fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Err(Error::host("a synchronous call tried to wait")),
    }
}

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
    pub(crate) clock: Clock,
    pub(crate) code_generation: bool,
    pub(crate) data: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: None, clock: Clock::System, code_generation: true, data: None }
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
        self.options.clock = clock;
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
