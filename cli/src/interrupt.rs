//! Signals that ask the process to end. The first one stops the script that runs, the second one ends the process.
//!
//! It owns the handle that stops a script. It must never know what the script does.

use std::io;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use belljar::CancelHandle;

use crate::ending::{Ending, Refusal};
use crate::system::{self, Request};

/// What puts the terminal back as it was.
type Farewell = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    running: Option<CancelHandle>,
    is_interrupted: bool,
    is_told_to_end: bool,
    is_pipe_closed: bool,
    lost_output: Option<String>,
    farewell: Option<Farewell>,
}

#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    state: Arc<Mutex<State>>,
}

impl Interrupt {
    /// Takes over Ctrl-C, and on Unix the signals SIGTERM and SIGHUP.
    pub(crate) fn listen() -> Result<Interrupt, Refusal> {
        let interrupt = Interrupt::default();
        let heard = interrupt.clone();
        let requests =
            system::requests().map_err(|error| Refusal::internal(format!("signals cannot be caught: {error}")))?;
        let listen = move || requests(&|request| heard.hear(request));
        thread::Builder::new().spawn(listen).map_err(|error| Refusal::no_thread(&error))?;
        Ok(interrupt)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, request: Request) {
        let mut state = self.lock();
        match &state.running {
            Some(running) if !state.is_interrupted => running.cancel(),
            // No script runs that could be cancelled, or the one that runs has not ended on the first signal.
            _ => {
                if let Some(farewell) = &state.farewell {
                    farewell();
                }
                process::exit(Ending::Cancelled.code().into())
            }
        }
        state.is_interrupted = true;
        state.is_told_to_end |= request == Request::End;
    }

    /// What to do before a signal ends the process.
    pub(crate) fn before_the_end(&self, farewell: impl Fn() + Send + 'static) {
        self.lock().farewell = Some(Box::new(farewell));
    }

    /// Does work that a signal must not cut off. A signal that arrives meanwhile takes effect afterwards, so the work
    /// must not block for long.
    pub(crate) fn finish<R>(&self, work: impl FnOnce() -> R) -> R {
        let _state = self.lock();
        work()
    }

    /// The output of the script cannot be written any more, so the script is stopped. A reader that went away is no
    /// failure.
    pub(crate) fn output_lost(&self, error: &io::Error) {
        let mut state = self.lock();
        match error.kind() {
            io::ErrorKind::BrokenPipe => state.is_pipe_closed = true,
            _ => state.lost_output = Some(error.to_string()),
        }
        if let Some(running) = &state.running {
            running.cancel();
        }
    }

    /// # Errors
    ///
    /// When output of the script could not be written, unless its reader went away.
    pub(crate) fn check_output(&self) -> Result<(), Refusal> {
        match &self.lock().lost_output {
            Some(error) => Err(Refusal::internal(format!("what the script prints cannot be written: {error}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn is_pipe_closed(&self) -> bool {
        self.lock().is_pipe_closed
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.lock().is_interrupted
    }

    /// Whether the signal that stopped a script meant the process and not only the script.
    pub(crate) fn is_told_to_end(&self) -> bool {
        self.lock().is_told_to_end
    }

    /// Forgets the signal that stopped a script, so that the next one can be stopped too.
    pub(crate) fn forget(&self) {
        self.lock().is_interrupted = false;
    }

    /// Runs a script that signals may stop.
    pub(crate) fn guard<R>(&self, handle: CancelHandle, script: impl FnOnce() -> R) -> R {
        self.lock().running = Some(handle);
        let result = script();
        self.lock().running = None;
        result
    }
}
