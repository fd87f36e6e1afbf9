//! Why a source was not stripped, while its parser still runs: a place and a cause, without text of the source.
//!
//! It owns the words of every message. It must never know who reads them.

use std::fmt;

/// The result of every function of the parser. It is one word, which keeps the frames of a debug build small.
pub(crate) type Parse<T = ()> = Result<T, Box<Fault>>;

/// A cause, and the byte that it is about.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) cause: Cause,
}

impl Fault {
    pub(crate) fn new(at: usize, cause: Cause) -> Box<Fault> {
        Box::new(Fault { at, cause })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// What should stand here.
    Expected(&'static str),
    /// What begins here and has no end.
    Unfinished(&'static str),
    Character,
    Size,
    Depth,
    Work,
    Panic,
    Tsx,
    Cts,
    Enum,
    Namespace,
    ParameterProperty,
    Decorator,
    Accessor,
    ImportEquals,
    ExportEquals,
    Jsx,
    /// An operator behind `as T` binds more tightly than one in front of it.
    Assertion,
    /// A type in front of a value that must begin on the same line ends on another one.
    Line,
}

impl Cause {
    /// Whether this ends an attempt of the parser and everything around it.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Cause::Size | Cause::Depth | Cause::Work)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Expected(what) => return write!(f, "expected {what}"),
            Cause::Unfinished(what) => return write!(f, "this {what} has no end"),
            Cause::Character => "this character has no meaning here",
            Cause::Size => "TypeScript is limited to 10 MB in one file; split it",
            Cause::Depth => "this is nested too deeply for TypeScript; give a part of it a name",
            Cause::Work => "this file has too much that could be a type or an expression; put brackets around a part",
            Cause::Panic => {
                "the parser of TypeScript failed, which is a bug of belljar; compile the file to JavaScript"
            }
            Cause::Tsx => "a .tsx file has JSX, which cannot be erased; compile it to JavaScript first",
            Cause::Cts => "a .cts file is a CommonJS module, and there is no CommonJS here; rename it to .ts or .mts",
            Cause::Enum => {
                "an enum cannot be erased, because it is code; write an object: const NAME = { A: 'a' } as const"
            }
            Cause::Namespace => {
                "a namespace with values cannot be erased, because it is code; write an object or a module of its own"
            }
            Cause::ParameterProperty => {
                "a parameter property cannot be erased, because it is code; declare the field, and assign it in the \
                 constructor"
            }
            Cause::Decorator => "a decorator cannot be erased, because it is code; call it as a function",
            Cause::Accessor => "an auto-accessor cannot be erased, because it is code; write a getter and a setter",
            Cause::ImportEquals => "`import NAME =` cannot be erased; write import … from, or a const",
            Cause::ExportEquals => "`export =` cannot be erased; write export default",
            Cause::Jsx => "JSX cannot be erased; write calls of functions, or compile it to JavaScript first",
            Cause::Assertion => {
                "without the type, the operators here would bind in another order; put brackets around the assertion"
            }
            Cause::Line => "without the type, the line would end in front of the value; put the value on this line",
        })
    }
}
