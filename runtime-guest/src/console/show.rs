//! What a value looks like on the console.
//!
//! It reads property descriptors, so getters are named and not called, and it does not look into Proxies. Values behind
//! getters and methods of the engine are read with [`natives`], which no script can replace. Code of the script runs in
//! one case only: when the engine runs out of memory or stack here, it makes an error, and that calls the script's
//! `Error.prepareStackTrace`.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::Function;
use crate::json::{decimal, quote};
use crate::qjs::{self, Arguments, Atom, PromiseState, Property, Value, present};
use crate::single::Single;
use crate::{abi, natives};

/// How deep nested values are shown.
pub const DEPTH: usize = 4;
/// How many entries of one object or array are shown.
pub const ENTRIES: usize = 100;
/// The longest line; the rest is cut. A line that was cut still fits into the default limit of console output.
pub const LINE_BYTES: usize = 32 << 10;

/// The function that walks over maps and sets.
static WALKER: Single<RefCell<Option<Value>>> = Single::new(RefCell::new(None));
/// What the walk over a map or set in progress has found.
static FOUND: Single<RefCell<Vec<(Value, Value)>>> = Single::new(RefCell::new(Vec::new()));

/// Makes the function that walks over maps and sets.
pub fn install() -> qjs::Result<()> {
    WALKER.replace(Some(Value::function(Function::Found, c"", 2, 0)?));
    Ok(())
}

/// The entries of a map or a set, each a key and its value: at most one more than is shown.
pub fn entries(of: &Value) -> Vec<(Value, Value)> {
    let walker = WALKER.borrow().clone();
    if let Some(walker) = walker {
        natives::for_each(of, &walker);
    }
    FOUND.take()
}

/// Remembers the entries of the map or set that is being shown.
pub fn found(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let mut found = FOUND.borrow_mut();
    found.push((arguments.get(1), arguments.get(0)));
    // One more than is shown, so that the reader learns that there are more.
    let is_enough = found.len() > ENTRIES;
    drop(found);
    // Not an Error: making one can call `Error.prepareStackTrace` of the script.
    if is_enough { Err(qjs::throw(Value::undefined())) } else { Ok(Value::undefined()) }
}

/// The digits of a number.
pub fn count(number: i64) -> String {
    decimal(number, &mut [0; 20]).iter().copied().map(char::from).collect()
}

/// Says how many entries are not shown.
fn more(entries: i64, out: &mut String) {
    out.push_str(", … ");
    out.push_str(&count(entries));
    out.push_str(" more");
}

/// A value beside others on a line: strings without quotes.
pub fn text(value: &Value) -> String {
    if value.is_string() {
        return plain(value);
    }
    let mut out = String::new();
    show(value, DEPTH, &mut Vec::new(), &mut out);
    out
}

/// A value alone on a line.
pub fn line(value: &Value) -> String {
    let mut out = text(value);
    cut(&mut out);
    out
}

/// A value with this many levels of nested values. Strings are in quotes.
pub fn nested(value: &Value, levels: usize) -> String {
    let mut out = String::new();
    show(value, levels, &mut Vec::new(), &mut out);
    out
}

/// Cuts a line that is too long.
pub fn cut(out: &mut String) {
    if out.len() <= LINE_BYTES {
        return;
    }
    let mut end = LINE_BYTES;
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out.push('…');
}

/// The text of a primitive, cut to what a line can hold.
pub fn plain(value: &Value) -> String {
    present(value.lossy_start(LINE_BYTES + 4)).unwrap_or_default()
}

