//! The limits of an instance: their values and names. It must never know how they are enforced.

use std::time::Duration;

/// The number of opcodes that QuickJS runs between two interrupt checks.
pub const OPCODES_PER_POLL: u64 = 10_000;

/// The limits of one instance. Set the fields that you need and leave the rest at their defaults. A later version may
/// add fields, so start from [`Limits::default`] or a `with_…` method.
///
/// ```
/// use belljar::{Limits, Router, Runtime};
/// use std::time::Duration;
///
/// let limits = Limits { cpu_time: Duration::from_millis(20), ..Limits::default() };
/// let mut jar = Runtime::new()?.instance(&Router::new(), &limits)?;
/// assert_eq!(jar.eval("for (;;) {}").unwrap_err().code(), "cpu_limit_exceeded");
/// assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
///
/// // The same, without a literal:
/// assert_eq!(Limits::default().with_cpu_time(Duration::from_millis(20)), limits);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Work in one call, in units that depend only on the script and this build. A current machine executes ten to
    /// twenty million units in a millisecond, and two million if the script waits for memory at every step. None (no
    /// limit) by default, because the time limits already bound work.
    pub fuel: Option<u64>,
    /// Work in one call as QuickJS counts it: QuickJS checks for an interrupt after every [`OPCODES_PER_POLL`] jumps
    /// and calls of script code, and each check counts as that many opcodes. This is coarser than `fuel` and does not
    /// count work inside built-ins, but it is the same with every guest of one QuickJS version. None (no limit) by
    /// default.
    pub opcodes: Option<u64>,
    /// Processor time inside the guest in one call, summed over all its segments. Waiting for handlers does not
    /// count.
    pub cpu_time: Duration,
    /// Time from the start of a call to its end, including all waiting. Your own code is not interrupted, but after
    /// this time no handler is started or polled, nothing is printed, and the call does not end with a value.
    pub wall_time: Duration,
    /// Memory that QuickJS may allocate. Beyond it the script gets an out-of-memory error, which it can catch. One
    /// eighth of it, at most 256 KiB, is kept in reserve, so that a script can still start when an earlier one has
    /// filled the heap.
    pub js_heap_bytes: u64,
    /// The maximum size of the instance's linear memory. The same number also bounds the data that the host keeps for
    /// a call outside of that memory: requests and their parameters, replies that the script has not taken, paused
    /// calls, queued console lines and rejections, the result, and what a [`Recording`](crate::Recording) stores
    /// during the call. A call that needs more ends and starts no further handler. Memory that your handlers allocate
    /// is not counted; a reply is counted once its handler has returned it.
    pub memory_bytes: u64,
    /// The stack of script code. Beyond it the script gets a RangeError, which it can catch.
    pub stack_bytes: u64,
    /// Calls of handlers in flight at once, including paused ones.
    pub pending_rpcs: u32,
    /// Calls of handlers in one call of the instance.
    pub rpc_calls: u32,
    /// The size of one message in either direction: parameters, a reply, a result.
    pub message_bytes: u64,
    /// The size of one script.
    pub source_bytes: u64,
    /// The console output of one call.
    pub console_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel: None,
            opcodes: None,
            cpu_time: Duration::from_secs(5),
            wall_time: Duration::from_secs(30),
            js_heap_bytes: 32 << 20,
            memory_bytes: 64 << 20,
            stack_bytes: 512 << 10,
            pending_rpcs: 256,
            rpc_calls: 10_000,
            message_bytes: 10 << 20,
            source_bytes: 10 << 20,
            console_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// The same with another [`Limits::fuel`].
    #[must_use]
    pub fn with_fuel(self, fuel: u64) -> Limits {
        Limits { fuel: Some(fuel), ..self }
    }

    /// The same with another [`Limits::opcodes`].
    #[must_use]
    pub fn with_opcodes(self, opcodes: u64) -> Limits {
        Limits { opcodes: Some(opcodes), ..self }
    }

    /// The same with another [`Limits::cpu_time`].
    #[must_use]
    pub fn with_cpu_time(self, cpu_time: Duration) -> Limits {
        Limits { cpu_time, ..self }
    }

    /// The same with another [`Limits::wall_time`].
    #[must_use]
    pub fn with_wall_time(self, wall_time: Duration) -> Limits {
        Limits { wall_time, ..self }
    }

    /// The same with another [`Limits::js_heap_bytes`].
    #[must_use]
    pub fn with_js_heap_bytes(self, js_heap_bytes: u64) -> Limits {
        Limits { js_heap_bytes, ..self }
    }

    /// The same with another [`Limits::memory_bytes`].
    #[must_use]
    pub fn with_memory_bytes(self, memory_bytes: u64) -> Limits {
        Limits { memory_bytes, ..self }
    }

    /// The same with another [`Limits::stack_bytes`].
    #[must_use]
    pub fn with_stack_bytes(self, stack_bytes: u64) -> Limits {
        Limits { stack_bytes, ..self }
    }

    /// The same with another [`Limits::pending_rpcs`].
    #[must_use]
    pub fn with_pending_rpcs(self, pending_rpcs: u32) -> Limits {
        Limits { pending_rpcs, ..self }
    }

    /// The same with another [`Limits::rpc_calls`].
    #[must_use]
    pub fn with_rpc_calls(self, rpc_calls: u32) -> Limits {
        Limits { rpc_calls, ..self }
    }

    /// The same with another [`Limits::message_bytes`].
    #[must_use]
    pub fn with_message_bytes(self, message_bytes: u64) -> Limits {
        Limits { message_bytes, ..self }
    }

    /// The same with another [`Limits::source_bytes`].
    #[must_use]
    pub fn with_source_bytes(self, source_bytes: u64) -> Limits {
        Limits { source_bytes, ..self }
    }

    /// The same with another [`Limits::console_bytes`].
    #[must_use]
    pub fn with_console_bytes(self, console_bytes: u64) -> Limits {
        Limits { console_bytes, ..self }
    }
}

