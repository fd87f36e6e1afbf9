//! Values that cross the boundary, and their copies inside it.
//!
//! Plain data is JSON text, which [`json`](crate::json) writes and reads. Everything else is written in the binary form
//! of `belljar_abi::values`, which is read back without recursion. It must never know who gets a value.

mod classes;
mod entries;
mod out;
mod path;
mod reader;
mod writer;

use alloc::string::String;
use alloc::vec::Vec;

use belljar_abi::values::MAGIC;

use crate::json;
use crate::qjs::{self, Thrown, Value, functions};
use crate::report;
pub use classes::dom_exception;
use reader::Reader;
use writer::{Mode, Writer};

functions! {
    Collect => entries::collect,
}

/// Learns what copies are made of. Runs while the image is built.
pub fn install() -> qjs::Result<()> {
    classes::install()
}

/// What a value is on its way.
pub enum Wire {
    /// `undefined`, which has no bytes.
    Absent,
    /// JSON text, or the binary form.
    Bytes(Vec<u8>),
}

impl Wire {
    /// The bytes; none when it is absent.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Wire::Absent => &[],
            Wire::Bytes(bytes) => bytes,
        }
    }
}

/// Why a value cannot be written.
pub enum Refusal {
    /// It holds what cannot leave; the text says what and where.
    Cannot(String),
    /// Code of the script threw, or memory ran out.
    Thrown(Thrown),
}

impl From<Thrown> for Refusal {
    fn from(thrown: Thrown) -> Refusal {
        Refusal::Thrown(thrown)
    }
}

impl Refusal {
    /// As something that a script can catch.
    pub fn throw(self) -> Thrown {
        match self {
            Refusal::Cannot(why) => match qjs::type_error(why.as_bytes()) {
                Ok(error) => qjs::throw(error),
                Err(thrown) => thrown,
            },
            Refusal::Thrown(thrown) => thrown,
        }
    }

    /// As a text for the host.
    pub fn into_text(self) -> String {
        match self {
            Refusal::Cannot(why) => why,
            Refusal::Thrown(thrown) => report::message(&qjs::take_exception(thrown)),
        }
    }
}

/// A value for the host. `root` is how messages call it. May run getters, `toJSON` and Proxies of the script.
pub fn of(value: &Value, root: &'static str) -> Result<Wire, Refusal> {
    if value.is_undefined() {
        return Ok(Wire::Absent);
    }
    if let Some(text) = json::exactly(value) {
        return Ok(Wire::Bytes(text));
    }
    let mut writer = Writer::new(Mode::Cross, root, &[]);
    writer.write(value)?;
    // What `toJSON` gave may be nothing.
    Ok(if writer.is_undefined() { Wire::Absent } else { Wire::Bytes(writer.into_bytes()) })
}

/// The value of a message, which must end in NUL.
pub fn read(message: &[u8]) -> qjs::Result<Value> {
    match message {
        [MAGIC, nodes @ .., 0] => Reader::new(nodes, &[], &[]).whole(),
        _ => json::read(message),
    }
}

/// A copy of a value, as the structured clone algorithm of HTML makes it. Each buffer of `transfer` is taken away from
/// its owner.
pub fn copy(value: &Value, transfer: &[Value]) -> Result<Value, Refusal> {
    if transfer.is_empty()
        && let Some(text) = json::exactly(value)
        && let Some(copy) = json::plain(&text)
    {
        return Ok(copy);
    }
    let mut writer = Writer::new(Mode::Copy, "value", transfer);
    writer.write(value)?;
    let mut moved = Vec::new();
    for buffer in transfer {
        if classes::is_detached(buffer) {
            return Err(Refusal::Cannot("value: an ArrayBuffer that is detached cannot be transferred".into()));
        }
        moved.push(classes::transfer(buffer)?);
    }
    let kept = writer.take_kept();
    let bytes = writer.into_bytes();
    Ok(Reader::new(bytes.get(1..).unwrap_or_default(), &kept, &moved).whole()?)
}
