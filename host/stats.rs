//! Statistics of instances and runtimes. Plain numbers; it must never know where they come from.

use std::time::Duration;

/// What an instance has used: since it was made ([`Instance::stats`](crate::Instance::stats)), or in its latest call
/// ([`Instance::call_stats`](crate::Instance::call_stats)).
///
/// ```
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// jar.eval("let x = 0; for (let i = 0; i < 1000; i++) x += i")?;
/// assert!(jar.stats().fuel > 1000);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Number of calls of the instance.
    pub calls: u64,
    /// Units of work; the same script costs the same on every machine with the same build.
    pub fuel: u64,
    /// Processor time inside the guest.
    pub cpu_time: Duration,
    /// Time from the start of a call to its end.
    pub wall_time: Duration,
    /// Time inside handlers. Async handlers count while they are polled, not while they wait.
    pub handler_time: Duration,
    /// Number of handler calls.
    pub rpc_calls: u64,
    /// Number of handler calls that had no answer when their call of the instance ended.
    pub dropped_calls: u64,
    /// Bytes sent to the guest: scripts, parameters, replies.
    pub bytes_in: u64,
    /// Bytes received from the guest: results, parameters of handler calls, console lines.
    pub bytes_out: u64,
    /// Number of interrupt checks of QuickJS, which makes one every [`OPCODES_PER_POLL`](crate::OPCODES_PER_POLL)
    /// opcodes.
    pub polls: u64,
    /// Bytes that QuickJS has allocated now, as it reports.
    pub heap_bytes: u64,
    /// The peak of `heap_bytes`.
    pub heap_peak_bytes: u64,
    /// The size of the instance's linear memory.
    pub memory_bytes: u64,
}

impl Stats {
    pub(crate) fn add(&mut self, call: &Stats) {
        self.calls += call.calls;
        self.fuel += call.fuel;
        self.cpu_time += call.cpu_time;
        self.wall_time += call.wall_time;
        self.handler_time += call.handler_time;
        self.rpc_calls += call.rpc_calls;
        self.dropped_calls += call.dropped_calls;
        self.bytes_in += call.bytes_in;
        self.bytes_out += call.bytes_out;
        self.polls += call.polls;
        self.heap_bytes = call.heap_bytes;
        self.heap_peak_bytes = self.heap_peak_bytes.max(call.heap_peak_bytes);
        self.memory_bytes = call.memory_bytes;
    }
}

/// The result of [`Runtime::stats`](crate::Runtime::stats): what the instances of a runtime are doing and have done.
///
/// ```
/// # use belljar::{Limits, Router, Runtime};
/// let runtime = Runtime::builder().max_instances(10).build()?;
/// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
/// jar.eval("1 + 2")?;
/// jar.reset()?;
/// let stats = runtime.stats();
/// assert_eq!((stats.instances_in_use, stats.instances_free, stats.made, stats.reset), (1, 9, 1, 1));
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeStats {
    /// Instances that exist now.
    pub instances_in_use: u64,
    /// Instances that could be made before the maximum is reached.
    pub instances_free: u64,
    /// Callers that are waiting for an instance.
    pub waiting: u64,
    /// Instances made since the runtime was built.
    pub made: u64,
    /// Calls of [`Instance::reset`](crate::Instance::reset).
    pub reset: u64,
    /// How often an instance was poisoned.
    pub poisoned: u64,
    /// How often [`Error::Capacity`](crate::Error::Capacity) was returned.
    pub refused: u64,
    /// Snapshots and preludes that have an image, in this process; see
    /// [`Runtime::image_of`](crate::Runtime::image_of).
    pub images: u64,
    /// Memory of all images in this process, including that of the guest.
    pub image_bytes: u64,
    /// Address space that this process reserves for slots, used or idle. It is not memory.
    pub mapped_bytes: u64,
    /// Memory of slots in this process, used or idle, without the pages that they share with images; None if the
    /// system does not report it.
    pub resident_bytes: Option<u64>,
}

/// What the slots and images of this process hold; see [`RuntimeStats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) mapped_bytes: u64,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) image_bytes: u64,
}
