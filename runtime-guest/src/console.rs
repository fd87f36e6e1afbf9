//! `console`: any value to a line of text, without running script code on the way.
//!
//! It looks at own properties by their descriptors, so getters are named and not called, and Proxies are not entered.

use belljar_abi::{Ask, Level};

use crate::qjs::{self, Arguments, Atom, Native, Property, Value};
use crate::report::{present, quote};
use crate::{abi, state};

/// How deep nested values are shown.
const DEPTH: usize = 4;
/// How many entries of one object or array are shown.
const ENTRIES: usize = 100;
/// The most that one line holds; the rest is cut.
const LINE_BYTES: usize = 64 << 10;

/// What a method of `console` does besides printing, as the `magic` of its function.
#[derive(Clone, Copy)]
enum Method {
    Debug,
    Log,
    Info,
    Warn,
    Error,
    Trace,
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
    (c"dir", Method::Log),
    (c"dirxml", Method::Log),
    (c"table", Method::Log),
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

thread_local! {
    /// Counters and timers by label.
    static LABELS: std::cell::RefCell<Vec<(bool, String, i64)>> = const { std::cell::RefCell::new(Vec::new()) };
}

thread_local! {
    /// The engine's own `forEach` of maps and of sets, kept from before any script ran.
    static FOR_EACH: std::cell::RefCell<Option<(Value, Value, Value)>> = const { std::cell::RefCell::new(None) };
    /// What the walk over a map or set in progress has found.
    static FOUND: std::cell::RefCell<Vec<(Value, Value)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The most labels that `count` and `time` remember.
const LABELS_MOST: usize = 256;

/// Puts `console` on the global object.
pub fn install() -> qjs::Result<()> {
    let console = Value::object()?;
    for (name, method) in METHODS {
        console.define(name, Value::function::<Console>(name, 0, method as u8)?)?;
    }
    let global = Value::global();
    let for_each = |class: &core::ffi::CStr| global.get(class)?.get(c"prototype")?.get(c"forEach");
    let kept = (for_each(c"Map")?, for_each(c"Set")?, Value::function::<Found>(c"", 2, 0)?);
    FOR_EACH.set(Some(kept));
    global.define(c"console", console)
}

/// Remembers the entries of the map or set that is being shown.
struct Found;

impl Native for Found {
    fn call(arguments: &Arguments<'_>, _: i32) -> qjs::Result<Value> {
        FOUND.with_borrow_mut(|found| {
            // One more than is shown, so that the reader learns that there are more.
            if found.len() <= ENTRIES {
                found.push((arguments.get(1), arguments.get(0)));
            }
        });
        Ok(Value::undefined())
    }
}

struct Console;

impl Native for Console {
    fn call(arguments: &Arguments<'_>, magic: i32) -> qjs::Result<Value> {
        if !state::has_console() {
            return Ok(Value::undefined());
        }
        let Some((_, method)) = METHODS.iter().find(|(_, method)| *method as i32 == magic) else {
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
                    list(arguments, 1, &mut line);
                }
                return print(Level::Error, &line);
            }
            Method::GroupEnd => {
                state::with(|state| state.indent = state.indent.saturating_sub(1));
                return Ok(Value::undefined());
            }
            Method::Group => {
                list(arguments, 0, &mut line);
                let printed = if arguments.len() > 0 { print(Level::Log, &line) } else { Ok(Value::undefined()) };
                state::with(|state| state.indent = (state.indent + 1).min(32));
                return printed;
            }
            Method::Count | Method::CountReset | Method::Time | Method::TimeLog | Method::TimeEnd => {
                return labelled(*method, arguments);
            }
            Method::Log => Level::Log,
        };
        list(arguments, 0, &mut line);
        print(level, &line)
    }
}

fn print(level: Level, line: &str) -> qjs::Result<Value> {
    let indent = state::with(|state| state.indent);
    let indented;
    let line = if indent == 0 {
        line
    } else {
        let margin = "  ".repeat(indent);
        indented = format!("{margin}{}", line.replace('\n', &format!("\n{margin}")));
        &indented
    };
    if abi::is_stopped() || abi::send_console(level, line.as_bytes()) {
        return Err(qjs::throw_stop());
    }
    Ok(Value::undefined())
}

