//! `console`: its methods, and the lines that they print.
//!
//! [`show`] knows what a value looks like; this file must not. The formats `%s` and `%j` may run `toString` and
//! `toJSON` of the script. Nothing else here runs code of the script.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use belljar_abi::{Ask, Level};

use crate::qjs::{self, Arguments, Value, functions};
use crate::single::Single;
use crate::{abi, call};

mod format;
mod show;
mod table;

use format::list;
pub use show::line;
use show::{DEPTH, count, text};

functions! {
    Print => print_or_count,
    Found => show::found,
}

/// What a method of `console` does besides printing. It is the detail of the method's function.
#[derive(Clone, Copy)]
enum Method {
    Debug,
    Log,
    Info,
    Warn,
    Error,
    Trace,
    Dir,
    Table,
    Assert,
    Group,
    GroupEnd,
    Count,
    CountReset,
    Time,
    TimeLog,
    TimeEnd,
}

const METHODS: [(&core::ffi::CStr, Method); 18] = [
    (c"debug", Method::Debug),
    (c"log", Method::Log),
    (c"info", Method::Info),
    (c"warn", Method::Warn),
    (c"error", Method::Error),
    (c"trace", Method::Trace),
    (c"dir", Method::Dir),
    (c"dirxml", Method::Log),
    (c"table", Method::Table),
    (c"assert", Method::Assert),
    (c"group", Method::Group),
    (c"groupCollapsed", Method::Group),
    (c"groupEnd", Method::GroupEnd),
    (c"count", Method::Count),
    (c"countReset", Method::CountReset),
    (c"time", Method::Time),
    (c"timeLog", Method::TimeLog),
    (c"timeEnd", Method::TimeEnd),
];

/// How many groups are open.
static INDENT: Single<Cell<usize>> = Single::new(Cell::new(0));
/// Counters and timers by label.
static LABELS: Single<RefCell<Vec<(bool, String, i64)>>> = Single::new(RefCell::new(Vec::new()));
/// The most labels that `count` and `time` remember.
const LABELS_MOST: usize = 256;

/// Puts `console` on the global object.
pub fn install() -> qjs::Result<()> {
    let console = Value::object()?;
    for (name, method) in METHODS {
        console.define(name, Value::function(Function::Print, name, 0, method as u8)?)?;
    }
    show::install()?;
    Value::global().define(c"console", console)
}

fn print_or_count(arguments: &Arguments<'_>, detail: u8) -> qjs::Result<Value> {
    if !call::has_console() {
        return Ok(Value::undefined());
    }
    let Some((_, method)) = METHODS.iter().find(|(_, method)| *method as u8 == detail) else {
        return Ok(Value::undefined());
    };
    let mut line = String::new();
    let level = match method {
        Method::Debug => Level::Debug,
        Method::Info => Level::Info,
        Method::Warn => Level::Warn,
        Method::Error => Level::Error,
        Method::Trace => Level::Trace,
        Method::Assert if arguments.get(0).is_truthy() => return Ok(Value::undefined()),
        Method::Assert => {
            line.push_str("assertion failed");
            if arguments.len() > 1 {
                line.push_str(": ");
                list(arguments, 1, &mut line)?;
            }
            return print(Level::Error, &line);
        }
        Method::GroupEnd => {
            INDENT.set(INDENT.get().saturating_sub(1));
            return Ok(Value::undefined());
        }
        Method::Group => {
            list(arguments, 0, &mut line)?;
            let printed = if arguments.len() > 0 { print(Level::Log, &line) } else { Ok(Value::undefined()) };
            INDENT.set((INDENT.get() + 1).min(32));
            return printed;
        }
        Method::Count | Method::CountReset | Method::Time | Method::TimeLog | Method::TimeEnd => {
            return labelled(*method, arguments);
        }
        Method::Dir => return print(Level::Log, &dir(arguments)),
        Method::Table => {
            return print(
                Level::Log,
                &table::draw(&arguments.get(0), &arguments.get(1)).unwrap_or_else(|| text(&arguments.get(0))),
            );
        }
        Method::Log => Level::Log,
    };
    list(arguments, 0, &mut line)?;
    print(level, &line)
}

/// The most levels that `dir` shows.
const DIR_DEPTH: usize = 16;

/// A value as `dir` shows it: strings are in quotes, and the option `depth` says how deep it is looked into.
fn dir(arguments: &Arguments<'_>) -> String {
    let wish = Some(arguments.get(1)).filter(Value::is_object).and_then(|options| options.own_value(b"depth"));
    let levels = match wish {
        Some(depth) if depth.is_null() => DIR_DEPTH,
        Some(depth) => {
            depth.as_number().map_or(DEPTH, |depth| (depth.max(0.0) as usize).saturating_add(1).min(DIR_DEPTH))
        }
        None => DEPTH,
    };
    let mut line = show::nested(&arguments.get(0), levels);
    show::cut(&mut line);
    line
}

fn print(level: Level, line: &str) -> qjs::Result<Value> {
    let indent = INDENT.get();
    let indented;
    let line = if indent == 0 {
        line
    } else {
        let break_and_margin = ["\n", &"  ".repeat(indent)].concat();
        indented = [&break_and_margin[1..], &line.replace('\n', &break_and_margin)].concat();
        &indented
    };
    if abi::is_stopped() || abi::send_console(level, line.as_bytes()) {
        return Err(qjs::throw_stop());
    }
    Ok(Value::undefined())
}

fn labelled(method: Method, arguments: &Arguments<'_>) -> qjs::Result<Value> {
    let label = arguments.get(0);
    let label = if label.is_undefined() { "default".to_owned() } else { text(&label) };
    let is_timer = matches!(method, Method::Time | Method::TimeLog | Method::TimeEnd);
    let now = if is_timer { abi::ask(Ask::MonotonicNanos) } else { 0 };
    let line = {
        let mut labels = LABELS.borrow_mut();
        let found = labels.iter().position(|(timer, name, _)| *timer == is_timer && *name == label);
        match (method, found) {
            (Method::Count, Some(at)) => {
                labels[at].2 += 1;
                Some([&label, ": ", &count(labels[at].2)].concat())
            }
            (Method::Count, None) => {
                if labels.len() < LABELS_MOST {
                    labels.push((false, label.clone(), 1));
                }
                Some([&label, ": 1"].concat())
            }
            (Method::CountReset, Some(at)) => {
                labels.swap_remove(at);
                None
            }
            (Method::Time, None) => {
                if labels.len() < LABELS_MOST {
                    labels.push((true, label.clone(), now));
                }
                None
            }
            (Method::TimeLog | Method::TimeEnd, Some(at)) => {
                // The embedder may have set the clock back since the start.
                let spent = now.saturating_sub(labels[at].2);
                let sign = if spent < 0 { "-" } else { "" };
                let micros = (spent.unsigned_abs() / 1000 + u64::from(spent.unsigned_abs() % 1000 >= 500)) as i64;
                if matches!(method, Method::TimeEnd) {
                    labels.swap_remove(at);
                }
                let fraction = count(1000 + micros % 1000);
                Some([&label, ": ", sign, &count(micros / 1000), ".", &fraction[1..], " ms"].concat())
            }
            _ => None,
        }
    };
    match line {
        Some(line) => print(Level::Log, &line),
        None => Ok(Value::undefined()),
    }
}
