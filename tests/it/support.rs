//! Helpers for all modules: one runtime for all tests, and common checks.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use belljar::{ConsoleLevel, Error, Instance, JsError, LimitKind, Limits, Router, Runtime, Status, Value};

/// One runtime for all tests, which run concurrently.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// An instance without handlers, under default limits.
pub(crate) fn jar() -> Instance {
    jar_with(&Limits::default())
}

/// An instance without handlers.
pub(crate) fn jar_with(limits: &Limits) -> Instance {
    jar_of(&Router::new(), limits)
}

/// An instance with handlers, under default limits.
pub(crate) fn jar_with_router(router: &Router) -> Instance {
    jar_of(router, &Limits::default())
}

/// An instance without draining: its calls end as soon as their value is known.
pub(crate) fn undrained(router: &Router, limits: &Limits) -> Instance {
    runtime().build_instance().without_draining().start(router, limits).unwrap()
}

/// An instance.
pub(crate) fn jar_of(router: &Router, limits: &Limits) -> Instance {
    runtime().instance(router, limits).unwrap()
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Polls a future once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future until it is done or waits. A busy script yields and wakes its task at once; then it is polled
/// again.
pub(crate) fn poll_until_waiting<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = woken.clone().into();
    for _ in 0..1_000_000 {
        let polled = pin!(&mut *future).poll(&mut Context::from_waker(&waker));
        if polled.is_ready() || !woken.0.swap(false, Ordering::SeqCst) {
            return polled;
        }
    }
    panic!("the future goes on waking itself")
}

/// The limit that a call hit, and its value.
#[track_caller]
pub(crate) fn limit_of<T: Debug>(result: belljar::Result<T>) -> (LimitKind, u64) {
    match result {
        Err(error @ Error::Limit { kind, limit, .. }) => {
            assert_eq!(error.code(), kind.code());
            assert_eq!(error.blame(), belljar::Blame::Limits);
            (kind, limit)
        }
        other => panic!("no limit was hit: {other:?}"),
    }
}

/// Checks that the instance takes calls, with correct results in both modes.
#[track_caller]
pub(crate) fn assert_usable(jar: &mut Instance) {
    assert_eq!(jar.status(), Status::Ready);
    assert_eq!(jar.eval("1 + 2").unwrap().get::<i64>().unwrap(), 3);
    assert_eq!(block_on(jar.eval_async("await 3")).unwrap().as_str(), "3");
}

/// Checks that the instance refuses every kind of call until it is reset, and then works.
#[track_caller]
pub(crate) fn assert_poisoned_until_reset(jar: &mut Instance) {
    assert_eq!(jar.status(), Status::Poisoned);
    assert_eq!(jar.eval("1 + 2"), Err(Error::Poisoned));
    assert_eq!(jar.dispatch("event", &()), Err(Error::Poisoned));
    assert_eq!(block_on(jar.eval_async("1 + 2")), Err(Error::Poisoned));
    assert_eq!(jar.status(), Status::Poisoned);
    jar.reset().unwrap();
    assert_usable(jar);
}

/// Checks that the instance is usable, after a reset if it was poisoned.
#[track_caller]
pub(crate) fn assert_usable_after_reset(jar: &mut Instance) {
    match jar.status() {
        Status::Poisoned => assert_poisoned_until_reset(jar),
        _ => assert_usable(jar),
    }
    jar.reset().unwrap();
    assert_usable(jar);
}

/// Counts live values: a handler's future holds one, so that a test sees when it is dropped.
#[derive(Debug)]
pub(crate) struct Alive(&'static AtomicUsize);

impl Alive {
    /// A counter that lives as long as the process; a test makes a few.
    pub(crate) fn counter() -> &'static AtomicUsize {
        Box::leak(Box::default())
    }

    pub(crate) fn new(counter: &'static AtomicUsize) -> Alive {
        counter.fetch_add(1, Ordering::SeqCst);
        Alive(counter)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The resident memory of the process, if the system reports it and no sanitizer distorts it.
pub(crate) fn resident_bytes() -> Option<u64> {
    memory_status("VmRSS:")
}

/// The same without the pages of files. The kernel counts a page of an image once for each instance that has it mapped.
pub(crate) fn own_bytes() -> Option<u64> {
    memory_status("RssAnon:")
}

/// The peak resident memory of the process since [`forget_peak`].
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    memory_status("VmHWM:")
}

/// Resets [`peak_resident_bytes`]. If the system cannot do that, the peak stays, and a test that compares it with a
/// bound is stricter.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn memory_status(name: &str) -> Option<u64> {
    // Under a sanitizer, most memory of a process is the sanitizer's.
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// This program, to be started again. Where it runs in an emulator, `BELLJAR_RUNNER` is the command of that.
pub(crate) fn itself() -> std::process::Command {
    let program = std::env::current_exe().unwrap();
    let runner = std::env::var("BELLJAR_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else { return std::process::Command::new(program) };
    let mut command = std::process::Command::new(emulator);
    command.args(words).arg(program);
    command
}

/// The variable that is set in a process that runs a single test.
const ALONE: &str = "BELLJAR_TEST_ALONE";

/// Whether this process runs only this test. If not, the test is run in a separate process, and must pass there.
/// Memory figures are meaningful only without other tests in the process, and some tests would disturb others.
#[track_caller]
pub(crate) fn is_alone(test: &str) -> bool {
    is_alone_in(itself(), test)
}

/// As [`is_alone`], in a process under a shell's restriction, such as `ulimit -n 64`.
#[track_caller]
#[cfg(unix)]
pub(crate) fn is_alone_under(limit: &str, test: &str) -> bool {
    let mut shell = std::process::Command::new("sh");
    let itself = itself();
    shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]).arg(itself.get_program()).args(itself.get_args());
    is_alone_in(shell, test)
}

#[track_caller]
fn is_alone_in(mut command: std::process::Command, test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let alone = command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let output = String::from_utf8_lossy(&alone.stdout);
    let passed = alone.status.success() && output.contains("1 passed");
    assert!(passed, "{}\n{output}{}", alone.status, String::from_utf8_lossy(&alone.stderr));
    // Shown with `--nocapture`: some tests print figures.
    print!("{output}");
    false
}

/// The error that the script threw; any other result fails the test.
#[track_caller]
pub(crate) fn thrown(result: belljar::Result<Value>) -> JsError {
    match result {
        Err(Error::Js(error)) => error,
        other => panic!("the script should have thrown: {other:?}"),
    }
}

/// A log of lines or other events, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// Takes the entries since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A router that writes console lines here.
    pub(crate) fn console(&self) -> Router {
        let log = self.clone();
        Router::new().on_console(move |_, level, line| match level {
            ConsoleLevel::Log => log.push(line),
            level => log.push(format!("{level:?}: {line}")),
        })
    }
}
