//! A jar that runs one file of tests. It must never know which results are good.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use anyhow::{Context, Result};
use belljar::{Call, Error, Instance, Limits, Router, Runtime, Script};
use serde_json::json;

use crate::case::{Case, resolve};

const HARNESS: &str = include_str!("harness.js");

/// What a test gave.
pub(crate) struct TestResult {
    /// Its name.
    pub(crate) name: String,
    /// Whether it passed.
    pub(crate) passes: bool,
    /// Why not.
    pub(crate) message: String,
}

/// What a file gave.
pub(crate) struct Outcome {
    /// Its tests.
    pub(crate) tests: Vec<TestResult>,
    /// Why it ended early, if it did.
    pub(crate) ended: Option<String>,
}

/// Runs files of one checkout.
pub(crate) struct Engine {
    runtime: Runtime,
    folder: PathBuf,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Task::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

impl Engine {
    /// An engine for a checkout.
    pub(crate) fn new(folder: &Path) -> Result<Engine> {
        Ok(Engine { runtime: Runtime::new()?, folder: folder.into() })
    }

    fn jar(&self, case: &Case) -> Result<Instance> {
        let root = self.folder.clone();
        let folder = Path::new(&case.path).parent().unwrap_or(Path::new("")).to_owned();
        let router = Router::new().handle("read", move |_: &Call, path: String| {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            Ok(std::fs::read_to_string(root.join(resolve(&folder, path))).ok())
        });
        let limits = Limits {
            wall_time: Duration::from_secs(60),
            memory_bytes: 256 << 20,
            js_heap_bytes: 200 << 20,
            ..Limits::default()
        };
        Ok(self.runtime.build_instance().seed(1).start(&router, &limits)?)
    }

    /// Runs a file.
    pub(crate) fn run(&self, case: &Case, variant: &str) -> Result<Outcome> {
        let mut jar = self.jar(case)?;
        let address =
            format!("https://web-platform.test/{}{variant}", case.path.replace(".any.js", ".any.worker.html"));
        let location = json!({
            "href": address,
            "origin": "https://web-platform.test",
            "protocol": "https:",
            "host": "web-platform.test",
            "hostname": "web-platform.test",
            "pathname": format!("/{}", case.path),
            "search": variant,
            "hash": "",
        });
        jar.eval(format!("globalThis.__location = {location}; undefined"))?;
        jar.eval(HARNESS).context("the harness does not run")?;
        let mut ended = None;
        for script in &case.scripts {
            let source = std::fs::read_to_string(self.folder.join(script));
            let ran = source.map_err(anyhow::Error::from).and_then(|source| {
                let source = if script.ends_with("testharness.js") { String::new() } else { source };
                jar.eval(Script::new(format!("{source}\n;undefined")).named(script)).map_err(anyhow::Error::from)
            });
            if let Err(error) = ran {
                ended.get_or_insert(format!("{script}: {error}"));
            }
        }
        let source = format!("{}\n;undefined", case.source);
        let ran = block_on(jar.eval_async(Script::new(&source).named(&case.path)));
        let ran = ran.and_then(|_| block_on(jar.eval_async("await __finish()")));
        match ran {
            Ok(_) => {}
            Err(Error::NeverSettled { .. }) => drop(ended.get_or_insert("a promise was never settled".into())),
            Err(error) => drop(ended.get_or_insert(error.to_string())),
        }
        let results = jar.eval("__results()").and_then(|value| value.get::<Vec<(String, u32, String)>>());
        let tests = match results {
            Ok(results) => results
                .into_iter()
                .map(|(name, status, message)| TestResult { name, passes: status == 0, message })
                .collect(),
            Err(error) => {
                ended.get_or_insert(error.to_string());
                Vec::new()
            }
        };
        Ok(Outcome { tests, ended })
    }
}