fn labelled(method: Method, arguments: &Arguments<'_>) -> qjs::Result<Value> {
    let label = arguments.get(0);
    let label = if label.is_undefined() { "default".to_owned() } else { label.lossy()? };
    let is_timer = matches!(method, Method::Time | Method::TimeLog | Method::TimeEnd);
    let now = if is_timer { abi::ask(Ask::MonotonicNanos) } else { 0 };
    let line = LABELS.with_borrow_mut(|labels| {
        let found = labels.iter().position(|(timer, name, _)| *timer == is_timer && *name == label);
        match (method, found) {
            (Method::Count, Some(at)) => {
                labels[at].2 += 1;
                Some(format!("{label}: {}", labels[at].2))
            }
            (Method::Count, None) => {
                if labels.len() < LABELS_MOST {
                    labels.push((false, label.clone(), 1));
                }
                Some(format!("{label}: 1"))
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
                let spent = (now - labels[at].2) as f64 / 1e6;
                if matches!(method, Method::TimeEnd) {
                    labels.swap_remove(at);
                }
                Some(format!("{label}: {spent:.3} ms"))
            }
            _ => None,
        }
    });
    match line {
        Some(line) => print(Level::Log, &line),
        None => Ok(Value::undefined()),
    }
}

fn list(arguments: &Arguments<'_>, from: usize, out: &mut String) {
    for index in from..arguments.len() {
        if index > from {
            out.push(' ');
        }
        let value = arguments.get(index);
        if value.is_string() {
            out.push_str(&present(value.lossy()).unwrap_or_default());
        } else {
            show(&value, 0, &mut Vec::new(), out);
        }
        if out.len() > LINE_BYTES {
            cut(out);
            return;
        }
    }
}

fn cut(out: &mut String) {
    let mut end = LINE_BYTES;
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out.push('…');
}

fn show(value: &Value, depth: usize, above: &mut Vec<Value>, out: &mut String) {
    if out.len() > LINE_BYTES || abi::is_stopped() {
        return;
    }
    if value.is_string() {
        quote(&present(value.lossy()).unwrap_or_default(), out);
        return;
    }
    if value.is_symbol() {
        out.push_str("Symbol(");
        let description = present(value.get(c"description")).filter(|text| !text.is_undefined());
        out.push_str(&description.and_then(|text| present(text.lossy())).unwrap_or_default());
        out.push(')');
        return;
    }
    if !value.is_object() {
        out.push_str(&present(value.lossy()).unwrap_or_default());
        if value.is_big_int() {
            out.push('n');
        }
        return;
    }
    if value.is_proxy() {
        out.push_str("[Proxy]");
        return;
    }
    if above.iter().any(|other| other.is_same(value)) {
        out.push_str("[Circular]");
        return;
    }
    if value.is_error() {
        show_error(value, out);
        return;
    }
    if value.is_function() {
        let name =
            data(value, b"name").filter(Value::is_string).and_then(|name| present(name.lossy())).unwrap_or_default();
        out.push_str(if name.is_empty() { "[Function]" } else { "[Function: " });
        if !name.is_empty() {
            out.push_str(&name);
            out.push(']');
        }
        return;
    }
    let class = present(value.class_name()).and_then(|name| present(name.lossy())).unwrap_or_default();
    if value.is_date()
        || value.is_regexp()
        || matches!(
            class.as_str(),
            "Number" | "String" | "Boolean" | "BigInt" | "Promise" | "WeakMap" | "WeakSet" | "WeakRef"
        )
    {
        show_opaque(value, &class, out);
        return;
    }
    if depth >= DEPTH {
        out.push_str(if value.is_array() { "[Array]" } else { "[Object]" });
        return;
    }
    above.push(value.clone());
    if value.is_array() {
        show_array(value, depth, above, out);
    } else {
        if value.is_map() || value.is_set() {
            show_collection(value, &class, depth, above, out);
        } else if class != "Object" {
            out.push_str(&class);
            out.push(' ');
            show_entries(value, depth, above, out);
        } else {
            show_entries(value, depth, above, out);
        }
    }
    above.pop();
}

