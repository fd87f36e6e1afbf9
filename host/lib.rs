//! Run untrusted JavaScript inside a Rust program.

mod calls;
mod clock;
mod driver;
mod error;
mod instance;
mod limits;
mod program;
mod router;
mod runtime;
mod snapshot;
mod stats;
mod turn;
mod value;
mod vm;

pub use clock::Clock;
pub use error::{Blame, Error, JsError, Result};
pub use instance::{CancelHandle, Instance, InstanceBuilder, Status};
pub use limits::{LimitKind, Limits};
pub use program::Program;
pub use router::{Call, ConsoleLevel, Router, RpcError, Verdict};
pub use runtime::{Runtime, RuntimeBuilder};
pub use snapshot::{Answer, Paused, PendingCall, Snapshot, Turn};
pub use stats::Stats;
pub use value::{Json, Script};
