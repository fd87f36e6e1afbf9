//! Pausing and resuming: a call stops at an `await` because a handler has no answer yet, and a snapshot keeps its
//! instance meanwhile.
//!
//! It connects the course of a call with the snapshot. It must never know the format of one.

use std::collections::HashSet;
use std::future::Future;

use belljar_abi::Op;
use serde::Serialize;

use super::course::Ended;
use super::{Instance, Phase};
use crate::calls::{Mode, weigh};
use crate::clock::Clock;
use crate::conversions::Shown;
use crate::driver::Spent;
use crate::error::{Error, Result};
use crate::nesting;
use crate::pending::{Answer, CallId, PendingCall};
use crate::program::Program;
use crate::script::Script;
use crate::snapshot::{About, Paused, Snapshot, Turn};
use crate::turn::Message;
use crate::vm::fibre::Vm;

impl Instance {
    /// Takes a snapshot of the instance: between calls, or while it is paused at an `await`. The instance stays
    /// usable.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] when the instance is poisoned.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        if self.phase != Phase::Paused {
            self.admit()?;
        }
        if self.vm.as_ref().is_some_and(Vm::has_run) && !self.clear_free_memory() {
            self.poison();
            return Err(Error::guest("it did not clear its memory for a snapshot"));
        }
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let clock = self.desk.clock();
        // Under a clock of the embedder, the snapshot holds no time measured on this machine.
        let (age, spent) =
            if clock == Clock::System { (self.desk.age(), self.spent) } else { (0, self.spent.in_nominal_time()) };
        let about = About {
            label: String::new(),
            configured: self.configured.to_vec(),
            pending: self.paused.clone(),
            next_call: self.ids.calls(),
            spent: (self.phase == Phase::Paused).then_some(spent),
            age,
            clock,
            seed: self.desk.seed_of_embedder(),
        };
        Ok(Snapshot::new(*self.runtime.identity(), vm.freeze(self.runtime.image().memory()), about))
    }

    /// As [`Instance::eval_async`], but a handler may pause the call with [`Reply::pause`](crate::Reply::pause). The
    /// script continues as far as it can without that answer; then this returns what is needed to resume it later.
    ///
    /// ```
    /// # use belljar::{Answer, Call, Value, Limits, Reply, Router, Runtime, Turn};
    /// # let runtime = Runtime::new()?;
    /// # let limits = Limits::default();
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new().handle("approve", |_: &Call, _amount: u32| Reply::pause());
    /// let mut jar = runtime.instance(&router, &limits)?;
    /// let Turn::Paused(paused) = jar.step_eval_async("await host.rpc('approve', 100) ? 'paid' : 'refused'").await? else {
    ///     panic!("nobody has answered yet");
    /// };
    /// let bytes = paused.snapshot().to_bytes();
    /// // Later, in another process of the same build:
    /// let snapshot = belljar::Snapshot::from_bytes(&bytes)?;
    /// let mut jar = runtime.restore(&snapshot, &router, &limits)?;
    /// let answer = (jar.pending()[0].id, Answer::Result(Value::of(&true)?));
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
    pub fn step_eval_async<'s>(&mut self, script: impl Into<Script<'s>>) -> impl Future<Output = Result<Turn>> + Send {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script);
        async move {
            let ended = self.step(message?).await;
            self.turn(ended, |jar, ended| jar.value_of(&script, ended))
        }
    }

    /// As [`Instance::inspect_async`], with pauses as in [`Instance::step_eval_async`].
    /// [`Instance::resume_inspect_async`] resumes it.
    ///
    /// ```
    /// # use belljar::{Answer, Call, Limits, Reply, Router, Runtime, Turn};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    /// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
    /// let script = "new Map([[1, await host.rpc('ask')]])";
    /// let Turn::Paused(paused) = jar.step_inspect_async(script).await? else { panic!("it waits") };
    /// let answer = (paused.pending()[0].id, Answer::result("one")?);
    /// let Turn::Done(shown) = jar.resume_inspect_async([answer]).await? else { panic!("it is answered") };
    /// assert_eq!(shown.as_str(), r#"Map { 1 => "one" }"#);
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Instance::eval`].
    pub fn step_inspect_async<'s>(
        &mut self,
        script: impl Into<Script<'s>>,
    ) -> impl Future<Output = Result<Turn<Shown>>> + Send {
        let script = script.into();
        let message = self.open_script(Op::Eval, &script);
        async move {
            let message = message?.flagged(self.inspection);
            let ended = self.step(message).await;
            self.turn(ended, |jar, ended| jar.shown_of(&script, ended))
        }
    }

    /// Runs a fresh call that a handler may pause.
    async fn step(&mut self, message: Message) -> Result<Ended> {
        self.begin()?;
        self.drive(Mode::Async, Some(message), Vec::new()).await
    }

    /// As [`Instance::dispatch_async`], with pauses as in [`Instance::step_eval_async`].
    ///
    /// # Errors
    ///
    /// As [`Instance::dispatch`].
    pub fn step_dispatch_async(
        &mut self,
        event: &str,
        params: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<Turn>> + Send {
        let message = self.open_event(event, params);
        async move {
            let ended = self.step(message?).await;
            self.turn(ended, |jar, ended| jar.dispatched(event, ended))
        }
    }

    /// As [`Instance::run_async`], with pauses as in [`Instance::step_eval_async`].
    ///
    /// # Errors
    ///
    /// As [`Instance::run`].
    pub fn step_run_async(&mut self, program: &Program) -> impl Future<Output = Result<Turn>> + Send {
        let message = self.open_program(program);
        async move {
            let ended = self.step(message?).await;
            self.turn(ended, |jar, ended| jar.value(ended))
        }
    }

    /// The calls that a paused script waits for; empty when it is not paused.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        &self.paused
    }

    /// Resumes a paused script. Each answer names a pending call by its id; calls without an answer stay paused. The
    /// script continues with what was left of its budget; [`Instance::renew_budget`] gives it a new one.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when nothing is paused or an id names no pending call; otherwise as [`Instance::eval`].
    pub fn resume_async(
        &mut self,
        answers: impl IntoIterator<Item = (CallId, Answer)> + Send,
    ) -> impl Future<Output = Result<Turn>> + Send {
        let ended = self.resume(answers.into_iter().collect());
        async move {
            let (jar, ended) = ended.await;
            jar.turn(ended, |jar, ended| jar.value(ended))
        }
    }

    /// As [`Instance::resume_async`], for a script that [`Instance::step_inspect_async`] started.
    ///
    /// # Errors
    ///
    /// As [`Instance::resume_async`].
    pub fn resume_inspect_async(
        &mut self,
        answers: impl IntoIterator<Item = (CallId, Answer)> + Send,
    ) -> impl Future<Output = Result<Turn<Shown>>> + Send {
        let ended = self.resume(answers.into_iter().collect());
        async move {
            let (jar, ended) = ended.await;
            jar.turn(ended, |jar, ended| jar.shown(ended))
        }
    }

    fn resume(
        &mut self,
        answers: Vec<(CallId, Answer)>,
    ) -> impl Future<Output = (&mut Instance, Result<Ended>)> + Send {
        self.open();
        async move {
            let ended = match self.begin_again(&answers) {
                Ok(()) => self.drive(Mode::Async, None, answers).await,
                Err(error) => Err(error),
            };
            (self, ended)
        }
    }

    /// Prepares the instance to resume a paused script.
    fn begin_again(&mut self, answers: &[(CallId, Answer)]) -> Result<()> {
        nesting::check()?;
        if self.phase != Phase::Paused {
            return Err(Error::input("no script is paused in this instance"));
        }
        let pending: HashSet<CallId> = self.paused.iter().map(|call| call.id).collect();
        if let Some((id, _)) = answers.iter().find(|(id, _)| !pending.contains(id)) {
            return Err(Error::input(format!("no pending call has the id {id}")));
        }
        self.configure()?;
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin_again(self.desk.now(), self.spent, weigh(&self.paused));
            driver.next_slice(0)
        };
        vm.refuel(slice);
        Ok(())
    }

    /// Gives a paused script the budget of a fresh call.
    pub fn renew_budget(&mut self) {
        self.spent = Spent::default();
    }

    fn turn<T>(
        &mut self,
        ended: Result<Ended>,
        value: impl FnOnce(&mut Instance, Result<Ended>) -> Result<T>,
    ) -> Result<Turn<T>> {
        match ended {
            Ok(Ended::Paused) => Ok(Turn::Paused(Paused { snapshot: self.snapshot()? })),
            ended => value(self, ended).map(Turn::Done),
        }
    }
}