/// Dates, expressions and boxed values by the text that their own class gives, found on a prototype that script may
/// have changed; what that throws is left out.
fn show_opaque(value: &Value, class: &str, out: &mut String) {
    match present(value.lossy()) {
        Some(text) if !text.starts_with("[object ") => out.push_str(&text),
        _ => {
            out.push('[');
            out.push_str(class);
            out.push(']');
        }
    }
}

fn show_error(value: &Value, out: &mut String) {
    let part = |name: &core::ffi::CStr| {
        present(value.get(name)).filter(Value::is_string).and_then(|text| present(text.lossy()))
    };
    out.push_str(&part(c"name").unwrap_or_else(|| "Error".into()));
    if let Some(message) = part(c"message").filter(|message| !message.is_empty()) {
        out.push_str(": ");
        out.push_str(&message);
    }
    if let Some(stack) = part(c"stack").filter(|stack| !stack.trim().is_empty()) {
        out.push('\n');
        out.push_str(stack.trim_end());
    }
}

fn show_array(value: &Value, depth: usize, above: &mut Vec<Value>, out: &mut String) {
    let length = present(value.length()).unwrap_or(0);
    out.push('[');
    for index in 0..length.min(ENTRIES as i64) {
        out.push_str(if index == 0 { " " } else { ", " });
        match data(value, index.to_string().as_bytes()) {
            Some(element) => show(&element, depth + 1, above, out),
            None => out.push_str("<empty>"),
        }
    }
    if length > ENTRIES as i64 {
        out.push_str(&format!(", … {} more", length - ENTRIES as i64));
    }
    out.push_str(if length > 0 { " ]" } else { "]" });
}

fn show_collection(value: &Value, class: &str, depth: usize, above: &mut Vec<Value>, out: &mut String) {
    let kept = FOR_EACH.with_borrow(Clone::clone);
    if let Some((map, set, found)) = kept {
        drop(present(if value.is_map() { map } else { set }.call(value, &[&found])));
    }
    let entries = FOUND.take();
    out.push_str(class);
    out.push_str(" {");
    for (index, (key, value_of)) in entries.iter().take(ENTRIES).enumerate() {
        out.push_str(if index == 0 { " " } else { ", " });
        if value.is_map() {
            show(key, depth + 1, above, out);
            out.push_str(" => ");
        }
        show(value_of, depth + 1, above, out);
    }
    if entries.len() > ENTRIES {
        out.push_str(", …");
    }
    out.push_str(if entries.is_empty() { "}" } else { " }" });
}

fn show_entries(value: &Value, depth: usize, above: &mut Vec<Value>, out: &mut String) {
    let keys = present(value.own_keys()).unwrap_or_default();
    out.push('{');
    for (index, key) in keys.iter().take(ENTRIES).enumerate() {
        out.push_str(if index == 0 { " " } else { ", " });
        if key.is_symbol() {
            out.push('[');
            show(key, depth, above, out);
            out.push(']');
        } else {
            let name = present(key.lossy()).unwrap_or_default();
            let is_plain = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
            if is_plain { out.push_str(&name) } else { quote(&name, out) }
        }
        out.push_str(": ");
        match present(Atom::of(key)).and_then(|atom| present(value.own(&atom)).flatten()) {
            Some(Property::Value(value)) => show(&value, depth + 1, above, out),
            Some(Property::Accessor) => out.push_str("[Getter]"),
            None => out.push_str("<gone>"),
        }
    }
    if keys.len() > ENTRIES {
        out.push_str(&format!(", … {} more", keys.len() - ENTRIES));
    }
    out.push_str(if keys.is_empty() { "}" } else { " }" });
}

/// An own data property.
fn data(value: &Value, name: &[u8]) -> Option<Value> {
    let name = present(Atom::new(name))?;
    match present(value.own(&name))?? {
        Property::Value(value) => Some(value),
        Property::Accessor => None,
    }
}
