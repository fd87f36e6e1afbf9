//! The limits as flags: how they are typed, what they default to, how one is changed later, and which flag raises a
//! limit that was hit.
//!
//! It must never know what runs under them.

use std::num::ParseIntError;
use std::time::Duration;

use belljar::{Clock, LimitKind, Limits};
use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser};

/// More than the library's 64 KiB, which are meant for logs that a service keeps. A person at a shell wants to see the
/// whole output.
const CONSOLE_KB: u64 = 16 << 10;

/// The heap, where the memory has room for it.
const HEAP_MB: u64 = 32;

/// The least memory and the most.
const MEMORY_MB: (u64, u64) = (3, 4096);

/// The least memory that is the default: with a larger heap, it is twice the heap.
const USUAL_MEMORY_MB: u64 = 64;

/// With less stack, a script cannot call a function.
const LEAST_STACK_KB: u64 = 16;

#[derive(Args, Clone)]
#[command(next_help_heading = "Limits, each with its name in the library")]
pub(crate) struct Bounds {
    /// cpu_time: processor time of the script; waiting for calls does not count
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=MOST_MS))]
    max_cpu_ms: u64,
    /// wall_time: time from start to end
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MOST_MS))]
    max_wall_ms: u64,
    /// fuel: units of work, which are the same on every machine of one build; no limit by default
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    max_fuel: Option<u64>,
    /// opcodes: jumps and calls of script code, as QuickJS counts them in steps of 10,000; no limit by default
    #[arg(long, value_name = "OPCODES", value_parser = clap::value_parser!(u64).range(1..))]
    max_opcodes: Option<u64>,
    /// js_heap_bytes: what the script's values may take [default: 32, or the memory when that is less]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=4000))]
    max_heap_mb: Option<u64>,
    /// memory_bytes: all memory of the jar [default: 64, or twice the heap when that is more]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(MEMORY_MB.0..=MEMORY_MB.1))]
    max_memory_mb: Option<u64>,
    /// stack_bytes: the stack of the script
    #[arg(long, value_name = "KB", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u64).range(LEAST_STACK_KB..=4096))]
    max_stack_kb: u64,
    /// rpc_calls: calls of host.rpc and host.rpcSync
    #[arg(long, value_name = "CALLS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_rpc: u32,
    /// pending_rpcs: calls in flight at once
    #[arg(long, value_name = "CALLS", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_pending_rpc: u32,
    /// message_bytes: one message: the parameters of a call, a reply, a result
    #[arg(long, value_name = "MB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_message_mb: u64,
    /// source_bytes: one script
    #[arg(long, value_name = "MB", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_source_mb: u64,
    /// console_bytes: what the script prints
    #[arg(long, value_name = "KB", default_value_t = CONSOLE_KB)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
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

/// Ten years. A larger number is a typing error.
const MOST_MS: u64 = 10 * 366 * 24 * 3600 * 1000;

