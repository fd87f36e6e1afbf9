//! Several values as one line. The first value may be a format for the others.
//!
//! It knows the directives of a format. [`show`](super::show) knows what a value looks like without one.

use alloc::string::String;

use super::show::{LINE_BYTES, cut, nested, plain, text};
use crate::qjs::{self, Arguments, Value};
use crate::{abi, natives, report};

/// Appends the arguments from one on, with a space between them.
pub fn list(arguments: &Arguments<'_>, from: usize, out: &mut String) -> qjs::Result<()> {
    let mut next = from;
    let first = arguments.get(from);
    if first.is_string() && arguments.len() > from + 1 {
        next += 1;
        fill(&plain(&first), arguments, &mut next, out)?;
    }
    for index in next..arguments.len() {
        if index > from {
            out.push(' ');
        }
        out.push_str(&text(&arguments.get(index)));
        if out.len() > LINE_BYTES {
            break;
        }
    }
    cut(out);
    Ok(())
}

/// Appends a format with the arguments that its directives take. A directive without an argument stays as it is.
fn fill(format: &str, arguments: &Arguments<'_>, next: &mut usize, out: &mut String) -> qjs::Result<()> {
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let directive = behind.chars().next();
        let is_known = matches!(directive, Some('s' | 'd' | 'i' | 'f' | 'j' | 'o' | 'O' | 'c'));
        match directive {
            Some('%') => out.push('%'),
            Some(directive) if is_known && *next < arguments.len() && out.len() <= LINE_BYTES => {
                out.push_str(&directed(directive, &arguments.get(*next))?);
                *next += 1;
            }
            Some(other) => {
                out.push('%');
                out.push(other);
            }
            None => out.push('%'),
        }
        rest = behind.get(directive.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(())
}

/// One value as a directive wants it.
fn directed(directive: char, value: &Value) -> qjs::Result<String> {
    Ok(match directive {
        's' if value.is_function() => {
            natives::function_text(value).map_or_else(|| text(value), |source| plain(&source))
        }
        's' if value.is_object() && has_own_text(value) => value.lossy_start(LINE_BYTES + 4)?,
        's' if value.is_object() => nested(value, 1),
        'd' | 'i' if value.is_big_int() => text(value),
        'd' => number(value.primitive_number().or_else(|| natives::time_of(value))),
        'i' => number(natives::parse_int(value)),
        'f' => number(natives::parse_float(value)),
        'j' => json(value)?,
        'c' => String::new(),
        'O' | 'o' if value.is_string() => nested(value, 1),
        _ => text(value),
    })
}

fn number(number: Option<f64>) -> String {
    text(&Value::number(number.unwrap_or(f64::NAN)))
}

/// Whether the script has given an object a `toString`, whose text is then shown.
fn has_own_text(value: &Value) -> bool {
    !value.is_proxy()
        && natives::inherited(value, b"toString")
            .is_some_and(|to_string| to_string.is_function() && !natives::is_engines_to_string(&to_string))
}

fn json(value: &Value) -> qjs::Result<String> {
    match value.to_json(&Value::undefined(), &Value::undefined()) {
        Ok(json) => json.lossy_start(LINE_BYTES + 4),
        Err(thrown) if abi::is_stopped() => Err(thrown),
        Err(thrown) => {
            let reason = qjs::take_exception(thrown);
            let is_cycle = reason.is_error() && report::message(&reason) == "circular reference";
            if is_cycle { Ok("[Circular]".into()) } else { Err(qjs::throw(reason)) }
        }
    }
}
