//! What the other modules share: one runtime, instances of it, an executor, and short ways to say what is expected.

use std::sync::{Arc, LazyLock, Mutex};

use belljar::{ConsoleLevel, Error, Instance, JsError, Json, Limits, Result, Router, Runtime};

/// One runtime serves all tests, because each would reserve the address space of a thousand instances.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    &RUNTIME
}

/// A fresh instance without handlers, under default limits.
pub(crate) fn jar() -> Instance {
    jar_with_router(&Router::new())
}

/// A fresh instance with handlers, under default limits.
pub(crate) fn jar_with_router(router: &Router) -> Instance {
    runtime().instance(router, &Limits::default()).unwrap()
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What the script threw, where nothing else is expected.
#[track_caller]
pub(crate) fn thrown(result: Result<Json>) -> JsError {
    match result {
        Err(Error::Js(error)) => error,
        other => panic!("the script should have thrown: {other:?}"),
    }
}

/// The instance still does what a fresh one does, in both modes.
#[track_caller]
pub(crate) fn assert_usable(jar: &mut Instance) {
    assert_eq!(jar.eval("1 + 2").unwrap().as_str(), "3");
    assert_eq!(block_on(jar.eval_async("await 3")).unwrap().as_str(), "3");
}

/// Lines or other events in the order in which they came.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What has come since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A router that writes console lines here.
    pub(crate) fn console(&self) -> Router {
        let log = self.clone();
        Router::new().on_console(move |level, line| match level {
            ConsoleLevel::Log => log.push(line),
            level => log.push(format!("{level:?}: {line}")),
        })
    }
}