impl Bounds {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            fuel: self.max_fuel,
            opcodes: self.max_opcodes,
            cpu_time: Duration::from_millis(self.max_cpu_ms),
            wall_time: Duration::from_millis(self.max_wall_ms),
            js_heap_bytes: self.heap_mb() << 20,
            memory_bytes: self.memory_mb() << 20,
            stack_bytes: self.max_stack_kb << 10,
            pending_rpcs: self.max_pending_rpc,
            rpc_calls: self.max_rpc,
            message_bytes: self.max_message_mb << 20,
            source_bytes: self.max_source_mb << 20,
            console_bytes: self.max_console_kb << 10,
        }
    }

    /// Every limit by the name of its flag, without the dashes; None is no limit.
    pub(crate) fn settings(&self) -> [(&'static str, Option<u64>); 13] {
        [
            ("max-cpu-ms", Some(self.max_cpu_ms)),
            ("max-wall-ms", Some(self.max_wall_ms)),
            ("max-fuel", self.max_fuel),
            ("max-opcodes", self.max_opcodes),
            ("max-heap-mb", Some(self.heap_mb())),
            ("max-memory-mb", Some(self.memory_mb())),
            ("max-stack-kb", Some(self.max_stack_kb)),
            ("max-rpc", Some(self.max_rpc.into())),
            ("max-pending-rpc", Some(self.max_pending_rpc.into())),
            ("max-message-mb", Some(self.max_message_mb)),
            ("max-source-mb", Some(self.max_source_mb)),
            ("max-console-kb", Some(self.max_console_kb)),
            ("seed", self.seed),
        ]
    }

    /// Refuses limits that contradict each other.
    pub(crate) fn check(&self) -> Result<(), Unchanged> {
        let (heap, memory) = (self.heap_mb(), self.memory_mb());
        if heap > memory { Err(Unchanged::Contradiction { heap, memory }) } else { Ok(()) }
    }

    /// The same with some limits changed, read as the flags are. None brings the default back, or lifts a limit that
    /// has no default.
    pub(crate) fn with(&self, changes: &[(&str, Option<String>)]) -> Result<Bounds, Unchanged> {
        let mut flags: Vec<(&str, Option<String>)> =
            self.settings().map(|(name, value)| (name, value.map(|value| value.to_string()))).into();
        // Heap and memory follow each other where they were not set.
        flags.retain(|(name, _)| match *name {
            "max-heap-mb" => self.max_heap_mb.is_some(),
            "max-memory-mb" => self.max_memory_mb.is_some(),
            _ => true,
        });
        for (name, value) in changes {
            if !self.settings().iter().any(|(known, _)| known == name) {
                return Err(Unchanged::Unknown((*name).to_owned()));
            }
            flags.retain(|(other, _)| other != name);
            flags.push((name, value.clone()));
        }
        let given = flags.iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)));
        let mut bounds = Alone::try_parse_from(std::iter::once(String::new()).chain(given))
            .map(|alone| alone.bounds)
            .map_err(|error| Unchanged::of(&error))?;
        bounds.clock.clone_from(&self.clock);
        bounds.no_codegen = self.no_codegen;
        bounds.check()?;
        Ok(bounds)
    }

    /// The heap is a part of the memory, so a memory that was set bounds the default of the heap.
    fn heap_mb(&self) -> u64 {
        self.max_heap_mb.unwrap_or_else(|| HEAP_MB.min(self.max_memory_mb.unwrap_or(HEAP_MB)))
    }

    fn memory_mb(&self) -> u64 {
        self.max_memory_mb.unwrap_or_else(|| (2 * self.heap_mb()).clamp(USUAL_MEMORY_MB, MEMORY_MB.1))
    }
}

/// Why limits cannot be as they were given. Names are those of the flags, without the dashes.
#[derive(Debug)]
pub(crate) enum Unchanged {
    /// There is no such limit.
    Unknown(String),
    /// The limit cannot have this value.
    Invalid { name: String, value: String, why: String },
    /// The heap is a part of the memory, and is larger.
    Contradiction { heap: u64, memory: u64 },
}

impl Unchanged {
    fn of(error: &clap::Error) -> Unchanged {
        let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
        let flag = text(ContextKind::InvalidArg);
        let name = flag.split(' ').next().unwrap_or_default().trim_start_matches('-').to_owned();
        let why = match std::error::Error::source(error) {
            _ if is_number(error) => NUMBER.to_owned(),
            Some(source) => source.to_string(),
            None => "it cannot be read".to_owned(),
        };
        Unchanged::Invalid { name, value: text(ContextKind::InvalidValue), why }
    }

    /// In words, with the names of limits as `spell` has them.
    pub(crate) fn told(&self, spell: impl Fn(&str) -> String) -> String {
        match self {
            Unchanged::Unknown(name) => {
                let names = KINDS.map(|kind| spell(setting(kind))).join(", ");
                format!("there is no limit {}; there are {names}, {}", spell(name), spell("seed"))
            }
            Unchanged::Invalid { name, value, why } => format!("invalid value '{value}' for {}: {why}", spell(name)),
            Unchanged::Contradiction { heap, memory } => format!(
                "{} {heap} is above {} {memory}, and the heap is a part of the memory",
                spell("max-heap-mb"),
                spell("max-memory-mb")
            ),
        }
    }
}

const NUMBER: &str = "it should be a positive whole number below 2^64";

fn is_number(error: &clap::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<ParseIntError>())
}

/// The error of a number that cannot be read, without the words of Rust's own parser.
pub(crate) fn explained(error: clap::Error, command: &mut clap::Command) -> clap::Error {
    let is_number = is_number(&error);
    match (error.get(ContextKind::InvalidValue), error.get(ContextKind::InvalidArg)) {
        (Some(value), Some(flag)) if is_number => {
            let message = format!("invalid value '{value}' for '{flag}': {NUMBER}");
            clap::Error::raw(ErrorKind::ValueValidation, message).format(command)
        }
        _ => error,
    }
}

