//! The limits as flags: how they are typed, what they default to, and which one raises a limit that was hit.
//!
//! It must never know what runs under them.

use std::time::Duration;

use belljar::{Clock, LimitKind, Limits};
use clap::Args;

/// The library's 64 KiB are meant for logs that a service keeps. Somebody at a shell asked for the output.
const CONSOLE_KB: u64 = 16 << 10;

#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Bounds {
    /// Processor time of the script; waiting for calls does not count
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=MOST_MS))]
    max_cpu_ms: u64,
    /// Time from start to end
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=MOST_MS))]
    max_wall_ms: u64,
    /// Units of work, which are the same on every machine of one build; no limit by default
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    max_fuel: Option<u64>,
    /// Jumps and calls of script code, as QuickJS counts them in steps of 10,000; no limit by default
    #[arg(long, value_name = "OPCODES", value_parser = clap::value_parser!(u64).range(1..))]
    max_opcodes: Option<u64>,
    /// What the script's values may take
    #[arg(long, value_name = "MB", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=4000))]
    max_heap_mb: u64,
    /// All memory of the jar [default: 64, or twice the heap when that is more]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    max_memory_mb: Option<u64>,
    /// The stack of the script
    #[arg(long, value_name = "KB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=4096))]
    max_stack_kb: u64,
    /// Calls of host.rpc and host.rpcSync
    #[arg(long, value_name = "CALLS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_rpc: u32,
    /// Calls in flight at once
    #[arg(long, value_name = "CALLS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_pending_rpc: u32,
    /// One message: the parameters of a call, a reply, a result
    #[arg(long, value_name = "MB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_message_mb: u64,
    /// One script
    #[arg(long, value_name = "MB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_source_mb: u64,
    /// What the script prints
    #[arg(long, value_name = "KB", default_value_t = CONSOLE_KB, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    max_console_kb: u64,
    /// Seed Math.random, to get the same numbers every time
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Stop the script's clock at a moment: 2024-02-29T12:00:00Z, or milliseconds since 1970
    #[arg(long, value_name = "TIME", value_parser = read_clock, allow_hyphen_values = true)]
    pub(crate) clock: Option<Clock>,
    /// Refuse eval and new Function
    #[arg(long)]
    pub(crate) no_codegen: bool,
}

/// Ten years; beyond that a number is a slip of the finger.
const MOST_MS: u64 = 10 * 366 * 24 * 3600 * 1000;

impl Bounds {
    pub(crate) fn limits(&self) -> Limits {
        let memory_mb = self.max_memory_mb.unwrap_or_else(|| (2 * self.max_heap_mb).clamp(64, 4096));
        Limits {
            fuel: self.max_fuel,
            opcodes: self.max_opcodes,
            cpu_time: Duration::from_millis(self.max_cpu_ms),
            wall_time: Duration::from_millis(self.max_wall_ms),
            js_heap_bytes: self.max_heap_mb << 20,
            memory_bytes: memory_mb << 20,
            stack_bytes: self.max_stack_kb << 10,
            pending_rpcs: self.max_pending_rpc,
            rpc_calls: self.max_rpc,
            message_bytes: self.max_message_mb << 20,
            source_bytes: self.max_source_mb << 20,
            console_bytes: self.max_console_kb << 10,
        }
    }
}

/// The flag that raises a limit.
pub(crate) fn flag(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Fuel => "--max-fuel",
        LimitKind::Opcodes => "--max-opcodes",
        LimitKind::CpuTime => "--max-cpu-ms",
        LimitKind::WallTime => "--max-wall-ms",
        LimitKind::JsHeap => "--max-heap-mb",
        LimitKind::Stack => "--max-stack-kb",
        LimitKind::PendingRpcs => "--max-pending-rpc",
        LimitKind::RpcCalls => "--max-rpc",
        LimitKind::Message => "--max-message-mb",
        LimitKind::Source => "--max-source-mb",
        LimitKind::Console => "--max-console-kb",
        _ => "--max-memory-mb",
    }
}

fn read_clock(text: &str) -> Result<Clock, String> {
    let millis = match text.parse::<u64>() {
        Ok(millis) => Some(millis),
        Err(_) => read_date(text),
    };
    millis
        .map(|millis| Clock::Fixed(Duration::from_millis(millis)))
        .ok_or_else(|| "not a moment after 1970 such as 2024-02-29, 2024-02-29T12:00:00Z or 1709208000000".into())
}

/// Milliseconds since 1970 of an ISO date in UTC; None when it is not one.
fn read_date(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once('T').unwrap_or((text, "00:00"));
    let [year, month, day] = numbers(date, '-')?;
    let (time, millis) = match time.split_once('.') {
        Some((time, fraction)) if fraction.len() == 3 => (time, fraction.parse().ok()?),
        Some(_) => return None,
        None => (time, 0),
    };
    let [hour, minute, second] = numbers(time, ':').or_else(|| numbers(&format!("{time}:00"), ':'))?;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of = |year, month| match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let days = years + (1..month).map(|month| days_of(year, month)).sum::<u64>() + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let is_plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts =
        text.split(between).map(|part| Some(part).filter(is_plain)?.parse().ok()).collect::<Option<Vec<u64>>>()?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::read_date;

    #[test]
    fn dates_are_read_to_the_millisecond() {
        assert_eq!(read_date("1970-01-01"), Some(0));
        assert_eq!(read_date("2024-02-29T12:34:56.789Z"), Some(1_709_210_096_789));
        assert_eq!(read_date("2000-03-01T00:00Z"), Some(951_868_800_000));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "Z", "2024", "2023-02-29", "2024-13-01", "2024-01-01T24:00", "2024-01-01T1:2:3:4", "+2024-01-01"]
        {
            assert_eq!(read_date(text), None, "{text}");
        }
    }
}