/// Which limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`Limits::fuel`].
    Fuel,
    /// [`Limits::opcodes`].
    Opcodes,
    /// [`Limits::cpu_time`].
    CpuTime,
    /// [`Limits::wall_time`].
    WallTime,
    /// [`Limits::js_heap_bytes`].
    JsHeap,
    /// [`Limits::memory_bytes`].
    Memory,
    /// [`Limits::stack_bytes`].
    Stack,
    /// [`Limits::pending_rpcs`].
    PendingRpcs,
    /// [`Limits::rpc_calls`].
    RpcCalls,
    /// [`Limits::message_bytes`].
    Message,
    /// [`Limits::source_bytes`].
    Source,
    /// [`Limits::console_bytes`].
    Console,
}

impl LimitKind {
    /// The stable code of the error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            LimitKind::Fuel => "fuel_limit_exceeded",
            LimitKind::Opcodes => "opcode_limit_exceeded",
            LimitKind::CpuTime => "cpu_limit_exceeded",
            LimitKind::WallTime => "wall_limit_exceeded",
            LimitKind::JsHeap | LimitKind::Memory => "memory_limit_exceeded",
            LimitKind::Stack => "stack_overflow",
            LimitKind::PendingRpcs | LimitKind::RpcCalls => "rpc_limit_exceeded",
            LimitKind::Message => "message_too_large",
            LimitKind::Source => "source_too_large",
            LimitKind::Console => "console_limit_exceeded",
        }
    }

    /// The field of [`Limits`] that sets it.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            LimitKind::Fuel => "fuel",
            LimitKind::Opcodes => "opcodes",
            LimitKind::CpuTime => "cpu_time",
            LimitKind::WallTime => "wall_time",
            LimitKind::JsHeap => "js_heap_bytes",
            LimitKind::Memory => "memory_bytes",
            LimitKind::Stack => "stack_bytes",
            LimitKind::PendingRpcs => "pending_rpcs",
            LimitKind::RpcCalls => "rpc_calls",
            LimitKind::Message => "message_bytes",
            LimitKind::Source => "source_bytes",
            LimitKind::Console => "console_bytes",
        }
    }

    /// The unit of the number in [`Error::Limit`](crate::Error::Limit).
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            LimitKind::Fuel => "units",
            LimitKind::Opcodes => "opcodes",
            LimitKind::CpuTime | LimitKind::WallTime => "ms",
            LimitKind::PendingRpcs | LimitKind::RpcCalls => "calls",
            _ => "bytes",
        }
    }

    /// The value of this limit in `limits`.
    #[must_use]
    pub fn of(self, limits: &Limits) -> u64 {
        match self {
            LimitKind::Fuel => limits.fuel.unwrap_or(u64::MAX),
            LimitKind::Opcodes => limits.opcodes.unwrap_or(u64::MAX),
            LimitKind::CpuTime => millis(limits.cpu_time),
            LimitKind::WallTime => millis(limits.wall_time),
            LimitKind::JsHeap => limits.js_heap_bytes,
            LimitKind::Memory => limits.memory_bytes,
            LimitKind::Stack => limits.stack_bytes,
            LimitKind::PendingRpcs => limits.pending_rpcs.into(),
            LimitKind::RpcCalls => limits.rpc_calls.into(),
            LimitKind::Message => limits.message_bytes,
            LimitKind::Source => limits.source_bytes,
            LimitKind::Console => limits.console_bytes,
        }
    }

    pub(crate) fn noun(self) -> &'static str {
        match self {
            LimitKind::Fuel => "the fuel limit",
            LimitKind::Opcodes => "the opcode limit",
            LimitKind::CpuTime => "the cpu limit",
            LimitKind::WallTime => "the wall-clock limit",
            LimitKind::JsHeap => "the heap limit",
            LimitKind::Memory => "the memory limit",
            LimitKind::Stack => "the stack limit",
            LimitKind::PendingRpcs => "the limit on calls in flight",
            LimitKind::RpcCalls => "the limit on calls",
            LimitKind::Message => "the message limit",
            LimitKind::Source => "the source limit",
            LimitKind::Console => "the console limit",
        }
    }

    /// The error message of a call that hit this limit.
    pub(crate) fn exceeded(self, limit: u64) -> String {
        match self {
            LimitKind::Fuel => format!("the call used more than its {limit} units of fuel"),
            LimitKind::Opcodes => format!("the call ran more than {limit} opcodes"),
            LimitKind::CpuTime => format!("the call used more than {limit} ms of processor time"),
            LimitKind::WallTime => format!("the call took longer than {limit} ms"),
            LimitKind::JsHeap => format!("the script needed more than {limit} bytes of heap"),
            LimitKind::Memory => format!("the call needed more than {limit} bytes of memory"),
            LimitKind::Stack => format!("the script needed more than {limit} bytes of stack"),
            LimitKind::PendingRpcs => format!("more than {limit} calls of handlers were in flight at once"),
            LimitKind::RpcCalls => format!("the script made more than {limit} calls of handlers"),
            LimitKind::Message => format!("a message was longer than {limit} bytes"),
            LimitKind::Source => format!("the script is longer than {limit} bytes"),
            LimitKind::Console => format!("the script printed more than {limit} bytes"),
        }
    }

    pub(crate) fn advice(self) -> &'static str {
        match self {
            LimitKind::Fuel => "do less in one call or raise `Limits::fuel`",
            LimitKind::Opcodes => "do less in one call or raise `Limits::opcodes`",
            LimitKind::CpuTime => "do less in one call or raise `Limits::cpu_time`",
            LimitKind::WallTime => "answer calls sooner or raise `Limits::wall_time`",
            LimitKind::JsHeap => "hold less at once or raise `Limits::js_heap_bytes`",
            LimitKind::Memory => "hold less at once or raise `Limits::memory_bytes`",
            LimitKind::Stack => "recurse less deeply or raise `Limits::stack_bytes`",
            LimitKind::PendingRpcs => "await some calls before making more or raise `Limits::pending_rpcs`",
            LimitKind::RpcCalls => "make fewer calls or raise `Limits::rpc_calls`",
            LimitKind::Message => "send less at once or raise `Limits::message_bytes`",
            LimitKind::Source => "split the script or raise `Limits::source_bytes`",
            LimitKind::Console => "print less or raise `Limits::console_bytes`",
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