/// The limits without the rest of the arguments, so that one that is changed later is read as a flag is.
#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    bounds: Bounds,
}

/// Every limit, in the order of the flags.
pub(crate) const KINDS: [LimitKind; 12] = [
    LimitKind::CpuTime,
    LimitKind::WallTime,
    LimitKind::Fuel,
    LimitKind::Opcodes,
    LimitKind::JsHeap,
    LimitKind::Memory,
    LimitKind::Stack,
    LimitKind::RpcCalls,
    LimitKind::PendingRpcs,
    LimitKind::Message,
    LimitKind::Source,
    LimitKind::Console,
];

/// The setting that raises a limit, as its flag is called without the dashes.
pub(crate) fn setting(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Fuel => "max-fuel",
        LimitKind::Opcodes => "max-opcodes",
        LimitKind::CpuTime => "max-cpu-ms",
        LimitKind::WallTime => "max-wall-ms",
        LimitKind::JsHeap => "max-heap-mb",
        LimitKind::Stack => "max-stack-kb",
        LimitKind::PendingRpcs => "max-pending-rpc",
        LimitKind::RpcCalls => "max-rpc",
        LimitKind::Message => "max-message-mb",
        LimitKind::Source => "max-source-mb",
        LimitKind::Console => "max-console-kb",
        _ => "max-memory-mb",
    }
}

/// What a limit bounds, as the subject of a sentence.
pub(crate) fn noun(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Fuel => "fuel",
        LimitKind::Opcodes => "the number of opcodes",
        LimitKind::CpuTime => "processor time",
        LimitKind::WallTime => "time from start to end",
        LimitKind::JsHeap => "the heap of the script",
        LimitKind::Stack => "the stack of the script",
        LimitKind::PendingRpcs => "the number of calls in flight",
        LimitKind::RpcCalls => "the number of calls",
        LimitKind::Message => "one message",
        LimitKind::Source => "one script",
        LimitKind::Console => "what the script prints",
        _ => "the memory of the jar",
    }
}

/// The unit of a flag for a number of bytes: its size as a power of two, and its name.
fn unit(kind: LimitKind) -> Option<(u32, &'static str)> {
    let setting = setting(kind);
    let units = [("-mb", (20, "MB")), ("-kb", (10, "KB"))];
    units.into_iter().find(|(end, _)| setting.ends_with(end)).map(|(_, unit)| unit)
}

/// The value of a limit in the unit of its flag, rounded up, so that the flag can be given this value.
pub(crate) fn shown_at_least(kind: LimitKind, needed: u64) -> String {
    let whole = unit(kind).map_or(1, |(shift, _)| 1 << shift);
    shown(kind, needed.checked_next_multiple_of(whole).unwrap_or(needed))
}

/// The value of a limit in the unit of its flag.
pub(crate) fn shown(kind: LimitKind, limit: u64) -> String {
    match (unit(kind), kind) {
        (Some((shift, unit)), _) if limit.trailing_zeros() >= shift => format!("{} {unit}", limit >> shift),
        (Some(_), _) => format!("{limit} bytes"),
        (None, LimitKind::Fuel | LimitKind::CpuTime | LimitKind::WallTime) => format!("{limit} {}", kind.unit()),
        (None, _) => limit.to_string(),
    }
}

/// The name of a limit as the JSON lines have it.
pub(crate) fn camel(flag: &str) -> String {
    let mut parts = flag.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (initial, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        name + &initial.to_ascii_uppercase() + rest
    })
}

