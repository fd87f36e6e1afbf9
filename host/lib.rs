//! Run untrusted JavaScript inside a Rust program: every script in a sealed instance of its own, under limits that
//! hold, with handlers that you registered as the only way out.
//!
//! ```
//! use belljar::{Call, Limits, Router, Runtime};
//! use std::time::Duration;
//!
//! let runtime = Runtime::new()?;
//! let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| Ok(a + b));
//! let limits = Limits { cpu_time: Duration::from_millis(50), ..Limits::default() };
//! let mut jar = runtime.instance(&router, &limits)?;
//!
//! let sum: i64 = jar.eval("[1, 2, 3].reduce((a, b) => host.rpcSync('add', [a, b]))")?.get()?;
//! assert_eq!(sum, 6);
//! assert_eq!(jar.eval("for (;;) {}").unwrap_err().code(), "cpu_limit_exceeded");
//! # Ok::<(), belljar::Error>(())
//! ```
//!
//! The engine is QuickJS, compiled to WebAssembly and from there, when this crate is built, to native code that
//! wasmtime runs. A script cannot reach a file, a socket, the environment or another instance, because the guest that
//! it runs in imports six functions and none of them does that.
//!
//! # Core concepts
//!
//! - A [`Runtime`] holds the engine, the guest image and a pool. One is enough for a process; its clones share it.
//! - A [`Router`] names the handlers that scripts can call. Parameters and results are any types that serde knows;
//!   what a handler refuses reaches the script as an error with the code and the message of an [`RpcError`], and
//!   nothing else. [`Call`] tells a handler which method was called, whether anybody still waits, how much time is
//!   left, and the data that [`InstanceBuilder::data`] gave the instance.
//! - [`Limits`] say how much one instance may use. Every default but those of `fuel` and `opcodes` is a finite
//!   number, and the times stop a script that sets no other limit off.
//! - An [`Instance`] is a JavaScript world with globals of its own. It is `Send` and its calls take `&mut self`.
//!   Making one is cheap enough to do it for every request, which is also the safest way to use it.
//! - A [`Script`] is source text with a name for stack traces; text converts into one. What comes back is a [`Json`]:
//!   the value of the last expression as JSON text, which [`Json::get`] turns into any type that serde knows.
//! - A [`Program`] is a script compiled ahead. Its bytes can be stored, and run by any process of the same build.
//! - A prelude ([`RuntimeBuilder::prelude`]) runs once, and every instance starts from the memory that it leaves.
//! - A [`Snapshot`] is an instance at rest: between two calls, or at an `await` whose handler answered
//!   [`Reply::pause`]. [`Runtime::restore`] brings it back, in any process of the same build and as often as one
//!   likes.
//! - A [`Recording`] keeps what scripts asked and were told, and replays them without the handlers.
//! - [`Instance::dispatch`] calls what a script registered with `host.on(event, handler)`, so a script can be loaded
//!   once and asked many times.
//! - [`Stats`] say what calls have cost: work, time, memory, bytes.
//!
//! ## What a script sees
//!
//! The ECMAScript built-ins, `console`, `performance.now`, and `host`, which is frozen:
//!
//! | | |
//! |---|---|
//! | `host.rpc(method, params)` | calls a handler; a promise of its reply |
//! | `host.rpcSync(method, params)` | calls a handler and waits for its reply |
//! | `host.on(event, handler)` | registers what [`Instance::dispatch`] calls |
//!
//! The console goes to [`Router::on_console`] and nowhere else, time comes from a [`Clock`], the time zone is UTC,
//! and `Math.random` is seeded for each instance.
//!
//! ## Sync and async
//!
//! Each call exists twice. [`Instance::eval`] runs to its end on the thread that calls it: there is no `await` at the
//! top level, and only handlers made with [`Router::handle`] can be reached. [`Instance::eval_async`] gives a future:
//! the script may `await`, a result that is a promise is awaited, calls of async handlers run at the same time, and
//! `host.rpcSync` reaches those too, suspending the script and not the thread.
//!
//! Handlers are polled inside that future, so any executor will do and dropping the future drops them. A script that
//! keeps the processor busy gives way to the executor every few milliseconds.
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
//! [`Error::code`] is a short string that stays the same across versions, and [`Error::blame`] says whose fault it
//! was: the script's, a limit's, the caller's or the host's. Both come from what the host saw. A script that throws
//! `new Error("interrupted")`, or an object with a `code`, gets [`Error::Js`] like any other.
//!
//! ## Soft and hard stop
//!
//! When a limit is hit or [`CancelHandle::cancel`] is called, the interpreter is told to unwind; no `catch` or
//! `finally` of the script runs on the way. That is the soft stop: the instance keeps its state and takes the next
//! call.
//!
//! A native built-in such as the join of a huge array does not ask the host whether to go on. It is cut off a slice
//! of work later, and since its memory may then be half-changed the instance is [`Status::Poisoned`]: it refuses
//! calls until [`Instance::reset`] brings it back to how it began, or it is dropped. So does an instance whose future
//! was dropped while the guest was in the middle of something.
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
//! Both are off by default.
//!
//! | feature | gives | costs |
//! |---|---|---|
//! | `compiler` | `RuntimeBuilder::guest`: guest images of your own, compiled at run time | Cranelift in the program: a longer build, a larger binary, more to attack |
//! | `cross` | building for another processor than the one that builds | the compiler's other half: a longer build, and nothing in the program |
//! | `tracing` | a span per call with its outcome and cost, an event per handler that it calls | the crate `tracing`; a look at a flag per call where nobody listens |
//!
//! # Where to read on
//!
//! - The `examples` folder: `hello`, `rpc`, `limits`, `cancel`, `agent_tools` (scripts that a language model writes),
//!   `webhook_rules` (rules of many tenants), `approve` (a call that waits for a person), `fork` (ten continuations
//!   of one state) and `prelude` (a library that is loaded once). Each runs with `cargo run --example NAME`.
//! - `README.md` says when this is the wrong tool. `docs/limits.md` and `docs/errors.md` have the tables of limits
//!   and errors.
//! - `SECURITY.md` says what is trusted and how to run this well. `ARCHITECTURE.md` is the map of the source.
#![deny(missing_docs)]

mod advice;
mod builder;
mod call;
mod calls;
mod cancel;
mod clock;
mod data;
mod driver;
mod error;
mod excerpt;
mod facts;
mod frame;
mod handler;
mod instance;
mod json;
mod lanes;
mod limits;
mod millis;
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
pub use data::Data;
pub use error::{Blame, Error, Result};
pub use facts::Facts;
pub use frame::Frame;
pub use handler::{Handler, Replying};
pub use instance::{Instance, Status};
pub use json::Json;
pub use limits::{LimitKind, Limits, OPCODES_PER_POLL};
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
pub use value::Shown;
