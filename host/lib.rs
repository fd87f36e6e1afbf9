//! Run untrusted JavaScript inside a Rust program. Each script runs in a sealed instance under enforced limits, and
//! reaches the host only through handlers that you register.
//!
//! ```
//! use belljar::{Call, Limits, Router, Runtime};
//! use std::time::Duration;
//!
//! let runtime = Runtime::new()?;
//! let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| a + b);
//! let limits = Limits { cpu_time: Duration::from_millis(50), ..Limits::default() };
//! let mut jar = runtime.instance(&router, &limits)?;
//!
//! let sum: i64 = jar.eval("[1, 2, 3].reduce((a, b) => host.rpcSync('add', [a, b]))")?.get()?;
//! assert_eq!(sum, 6);
//! assert_eq!(jar.eval("for (;;) {}").unwrap_err().code(), "cpu_limit_exceeded");
//! # Ok::<(), belljar::Error>(())
//! ```
//!
//! The engine is QuickJS, compiled to WebAssembly. When this crate is built, wasmtime compiles that WebAssembly to
//! native code. A script cannot reach a file, a socket, the environment or another instance: the guest that contains
//! it imports six functions, and none of them gives access to these.
//!
//! # Core concepts
//!
//! - A [`Runtime`] holds the engine, the guest image and a pool of instances. One is enough for a process; its clones
//!   share it.
//! - A [`Router`] names the handlers that scripts can call. Parameters and results are any types that serde supports.
//!   When a handler fails, the script sees the code and the message of its [`RpcError`], and nothing else of the
//!   failure. [`Call`] tells a handler which method was called, whether the reply is still wanted, how much time is
//!   left, and the data that [`InstanceBuilder::data`] gave the instance.
//! - [`Limits`] say how much one instance may use. All defaults are finite except those of `fuel` and `opcodes`,
//!   which are off; the time limits stop a script that reaches no other limit.
//! - An [`Instance`] is a JavaScript world with its own globals. It is `Send`, and its calls take `&mut self`. It is
//!   cheap enough to make one for every request, which is also the safest way to use it.
//! - A [`Script`] is source text with a name for stack traces; a string converts into one. Running it gives a
//!   [`Value`]: that of the last expression, which [`Value::get`] converts to any type that serde supports. [`js`]
//!   has types for what only JavaScript has.
//! - A [`Program`] is a script compiled ahead of time. Its bytes can be stored, and every process of the same build
//!   can run them.
//! - A prelude ([`RuntimeBuilder::prelude`]) is a script that runs once. Every instance starts from the memory that
//!   it leaves.
//! - A [`Snapshot`] is the saved state of an instance: between two calls, or at an `await` whose handler answered
//!   [`Reply::pause`]. [`Runtime::restore`] makes an instance from it, any number of times, in any process of the
//!   same build.
//! - A [`Recording`] keeps the calls that scripts made and the answers that they got. It can replay them without the
//!   handlers.
//! - [`Instance::dispatch`] calls a handler that a script registered with `host.on(event, handler)`, so a script can
//!   be loaded once and called many times.
//! - [`Stats`] say what calls have cost: work, time, memory, bytes.
//!
//! ## What a script sees
//!
//! The ECMAScript built-ins, `console`, web APIs such as `URL`, `Headers`, `AbortController` and `crypto`, and
//! `host`, which is frozen:
//!
//! | | |
//! |---|---|
//! | `host.rpc(method, params)` | calls a handler; a promise of its reply |
//! | `host.rpcSync(method, params)` | calls a handler and waits for its reply |
//! | `host.on(event, handler)` | registers what [`Instance::dispatch`] calls |
//!
//! Console output goes to [`Router::on_console`] and nowhere else. The time comes from a [`Clock`], the time zone is
//! UTC, and `Math.random` is seeded separately for each instance.
//!
//! ## Sync and async
//!
//! Each call has a synchronous and an async form. [`Instance::eval`] runs to its end on the calling thread: there is
//! no `await` at the top level, and scripts reach only handlers made with [`Router::handle`].
//! [`Instance::eval_async`] returns a future: the script may `await`, a result that is a promise is awaited, and
//! calls of async handlers run concurrently. `host.rpcSync` reaches async handlers too; it suspends the script, not
//! the thread.
//!
//! Handlers are polled inside that future, so it runs on any executor, and dropping the future drops the handlers. A
//! script that keeps the processor busy yields to the executor about every half millisecond.
//!
//! ```
//! # use belljar::{Call, Limits, Router, Runtime};
//! # async fn example() -> belljar::Result<()> {
//! let router = Router::new().handle_async("double", |_: Call, n: i64| async move { Ok(2 * n) });
//! let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
//! let doubled = jar.eval_async("await Promise.all([1, 2, 3].map(n => host.rpc('double', n)))").await?;
//! assert_eq!(doubled.get::<Vec<i64>>()?, [2, 4, 6]);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example())?;
//! # Ok::<(), belljar::Error>(())
//! ```
//!
//! ## Errors and blame
//!
//! [`Error::code`] is a short string that stays the same across versions. [`Error::blame`] says whose fault the error
//! is: the script's, a limit's, the caller's or the host's. Both come from what the host observed, never from what
//! the script says. A script that throws `new Error("interrupted")`, or an object with a `code`, gets [`Error::Js`]
//! like any other.
//!
//! ## Soft and hard stop
//!
//! When a limit is hit or [`CancelHandle::cancel`] is called, the host tells the interpreter to unwind; no `catch` or
//! `finally` of the script runs on the way. This is the soft stop: the instance keeps its state and takes the next
//! call.
//!
//! A native built-in, such as the join of a huge array, does not check for a stop request. The host therefore stops
//! it with a trap a few slices of fuel later. The memory of the instance may then be half-changed, so its status is
//! [`Status::Poisoned`]: it refuses calls until [`Instance::reset`] restores its initial state. An instance is also
//! poisoned when a future is dropped while guest code is suspended in it.
//!
//! ```
//! # use belljar::{Limits, Router, Runtime, Status};
//! # use std::time::Duration;
//! # let limits = Limits { cpu_time: Duration::from_millis(20), ..Limits::default() };
//! # let mut jar = Runtime::new()?.instance(&Router::new(), &limits)?;
//! assert_eq!(jar.eval("new Array(1e9) + ''").unwrap_err().code(), "cpu_limit_exceeded");
//! if jar.status() == Status::Poisoned {
//!     jar.reset()?;
//! }
//! assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
//! # Ok::<(), belljar::Error>(())
//! ```
//!
//! # Cargo features
//!
//! All three are off by default.
//!
//! | feature | gives | costs |
//! |---|---|---|
//! | `compiler` | `RuntimeBuilder::guest`: your own guest images, compiled at run time | Cranelift in the program: a longer build, a larger binary, a larger attack surface |
//! | `cross` | building for another processor than the one that builds | a longer build, because the compiler's back ends for other processors are built too; nothing in the program |
//! | `tracing` | a span for each call with its outcome and cost, and an event for each handler call | the crate `tracing`; one check of a flag for each call when no subscriber is interested |
//!
//! With the feature `tracing`, each call of an instance runs in a span named `call`, with the target `belljar` and
//! the level DEBUG. A resumed call has its own span. The fields of the span:
//!
//! | field | value |
//! |---|---|
//! | `op` | what the call does: `Eval`, `Dispatch`, `Run`, `Compile`, or `Answer` for a resumed call |
//! | `code` | the [`Error::code`] of a call that ended with an error, `paused` for one that waits, `ok` for one that gave a value |
//! | `fuel` | [`Stats::fuel`] of this call |
//! | `cpu_us`, `wall_us` | [`Stats::cpu_time`] and [`Stats::wall_time`] of this call, in microseconds |
//! | `rpc_calls` | [`Stats::rpc_calls`] of this call |
//! | `dropped_calls` | [`Stats::dropped_calls`] of this call |
//!
//! All but `op` are recorded when the call ends; they stay empty when the future of the call is dropped. Inside the
//! span there is one event named `rpc` for each handler call, at the same level, with the field `method`. Neither the
//! span nor the event carries a script's text, values or messages. A method name is chosen by the script where a
//! fallback answers, so it is escaped and cut to 80 characters.
//!
//! # Where to read on
//!
//! - The `examples` folder: `hello`, `rpc`, `limits`, `cancel`, `agent_tools` (scripts that a language model writes),
//!   `webhook_rules` (rules of many tenants), `approve` (a call that waits for a person), `fork` (ten continuations
//!   of one state) and `prelude` (a library that is loaded once). Run each with `cargo run --example NAME`.
//! - `README.md` says when belljar is the wrong tool. `docs/limits.md` and `docs/errors.md` have the tables of limits
//!   and errors.
//! - `SECURITY.md` says what is trusted and how to run belljar safely. `ARCHITECTURE.md` describes the source.
#![deny(missing_docs)]

