//! JSON, both ways: what crosses the boundary, and what scripts do with `JSON.parse` and `JSON.stringify`.
//!
//! Plain data takes a fast path here, which runs no script and asks the engine only to make values. Everything else is
//! left to the engine, also wrong text and a full heap. So scripts always see the engine's results and errors.

mod exact;
mod patterns;
mod reader;
mod writer;

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::qjs::inside::{self, Walked};
use crate::qjs::{self, Arguments, Value, functions};
use crate::single::Single;
use exact::Exact;
use reader::Reader;
use writer::Writer;
pub use writer::{decimal, quote};

functions! {
    Parse => parse,
    Stringify => stringify,
}

/// The engine's own `JSON.parse`.
static ENGINE_PARSE: Single<RefCell<Option<Value>>> = Single::new(RefCell::new(None));

/// The JSON text of a value, if that says all there is: no `undefined`, no object that comes twice, nothing but plain
/// data. Runs no script.
pub fn exactly(value: &Value) -> Option<Vec<u8>> {
    let mut exact = Exact::default();
    (inside::walk(value, &mut exact) == Walked::Whole).then(|| exact.into_text())
}

/// The value of a text that is plain.
pub fn plain(text: &[u8]) -> Option<Value> {
    Reader::whole(text)
}

/// The value of a message, which must end in NUL.
pub fn read(message: &[u8]) -> qjs::Result<Value> {
    match Reader::whole(message.strip_suffix(b"\0").unwrap_or(&[])) {
        Some(value) => Ok(value),
        None => Value::parse_json(message, c"<message>"),
    }
}

/// Replaces `JSON.parse` and `JSON.stringify` by functions that try the fast path first.
pub fn install() -> qjs::Result<()> {
    inside::install()?;
    let json = Value::global().get(c"JSON")?;
    ENGINE_PARSE.replace(Some(json.get(c"parse")?));
    json.define(c"parse", Value::function(Function::Parse, c"parse", 2, 0)?)?;
    json.define(c"stringify", Value::function(Function::Stringify, c"stringify", 3, 0)?)
}

fn parse(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let reviver = arguments.get(1);
    if reviver.is_function() {
        let engine_parse = ENGINE_PARSE.borrow().clone();
        return match engine_parse {
            Some(parse) => parse.call(&Value::undefined(), &[&arguments.get(0), &reviver]),
            None => Err(qjs::throw_type(c"the engine has no parser")),
        };
    }
    let text = arguments.get(0).text()?;
    match Reader::whole(text.bytes()) {
        Some(value) => Ok(value),
        None => Value::parse_json(text.terminated(), c"<input>"),
    }
}

fn stringify(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (value, replacer, indent) = (arguments.get(0), arguments.get(1), arguments.get(2));
    if is_absent(&replacer) && is_absent(&indent) {
        let mut writer = Writer::default();
        match inside::walk(&value, &mut writer) {
            Walked::Whole => return Value::string(&writer.out),
            Walked::Nothing => return Ok(Value::undefined()),
            Walked::No => {}
        }
    }
    value.to_json(&replacer, &indent)
}

fn is_absent(value: &Value) -> bool {
    value.is_undefined() || value.is_null()
}

/// Scripts whose values are written and read on both paths while the image is built. Each shows that an offset is
/// right.
const PROOFS: [&[u8]; 8] = [
    b"({ a: 1, b: 'two', c: [1, -2, 3.5, 1e21, -0, 0.1, 1e-7, 5e-324], d: { e: null, f: true, g: false } })\0",
    b"[[], {}, [[]], '', '\\u0000\\b\\t\\n\\f\\r\\x1f\\x7f\\x80\\xff\\u0100\\u{1f600}', undefined, Symbol()]\0",
    b"({ gone: 1, kept: 2, [Symbol()]: 3, undefined: undefined })\0",
    b"(() => { const o = { a: 1, b: 2, c: 3 }; delete o.b; o.d = 4; return o })()\0",
    b"(() => { const o = {}; for (let i = 0; i < 100; i++) o['k' + i] = i; return o })()\0",
    b"Object.defineProperty({ seen: 1 }, 'hidden', { value: 2 })\0",
    b"['0123456789'.repeat(200).slice(3, 1999), 2147483647, -2147483648, 4294967296]\0",
    b"Object.assign(Object.create(null), { caf\xc3\xa9: 1, \xe4\xb8\xad: 'x' })\0",
];

