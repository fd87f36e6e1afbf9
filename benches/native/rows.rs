//! The rows: the work of each side.
//!
//! Native QuickJS runs with rquickjs's defaults, which set no limit. Belljar runs with [`Limits::default`] and a fuel
//! limit, so that every limit except that on opcodes is armed.

mod calls;
mod compute;
mod language;
mod life;
mod neighbour;
pub(crate) mod outside;
mod prepared;
mod typescript;
mod values;

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use belljar::{Call, Limits, Router, Runtime};
use rquickjs as native;
use serde_json::Value;

use crate::Bench;

/// Armed limits that no row hits.
fn limits() -> Limits {
    Limits { fuel: Some(1 << 50), ..Limits::default() }
}

fn router() -> Router {
    Router::new()
        .handle("same", |_: &Call, value: Value| Ok(value))
        .handle_async("same_later", |_: Call, value: Value| async move { Ok(value) })
}

/// A native context and its runtime.
fn context() -> native::Context {
    native::Context::full(&native::Runtime::new().unwrap()).unwrap()
}

/// The handler of the native side: parses the JSON, and writes it again.
fn same(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    serde_json::to_string(&value).unwrap()
}

fn run_native(context: &native::Context, script: &str) {
    context.with(|ctx| {
        let value: native::Value<'_> = ctx.eval(script).unwrap();
        black_box(value);
    });
}

/// Source text of at least this many bytes, made of functions of which one is called, like a typical script or
/// library.
fn functions(bytes: usize) -> String {
    let mut script = String::new();
    for number in 0.. {
        if script.len() >= bytes {
            break;
        }
        let _ = write!(
            script,
            "function f{number}(a, b) {{\n  const o = {{ x: a, y: b, name: 'number {number}' }};\n  \
             for (let i = 0; i < 10; i++) {{ if (o.x > i) o.y += i * {number}; else o.x++; }}\n  \
             return [o.x, o.y].map(n => n + {number}).join(',') + o.name;\n}}\n"
        );
    }
    script + "f0(1, 2)"
}

pub(crate) fn measure(bench: &mut Bench) {
    let runtime = Runtime::new().unwrap();
    let jar = || runtime.instance(&router(), &limits()).unwrap();
    type Group<'a> = (&'a str, &'a dyn Fn(&mut Bench));
    let groups: [Group<'_>; 17] = [
        ("memory", &outside::memory),
        ("cold_start", &|bench| life::cold_start(bench, &runtime)),
        ("two_threads", &|bench| life::two_threads(bench, &runtime)),
        ("eval", &|bench| calls::eval(bench, &runtime)),
        ("rpc_sync", &|bench| calls::rpc_sync(bench, jar())),
        ("rpc_async", &|bench| calls::rpc_async(bench, jar())),
        ("parallel_async", &|bench| calls::parallel_async(bench, jar())),
        ("dispatch", &|bench| calls::dispatch(bench, jar())),
        ("values", &|bench| values::values(bench, jar())),
        ("cpu", &|bench| compute::cpu(bench, jar())),
        ("program", &|bench| prepared::program(bench, &runtime)),
        ("snapshot", &|bench| prepared::snapshot(bench, &runtime)),
        ("modules", &|bench| language::modules(bench, &runtime)),
        ("web", &|bench| language::web(bench, &runtime)),
        ("typescript", &typescript::strip),
        ("process", &outside::process),
        ("neighbour", &neighbour::measure),
    ];
    for (name, group) in groups {
        if bench.wants(name) {
            group(bench);
        }
    }
}

/// The time of each part of an instance's life.
#[derive(Default)]
struct Life {
    create: Duration,
    eval: Duration,
    drop: Duration,
}

impl Life {
    fn live<T>(&mut self, create: impl FnOnce() -> T, eval: impl FnOnce(&mut T)) {
        let start = Instant::now();
        let mut it = create();
        let created = Instant::now();
        eval(&mut it);
        let evaluated = Instant::now();
        drop(it);
        self.drop += evaluated.elapsed();
        self.create += created - start;
        self.eval += evaluated - created;
    }
}