mod advice;
mod builder;
mod call;
mod calls;
mod cancel;
mod clock;
mod conversions;
mod data;
mod driver;
mod error;
mod excerpt;
mod facts;
mod frame;
mod handler;
mod instance;
mod lanes;
mod limits;
mod millis;
mod modules;
mod nesting;
mod origin;
mod packed;
mod panics;
mod pending;
mod permit;
mod program;
mod queue;
mod random;
mod recording;
mod reply;
mod report;
mod router;
mod runtime;
mod script;
mod snapshot;
mod stats;
mod tally;
mod thread;
mod thrown;
mod timer;
mod trace;
mod turn;
mod value;
mod vm;

pub use advice::Hint;
pub use builder::InstanceBuilder;
pub use call::Call;
pub use cancel::CancelHandle;
pub use clock::Clock;
pub use conversions::Shown;
pub use data::Data;
pub use error::{Blame, Error, Result};
pub use facts::Facts;
pub use frame::Frame;
pub use handler::{Handler, Replying};
pub use instance::{Instance, Status};
pub use limits::{LimitKind, Limits, OPCODES_PER_POLL};
pub use modules::{Import, IntoModule, Module, ModuleKind, Modules};
pub use pending::{Answer, CallId, PendingCall};
pub use program::Program;
pub use recording::{RecordedCall, Recording, Replay};
pub use reply::{IntoReply, Reply, RpcError};
pub use router::{ConsoleLevel, Router, Verdict};
pub use runtime::{Runtime, RuntimeBuilder};
pub use script::Script;
pub use snapshot::{Paused, Snapshot, Turn};
pub use stats::{RuntimeStats, Stats};
pub use thrown::JsError;
pub use value::Value;
pub use value::js;
