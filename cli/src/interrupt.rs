//! Signals that ask the process to end: the first one stops the script that runs, the second one the process.
//!
//! It owns the handle that stops a script. It must never know what the script does.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use belljar::CancelHandle;

use crate::ending::{Ending, Refusal};

#[derive(Default)]
struct State {
    running: Option<CancelHandle>,
    is_interrupted: bool,
    is_pipe_closed: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    state: Arc<Mutex<State>>,
}

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP.
    pub(crate) fn listen() -> Result<Interrupt, Refusal> {
        let interrupt = Interrupt::default();
        let heard = interrupt.clone();
        ctrlc::set_handler(move || heard.signal())
            .map_err(|error| Refusal::internal(format!("signals cannot be caught: {error}")))?;
        Ok(interrupt)
    }

    fn signal(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.running {
            Some(running) if !state.is_interrupted => running.cancel(),
            // Nothing of ours runs that could end by itself: the process waits for input, or a call does not let go.
            _ => process::exit(Ending::Cancelled.code().into()),
        }
        state.is_interrupted = true;
    }

    /// Nobody reads what the script prints any more.
    pub(crate) fn pipe_closed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_pipe_closed = true;
        if let Some(running) = &state.running {
            running.cancel();
        }
    }

    pub(crate) fn is_pipe_closed(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_pipe_closed
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_interrupted
    }

    /// Runs a script that signals may stop.
    pub(crate) fn guard<R>(&self, handle: CancelHandle, script: impl FnOnce() -> R) -> R {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).running = Some(handle);
        let result = script();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).running = None;
        result
    }
}