/// The name of a limit as flags have it, from the name that the JSON lines have.
pub(crate) fn kebab(name: &str) -> String {
    name.chars().fold(String::new(), |mut flag, character| {
        if character.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(character.to_ascii_lowercase());
        flag
    })
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
#[allow(clippy::expect_used, reason = "flags that cannot be read are a failed test")]
mod tests {
    use super::{Bounds, KINDS, camel, kebab, read_date, setting, shown, shown_at_least};
    use belljar::LimitKind;
    use clap::{Args as _, FromArgMatches as _};

    fn bounds(flags: &[&str]) -> Bounds {
        let command = Bounds::augment_args(clap::Command::new("test").no_binary_name(true));
        Bounds::from_arg_matches(&command.get_matches_from(flags)).expect("the flags are good")
    }

    #[test]
    fn a_limit_that_is_changed_later_leaves_the_others_alone() {
        let before = bounds(&["--max-cpu-ms=7", "--max-fuel=9", "--clock=5", "--no-codegen"]);
        let after =
            before.with(&[("max-heap-mb", Some("50".into())), ("max-fuel", None)]).expect("both can be changed");
        let limits = after.limits();
        assert_eq!((limits.cpu_time.as_millis(), limits.fuel, limits.js_heap_bytes), (7, None, 50 << 20));
        assert_eq!(limits.memory_bytes, 100 << 20, "it follows the heap");
        assert!(after.clock.is_some() && after.no_codegen);
    }

    #[test]
    fn a_limit_that_is_changed_later_keeps_to_the_range_of_its_flag() {
        let refused = |name, value: &str| {
            bounds(&[])
                .with(&[(name, Some(value.into()))])
                .err()
                .map_or_else(String::new, |why| why.told(str::to_owned))
        };
        assert!(refused("max-cpu-ms", "0").contains("0 is not in 1.."), "{}", refused("max-cpu-ms", "0"));
        assert!(refused("max-heap-mb", "x").contains("max-heap-mb"));
        assert!(refused("clock", "5").contains("there is no limit clock; there are max-cpu-ms, "));
    }

    #[test]
    fn heap_and_memory_follow_each_other_until_they_are_set() {
        let megabytes = |flags: &[&str]| {
            let limits = bounds(flags).limits();
            (limits.js_heap_bytes >> 20, limits.memory_bytes >> 20)
        };
        assert_eq!(megabytes(&[]), (32, 64));
        assert_eq!(megabytes(&["--max-memory-mb=16"]), (16, 16));
        assert_eq!(megabytes(&["--max-memory-mb=100"]), (32, 100));
        assert_eq!(megabytes(&["--max-heap-mb=100"]), (100, 200));
        assert_eq!(megabytes(&["--max-heap-mb=4000"]), (4000, 4096));
        let lower = bounds(&[]).with(&[("max-memory-mb", Some("16".into()))]).expect("the heap was not set");
        assert_eq!(lower.limits().js_heap_bytes, 16 << 20);
        let back = lower.with(&[("max-memory-mb", None)]).expect("it has a default");
        assert_eq!((back.limits().js_heap_bytes, back.limits().memory_bytes), (32 << 20, 64 << 20));
    }

    #[test]
    fn a_heap_above_the_memory_is_refused_by_name() {
        assert!(bounds(&["--max-heap-mb=16", "--max-memory-mb=16"]).check().is_ok());
        let refused = bounds(&["--max-heap-mb=32", "--max-memory-mb=16"]).check().expect_err("they contradict");
        assert_eq!(
            refused.told(|name| format!("--{name}")),
            "--max-heap-mb 32 is above --max-memory-mb 16, and the heap is a part of the memory"
        );
        let refused = bounds(&["--max-heap-mb=32"]).with(&[("max-memory-mb", Some("16".into()))]);
        assert!(refused.is_err_and(|why| why.told(camel).starts_with("maxHeapMb 32 is above maxMemoryMb 16")));
    }

    #[test]
    fn a_number_is_in_the_unit_of_its_flag() {
        for kind in KINDS {
            let shown = |limit| shown(kind, limit);
            let setting = setting(kind);
            let is_size = setting.ends_with("-mb") || setting.ends_with("-kb");
            assert_eq!(is_size, kind.unit() == "bytes", "{setting}");
            match setting.rsplit('-').next() {
                Some("mb") => assert_eq!((shown(3 << 20), shown(1 << 10)), ("3 MB".into(), "1024 bytes".into())),
                Some("kb") => assert_eq!((shown(3 << 20), shown(1 << 10)), ("3072 KB".into(), "1 KB".into())),
                Some("ms") => assert_eq!(shown(7), "7 ms"),
                _ => assert!(shown(7).starts_with('7'), "{}", shown(7)),
            }
        }
        assert_eq!(shown_at_least(LimitKind::Memory, (4 << 20) + 1), "5 MB");
        assert_eq!(shown_at_least(LimitKind::PendingRpcs, 3), "3");
        assert!(shown_at_least(LimitKind::Memory, u64::MAX).ends_with(" bytes"));
    }

    #[test]
    fn a_limit_of_the_json_lines_has_the_name_of_its_flag() {
        for (flag, name) in [("max-cpu-ms", "maxCpuMs"), ("seed", "seed"), ("max-rpc", "maxRpc")] {
            assert_eq!((camel(flag).as_str(), kebab(name).as_str()), (name, flag));
        }
    }

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
