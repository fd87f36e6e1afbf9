//! The two sides in Rust, as processes that take jobs like the others.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use belljar::{Call, Instance, Limits, Router, Runtime};
use rquickjs as native;
use serde_json::{Value, json};

const HANDLER: &str = "p => ({ ok: p.a, l: p.c })";

fn payload() -> Value {
    json!({ "a": 1, "b": "two", "c": [1, 2, 3] })
}

/// The jobs of a side.
trait Side {
    fn cold_start(&mut self);
    fn eval(&mut self, script: &str);
    fn dispatch(&mut self) -> Value;
    /// Makes one more instance, and keeps it.
    fn keep(&mut self);
}

struct Belljar {
    runtime: Runtime,
    router: Router,
    limits: Limits,
    warm: Instance,
    kept: Vec<Instance>,
}

impl Belljar {
    fn new() -> Belljar {
        let runtime = Runtime::new().unwrap();
        let router = Router::new().handle("same", |_: &Call, value: Value| Ok(value));
        // Armed limits that no job hits.
        let limits = Limits { fuel: Some(1 << 50), ..Limits::default() };
        let mut warm = runtime.instance(&router, &limits).unwrap();
        warm.eval(&*format!("host.on('event', {HANDLER})")).unwrap();
        Belljar { runtime, router, limits, warm, kept: Vec::new() }
    }

    fn fresh(&self) -> Instance {
        let mut jar = self.runtime.instance(&self.router, &self.limits).unwrap();
        assert_eq!(jar.eval("1+2").unwrap().as_str(), "3");
        jar
    }
}

impl Side for Belljar {
    fn cold_start(&mut self) {
        drop(self.fresh());
    }

    fn eval(&mut self, script: &str) {
        self.warm.eval(script).unwrap();
    }

    fn dispatch(&mut self) -> Value {
        self.warm.dispatch("event", &payload()).unwrap().get().unwrap()
    }

    fn keep(&mut self) {
        self.kept.push(self.fresh());
    }
}

struct Native {
    warm: native::Context,
    kept: Vec<native::Context>,
}

impl Native {
    fn new() -> Native {
        let warm = Native::fresh();
        warm.with(|ctx| {
            let same = |_method: String, text: String| {
                serde_json::to_string(&serde_json::from_str::<Value>(&text).unwrap()).unwrap()
            };
            ctx.globals().set("call", native::Function::new(ctx.clone(), same).unwrap()).unwrap();
            let _: i32 = ctx
                .eval(format!(
                    "globalThis.host = {{ rpcSync: (m, p) => JSON.parse(call(m, JSON.stringify(p))) }};
                     globalThis.handle = text => JSON.stringify(({HANDLER})(JSON.parse(text))); 0"
                ))
                .unwrap();
        });
        Native { warm, kept: Vec::new() }
    }

    fn fresh() -> native::Context {
        let context = native::Context::full(&native::Runtime::new().unwrap()).unwrap();
        let three: i32 = context.with(|ctx| ctx.eval("1+2").unwrap());
        assert_eq!(three, 3);
        context
    }
}

impl Side for Native {
    fn cold_start(&mut self) {
        drop(Native::fresh());
    }

    fn eval(&mut self, script: &str) {
        self.warm.with(|ctx| {
            let value: native::Value<'_> = ctx.eval(script).unwrap();
            std::hint::black_box(value);
        });
    }

    fn dispatch(&mut self) -> Value {
        let text: String = self.warm.with(|ctx| {
            let handle: native::Function<'_> = ctx.globals().get("handle").unwrap();
            handle.call((serde_json::to_string(&payload()).unwrap(),)).unwrap()
        });
        serde_json::from_str(&text).unwrap()
    }

    fn keep(&mut self) {
        self.kept.push(Native::fresh());
    }
}

/// The memory of this process in kilobytes; a shared page counts for its share.
fn kilobytes() -> f64 {
    let sums = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = sums.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(f64::NAN)
}

fn timed(runs: u64, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..runs).for_each(|_| run());
    micros(start.elapsed())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn work_off(side: &mut dyn Side, job: &Value) -> f64 {
    let (runs, script) = (job["runs"].as_u64().unwrap(), job["script"].as_str().unwrap());
    match job["job"].as_str().unwrap() {
        "cold_start" => timed(runs, || side.cold_start()),
        "eval" => timed(runs, || side.eval(script)),
        // Belljar's default limit is 10,000 calls in one script.
        "rpc" => (0..runs)
            .step_by(5000)
            .map(|done| format!("for (let i = 0; i < {}; i++) {script}", (runs - done).min(5000)))
            .map(|script| timed(1, || side.eval(&script)))
            .sum(),
        "dispatch" => timed(runs, || assert_eq!(side.dispatch()["ok"], 1)),
        "memory" => {
            side.keep();
            let before = kilobytes();
            (0..runs).for_each(|_| side.keep());
            kilobytes() - before
        }
        other => panic!("{other} is no job"),
    }
}

/// Runs the process of a side. With `once`, it evaluates one script, prints its value and ends.
pub(crate) fn work(name: &str, once: bool) {
    if once {
        println!("{}", Native::fresh().with(|ctx| ctx.eval::<i32, _>("1+2").unwrap()));
        return;
    }
    let (mut side, version): (Box<dyn Side>, _) = if name == "belljar" {
        (Box::new(Belljar::new()), concat!("belljar ", env!("CARGO_PKG_VERSION"), ", every limit armed"))
    } else {
        (Box::new(Native::new()), "native: rquickjs 0.14, no limits, no sandbox")
    };
    println!("{}", json!({ "version": version }));
    for line in std::io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line.unwrap()).unwrap();
        println!("{}", json!({ "figure": work_off(&mut *side, &job) }));
        std::io::stdout().flush().unwrap();
    }
}