/// A value that the fast path writes and does not read: half of a surrogate pair has no UTF-8.
const WRITTEN: &[u8] = b"'\\ud800x'\0";

/// Values that must be left to the engine.
const NOT_PLAIN: [&[u8]; 9] = [
    b"({ toJSON() { return 1 } })\0",
    b"({ get a() { return 1 } })\0",
    b"({ b: 1, 2: 3 })\0",
    b"({ '4294967294': 1 })\0",
    b"new Date(0)\0",
    b"[1, , 3]\0",
    b"[1n]\0",
    b"new Proxy({}, {})\0",
    b"new (class extends Array {})\0",
];

/// Values that JSON would lose something of, though each part is plain.
const NOT_EXACT: [&[u8]; 8] = [
    b"(() => { const twice = {}; return [twice, twice] })()\0",
    b"(() => { const twice = [1]; return { a: twice, b: { c: twice } } })()\0",
    b"(() => { const own = []; own.push(own); return own })()\0",
    b"({ a: undefined })\0",
    b"[undefined]\0",
    b"[NaN]\0",
    b"[-1 / 0]\0",
    b"[-0]\0",
];

/// Objects that are read and written one after the other, and how many names the pattern behind `first` has then. The
/// third object is the first one that is made from the pattern.
const EXPECTED: [(&[u8], usize); 7] = [
    (b"{\"first\":1,\"b\":{\"first\":[],\"c\":2},\"d\":\"x\"}", 0),
    (b"{\"first\":2,\"b\":\"y\",\"d\":[3]}", 3),
    (b"{\"first\":2,\"b\":null,\"d\":[{}]}", 3),
    (b"{\"first\":4.5,\"b\":\"z\",\"d\":true}", 3),
    (b"{\"first\":5,\"b\":6}", 3),
    (b"{\"first\":5,\"b\":6,\"d\":7,\"e\":8}", 3),
    (b"{\"first\":5,\"other\":6,\"d\":7}", 3),
];

/// Fails unless the fast path gives what the pinned QuickJS gives. Runs while the image is built.
pub fn prove() -> qjs::Result<()> {
    let wrong = || qjs::throw_type(c"JSON does not come out as the engine has it");
    for script in PROOFS.into_iter().chain([WRITTEN]) {
        let value = qjs::eval(b"<init>\0", script, false)?;
        let mut writer = Writer::default();
        if inside::walk(&value, &mut writer) != Walked::Whole {
            return Err(wrong());
        }
        let engine = value.to_json(&Value::undefined(), &Value::undefined())?.text()?;
        if writer.out != engine.bytes() {
            return Err(wrong());
        }
        match Reader::whole(engine.bytes()) {
            Some(again) => {
                let again = again.to_json(&Value::undefined(), &Value::undefined())?.text()?;
                if script == WRITTEN || again.bytes() != engine.bytes() {
                    return Err(wrong());
                }
            }
            None if script == WRITTEN => {}
            None => return Err(wrong()),
        }
    }
    for script in NOT_PLAIN {
        let value = qjs::eval(b"<init>\0", script, false)?;
        if inside::walk(&value, &mut Writer::default()) != Walked::No {
            return Err(wrong());
        }
    }
    for script in NOT_EXACT {
        if exactly(&qjs::eval(b"<init>\0", script, false)?).is_some() {
            return Err(wrong());
        }
    }
    let once = qjs::eval(b"<init>\0", b"[[{}], 'a', 1.5]\0", false)?;
    // The list and the handle hold it.
    if exactly(&once).as_deref() != Some(b"[[{}],\"a\",1.5]") || inside::is_held_once(&once.get_index(0)?) {
        return Err(wrong());
    }
    if !inside::is_held_once(&Value::object()?) {
        return Err(wrong());
    }
    for (text, names) in EXPECTED {
        let value = Reader::whole(text).ok_or_else(wrong)?;
        let again = value.to_json(&Value::undefined(), &Value::undefined())?.text()?;
        if again.bytes() != text || (names > 0) != patterns::is_expected(b"first", names.max(3)) {
            return Err(wrong());
        }
    }
    patterns::clear();
    Ok(())
}
