//! The web APIs: classes that scripts know from browsers and that need no authority.
//!
//! They are written in JavaScript, in `js/`, and on native functions where the work is. The scripts run while the image
//! is built. What they need of the engine they take before any other script has run, and what they share stays in
//! their closures, so that scripts find nothing of it but the classes. Their text is not in the image.

use alloc::string::String;
use core::cell::{Cell, RefCell};
use core::ffi::CStr;

use belljar_abi::Ask;

use crate::abi;
use crate::natives;
use crate::qjs::{self, Arguments, Atom, Value, functions, heap};
use crate::single::Single;

pub mod bytes;
pub mod crypto;
mod digest;
pub mod mime;
pub mod url;

functions! {
    Push => push,
    ToText => to_text,
    WellFormed => well_formed,
    Excerpt => excerpt,
    TimeOrigin => time_origin,
}

/// A script, which is cleared when it has run: what is clear takes no room in the image.
struct Source<const BYTES: usize>(RefCell<[u8; BYTES]>);

impl<const BYTES: usize> Source<BYTES> {
    /// The text, with the NUL that the engine wants behind it.
    const fn new(text: &str) -> Single<Source<BYTES>> {
        let mut bytes = [0; BYTES];
        bytes.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
        Single::new(Source(RefCell::new(bytes)))
    }

    /// Runs the script, which is a function that takes the kit.
    fn run(&self, kit: &Value) -> qjs::Result<()> {
        let mut text = self.0.borrow_mut();
        qjs::eval_for_image(&*text)?.call(&Value::undefined(), &[kit])?;
        text.fill(0);
        Ok(())
    }
}

macro_rules! scripts {
    ($($name:ident => $path:literal,)*) => {
        $(static $name: Single<Source<{ include_str!(concat!("../../js/", $path)).len() + 1 }>> =
            Source::new(include_str!(concat!("../../js/", $path)));)*

        fn run(kit: &Value) -> qjs::Result<()> {
            $($name.run(kit)?;)*
            Ok(())
        }
    };
}

scripts! {
    KIT => "kit.js",
    BASICS => "basics.js",
    URL => "url.js",
    EVENTS => "events.js",
    ABORT => "abort.js",
    BLOB => "blob.js",
    FORM => "form.js",
    HEADERS => "headers.js",
    BODY => "body.js",
    FETCH => "fetch.js",
    PERFORMANCE => "performance.js",
    CRYPTO => "crypto.js",
}

/// Puts the classes on the global object. Runs once, while the image is built.
pub fn install() -> qjs::Result<()> {
    let kit = Value::object()?;
    kit.define(c"push", Value::function(Function::Push, c"", 2, 0)?)?;
    kit.define(c"string", Value::function(Function::ToText, c"", 1, 0)?)?;
    kit.define(c"wellFormed", Value::function(Function::WellFormed, c"", 1, 0)?)?;
    kit.define(c"excerpt", Value::function(Function::Excerpt, c"", 1, 0)?)?;
    kit.define(c"timeOrigin", Value::function(Function::TimeOrigin, c"", 0, 0)?)?;
    bytes::install(&kit)?;
    crypto::install(&kit)?;
    mime::install(&kit)?;
    url::install(&kit)?;
    run(&kit)
}

/// Every global that is neither of ECMAScript nor the jar's own.
const GLOBALS: [&CStr; 31] = [
    c"AbortController",
    c"AbortSignal",
    c"Blob",
    c"Crypto",
    c"CryptoKey",
    c"CustomEvent",
    c"DOMException",
    c"Event",
    c"EventTarget",
    c"File",
    c"FormData",
    c"Headers",
    c"Performance",
    c"Request",
    c"Response",
    c"SubtleCrypto",
    c"TextDecoder",
    c"TextEncoder",
    c"URL",
    c"URLSearchParams",
    c"atob",
    c"btoa",
    c"clearInterval",
    c"clearTimeout",
    c"crypto",
    c"performance",
    c"queueMicrotask",
    c"self",
    c"setInterval",
    c"setTimeout",
    c"structuredClone",
];

/// Whether they were taken away. What has such a name after that is a script's own.
static ARE_REMOVED: Single<Cell<bool>> = Single::new(Cell::new(false));

/// Takes all of them away, unless that was done before.
pub fn remove() -> qjs::Result<()> {
    if !ARE_REMOVED.replace(true) {
        for name in GLOBALS {
            Value::global().delete(&Atom::new(name.to_bytes())?)?;
        }
    }
    Ok(())
}

/// Throws when there is no room for so many more bytes outside of the engine's own heap, whose limit counts for them too.
pub fn room(bytes: usize) -> qjs::Result<()> {
    let mut probe = alloc::vec::Vec::<u8>::new();
    if bytes > heap::room() || probe.try_reserve_exact(bytes).is_err() {
        return Err(qjs::throw_out_of_memory());
    }
    Ok(())
}

/// UTF-8 with each wrong sequence replaced.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// Adds values to a list. An assignment would look for setters on the prototype of arrays.
fn push(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let list = arguments.get(0);
    let length = u32::try_from(list.length()?).unwrap_or(u32::MAX);
    for (index, at) in (length..).zip(1..arguments.len()) {
        list.define_index(index, arguments.get(at))?;
    }
    Ok(Value::undefined())
}

/// The text of a value, as Web IDL converts it to a `DOMString`.
fn to_text(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    arguments.get(0).to_text()
}

/// The text of a value, as Web IDL converts it to a `USVString`.
fn well_formed(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    natives::well_formed(&arguments.get(0).to_text()?)
}

/// When the instance began, in milliseconds since the Unix epoch.
fn time_origin(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (now, age) = (abi::ask(Ask::WallMicros) as f64 / 1e3, abi::ask(Ask::MonotonicNanos) as f64 / 1e6);
    Ok(Value::number(now - age))
}

/// The longest part of a script's text in the message of an error, in bytes.
const EXCERPT_BYTES: usize = 80;

/// The begin of a text, for the message of an error.
fn excerpt(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let mut text = arguments.get(0).lossy_start(EXCERPT_BYTES + 4)?;
    if text.len() > EXCERPT_BYTES {
        let mut end = EXCERPT_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    Value::string(text.as_bytes())
}
