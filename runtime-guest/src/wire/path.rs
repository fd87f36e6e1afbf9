//! Where in a value something is, as messages say it: `result.users[3].f`.

use alloc::string::String;

use crate::json::{decimal, quote};

/// The longest name that is shown whole.
const NAME_BYTES: usize = 60;
/// The most steps that are shown at each end.
const STEPS: usize = 6;

/// One step into a value.
pub enum Step {
    /// Into a member.
    Name(String),
    /// Into an element.
    Index(u32),
    /// Into the key or the value of an entry of a Map, or a member of a Set.
    Entry(u32),
}

/// The text of a path. The middle of a long one is left out.
pub fn text(root: &str, steps: impl DoubleEndedIterator<Item = Step> + ExactSizeIterator) -> String {
    let mut out = String::from(root);
    let left_out = steps.len().saturating_sub(2 * STEPS);
    for (at, step) in steps.enumerate() {
        if left_out > 0 && (STEPS..STEPS + left_out).contains(&at) {
            if at == STEPS {
                out.push('…');
            }
            continue;
        }
        push(&mut out, &step);
    }
    out
}

/// A number as text. The formatting of the standard library would take entries of the WebAssembly table.
pub fn digits(number: u32) -> String {
    decimal(number.into(), &mut [0; 20]).iter().map(|digit| char::from(*digit)).collect()
}

fn push(out: &mut String, step: &Step) {
    match step {
        Step::Index(index) => {
            out.push('[');
            out.push_str(&digits(*index));
            out.push(']');
        }
        Step::Entry(index) => {
            out.push_str(".entry(");
            out.push_str(&digits(*index));
            out.push(')');
        }
        Step::Name(name) if is_identifier(name) && name.len() <= NAME_BYTES => {
            out.push('.');
            out.push_str(name);
        }
        Step::Name(name) => {
            let mut end = name.len().min(NAME_BYTES);
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            out.push('[');
            quote(name.get(..end).unwrap_or_default(), out);
            out.push_str(if end < name.len() { "…]" } else { "]" });
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
    name.chars().all(is_plain) && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}
