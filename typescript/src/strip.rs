//! The public face: which names mean TypeScript, and stripping.
//!
//! It owns what a hostile source can cost its host: an error, and no more. It must never know the grammar.

use std::borrow::Cow;
use std::panic::catch_unwind;

use crate::blank::blanked;
use crate::error::SyntaxError;
use crate::fault::{Cause, Fault, Parse};
use crate::parser::Parser;

/// Whether the name of a file says that it is TypeScript. Of `.tsx` and `.cts` files, [`strip`] says why it does not
/// take them.
///
/// ```
/// use belljar_typescript::is_typescript;
///
/// assert!(is_typescript("rules/main.ts") && is_typescript("main.mts") && is_typescript("main.tsx"));
/// assert!(!is_typescript("main.js") && !is_typescript("ts"));
/// ```
#[must_use]
pub fn is_typescript(name: &str) -> bool {
    [".ts", ".mts", ".cts", ".tsx"].iter().any(|ending| name.ends_with(ending))
}

/// Blanks the types of a source. What is left is JavaScript in which every line and every column is where it was. A
/// source without types comes back as it is.
///
/// The types are not checked, and neither is the JavaScript around them: what the parser does not need to understand,
/// the engine refuses.
///
/// Code that people write takes a fifth of a millisecond for 10 KB. A hostile source takes at most about a second for
/// each megabyte, and ten times its size in memory. Strip it on a thread that may be busy for so long, or bound its
/// size first.
///
/// ```
/// use belljar_typescript::strip;
///
/// let source = "const double = (n: number): number => n * 2;";
/// assert_eq!(strip(source, "main.ts")?, "const double = (n        )         => n * 2;");
/// # Ok::<(), belljar_typescript::SyntaxError>(())
/// ```
///
/// # Errors
///
/// For what is more than a type, such as an enum, for what is neither TypeScript nor JavaScript, for a source that is
/// larger than 10 MB, nested too deeply, or ambiguous in too many places, and for names that end in `.tsx` or `.cts`.
pub fn strip<'s>(source: &'s str, name: &str) -> Result<Cow<'s, str>, SyntaxError> {
    of_a_language(name)
        .and_then(|()| guarded(|| parsed(source)))
        .map_err(|fault| SyntaxError::new(&fault, source, name))
}

fn of_a_language(name: &str) -> Parse {
    let refuse = |cause| Err(Fault::new(0, cause));
    match name {
        name if name.ends_with(".tsx") => refuse(Cause::Tsx),
        name if name.ends_with(".cts") => refuse(Cause::Cts),
        _ => Ok(()),
    }
}

fn parsed(source: &str) -> Parse<Cow<'_, str>> {
    let mut parser = Parser::new(source)?;
    match parser.source() {
        Ok(()) => Ok(blanked(source, &parser.blanks)),
        Err(fault) => Err(parser.blame(fault)),
    }
}

/// Runs the parser. Nothing in it should panic; if something does, the embedder gets an error.
fn guarded<'s>(parse: impl FnOnce() -> Parse<Cow<'s, str>> + std::panic::UnwindSafe) -> Parse<Cow<'s, str>> {
    catch_unwind(parse).unwrap_or(Err(Fault::new(0, Cause::Panic)))
}

#[cfg(test)]
mod tests {
    use super::{Cause, guarded};

    #[test]
    fn a_panic_is_an_error_and_no_more() {
        #[allow(clippy::panic, reason = "it is what the test is about")]
        let ended = guarded(|| panic!("a bug"));
        assert_eq!(ended.map_err(|fault| fault.cause), Err(Cause::Panic));
    }
}