fn show(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    if out.len() > LINE_BYTES || abi::is_stopped() {
        return;
    }
    if !value.is_object() {
        show_primitive(value, out);
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
    if value.is_function() {
        show_function(value, out);
        return;
    }
    let class = present(value.class_name()).map(|name| plain(&name)).unwrap_or_default();
    if show_content(value, &class, out) {
        return;
    }
    if levels == 0 && !value.is_error() {
        out.push_str(if value.is_array() { "[Array]" } else { "[Object]" });
        return;
    }
    above.push(value.clone());
    if value.is_error() {
        show_error(value, levels, above, out);
    } else {
        let name = natives::constructor_name(value).map(|name| plain(&name)).filter(|name| !name.is_empty());
        let is_plain = class == "Object" || class == "Array";
        match name {
            // An object of a class that extends one of the engine's is shown with both names.
            Some(name) if name != class && is_plain && name != "Object" => {
                out.push_str(&name);
                out.push(' ');
            }
            Some(name) if name != class && !is_plain && !class.ends_with("Iterator") && name != "Object" => {
                out.push_str(&[&name, " [", &class, "] "].concat());
            }
            _ if is_plain => {}
            _ => {
                out.push_str(&class);
                out.push(' ');
            }
        }
        if value.is_array() {
            show_array(value, levels, above, out);
        } else if value.is_map() || value.is_set() {
            show_collection(value, levels, above, out);
        } else if value.is_typed_array() {
            show_typed_array(value, out);
        } else if value.is_promise() {
            show_promise(value, levels, above, out);
        } else if let Some(length) = natives::byte_length(&class, value) {
            out.push_str(&["{ byteLength: ", &count(length as i64), " }"].concat());
        } else {
            show_entries(value, levels, above, out);
        }
    }
    above.pop();
}

fn show_primitive(value: &Value, out: &mut String) {
    if value.is_string() {
        quote(&plain(value), out);
    } else if value.is_symbol() {
        out.push_str("Symbol(");
        out.push_str(&natives::description(value).map(|text| plain(&text)).unwrap_or_default());
        out.push(')');
    } else if value.as_number().is_some_and(|number| number == 0.0 && number.is_sign_negative()) {
        out.push_str("-0");
    } else {
        out.push_str(&plain(value));
        if value.is_big_int() {
            out.push('n');
        }
    }
}

fn show_function(value: &Value, out: &mut String) {
    let name = value.own_value(b"name").filter(Value::is_string).map(|name| plain(&name)).unwrap_or_default();
    out.push_str(if name.is_empty() { "[Function]" } else { "[Function: " });
    if !name.is_empty() {
        out.push_str(&name);
        out.push(']');
    }
}

/// Appends an object that stands for one value (a date, a regular expression, a boxed primitive), or whose content
/// cannot be read. False for any other object.
fn show_content(value: &Value, class: &str, out: &mut String) -> bool {
    if value.is_date() {
        out.push_str(&natives::iso_date(value).map_or("Invalid Date".into(), |date| plain(&date)));
    } else if value.is_regexp() {
        out.push('/');
        out.push_str(&natives::source(value).map(|source| plain(&source)).unwrap_or_default());
        out.push('/');
        out.push_str(&natives::flags(value));
    } else if matches!(class, "Number" | "String" | "Boolean" | "BigInt" | "Symbol") {
        out.push('[');
        out.push_str(class);
        if let Some(inner) = natives::unboxed(class, value) {
            out.push_str(": ");
            show_primitive(&inner, out);
        }
        out.push(']');
    } else if matches!(class, "WeakMap" | "WeakSet" | "WeakRef") {
        out.push('[');
        out.push_str(class);
        out.push(']');
    } else {
        return false;
    }
    true
}

fn show_promise(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    match value.promise_state() {
        PromiseState::Pending => out.push_str("{ <pending> }"),
        state => {
            out.push_str(if state == PromiseState::Rejected { "{ <rejected> " } else { "{ " });
            show(&value.promise_result(), levels - 1, above, out);
            out.push_str(" }");
        }
    }
}

fn show_error(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    let part = |name: &[u8]| natives::inherited(value, name).filter(Value::is_string).map(|text| plain(&text));
    out.push_str(&part(b"name").unwrap_or_else(|| "Error".into()));
    if let Some(message) = part(b"message").filter(|message| !message.is_empty()) {
        out.push_str(": ");
        out.push_str(&message);
    }
    // A `stack` that the script has set hides the engine's.
    let stack = value.own_value(b"stack").filter(Value::is_string).or_else(|| natives::stack(value));
    if let Some(stack) = stack.map(|stack| plain(&stack)).filter(|stack| !stack.trim().is_empty()) {
        out.push('\n');
        out.push_str(stack.trim_end());
    }
    if levels > 0
        && let Some(cause) = value.own_value(b"cause")
    {
        out.push_str("\n[cause] ");
        show(&cause, levels - 1, above, out);
    }
}

fn show_array(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    let length = present(value.length()).unwrap_or(0);
    out.push('[');
    for index in 0..length.min(ENTRIES as i64) {
        out.push_str(if index == 0 { " " } else { ", " });
        let name = present(Atom::new(decimal(index, &mut [0; 20])));
        match name.and_then(|name| present(value.own(&name)).flatten()) {
            Some(Property::Value(element)) => show(&element, levels - 1, above, out),
            Some(Property::Accessor(_)) => out.push_str("[Getter]"),
            None => out.push_str("<empty>"),
        }
    }
    if length > ENTRIES as i64 {
        more(length - ENTRIES as i64, out);
    }
    out.push_str(if length > 0 { " ]" } else { "]" });
}

fn show_typed_array(value: &Value, out: &mut String) {
    // The length is inherited, and a script can hide it. The elements are own properties, which it cannot hide.
    let length = natives::typed_length(value);
    out.push('[');
    for index in 0..length.min(ENTRIES) {
        out.push_str(if index == 0 { " " } else { ", " });
        if let Some(element) = value.own_value(decimal(index as i64, &mut [0; 20])) {
            show_primitive(&element, out);
        }
    }
    if length > ENTRIES {
        more((length - ENTRIES) as i64, out);
    }
    out.push_str(if length > 0 { " ]" } else { "]" });
}

fn show_collection(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    let entries = entries(value);
    out.push('{');
    for (index, (key, value_of)) in entries.iter().take(ENTRIES).enumerate() {
        out.push_str(if index == 0 { " " } else { ", " });
        if value.is_map() {
            show(key, levels - 1, above, out);
            out.push_str(" => ");
        }
        show(value_of, levels - 1, above, out);
    }
    if entries.len() > ENTRIES {
        out.push_str(", …");
    }
    out.push_str(if entries.is_empty() { "}" } else { " }" });
}

fn show_entries(value: &Value, levels: usize, above: &mut Vec<Value>, out: &mut String) {
    let (keys, all) = present(value.own_keys(ENTRIES)).unwrap_or_default();
    out.push('{');
    for (index, key) in keys.iter().enumerate() {
        out.push_str(if index == 0 { " " } else { ", " });
        if key.is_symbol() {
            out.push('[');
            show_primitive(key, out);
            out.push(']');
        } else {
            let name = plain(key);
            let is_plain = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
            if is_plain { out.push_str(&name) } else { quote(&name, out) }
        }
        out.push_str(": ");
        match present(Atom::of(key)).and_then(|atom| present(value.own(&atom)).flatten()) {
            Some(Property::Value(value)) => show(&value, levels - 1, above, out),
            Some(Property::Accessor(_)) => out.push_str("[Getter]"),
            None => out.push_str("<gone>"),
        }
    }
    if all > keys.len() {
        more((all - keys.len()) as i64, out);
    }
    out.push_str(if all == 0 { "}" } else { " }" });
}
