//! ES modules: names and sources of imports, which the host is asked for, and programs that hold a whole graph.
//!
//! Loading a module is two synchronous calls of the host, one for its name and one for its source, so the host counts,
//! records and limits them as any other call. This file must never know how the host resolves a specifier.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use belljar_abi::{load, program};

use crate::bridge;
use crate::json;
use crate::qjs::modules::{Import, Loader, Module, load_modules_with};
use crate::qjs::{self, Atom, Value};
use crate::single::Single;
use crate::wire::{self, Refusal};

/// The names that imports were resolved to, by [`key`]: the same import must give the same module each time.
static NAMES: Single<RefCell<Option<Value>>> = Single::new(RefCell::new(None));

/// Makes room for names.
pub fn install() -> qjs::Result<()> {
    NAMES.replace(Some(Value::bare_object()?));
    Ok(())
}

/// The names. The borrow ends first, because looking at a value may call back into this file.
fn names() -> qjs::Result<Value> {
    NAMES.borrow().clone().ok_or_else(|| qjs::throw_type(c"there are no modules"))
}

/// What an import makes of the text that the host gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The source of a module.
    Code,
    /// JSON, whose value is the default export.
    Json,
    /// Text, which is the default export.
    Text,
}

impl Kind {
    fn of(attributes: &Value) -> qjs::Result<Kind> {
        if !attributes.is_object() {
            return Ok(Kind::Code);
        }
        let (keys, count) = attributes.own_keys(1)?;
        let Some(key) = keys.first() else { return Ok(Kind::Code) };
        if count == 1 && key.text()?.bytes() == b"type" {
            match attributes.get(c"type")?.text()?.bytes() {
                b"json" => return Ok(Kind::Json),
                b"text" => return Ok(Kind::Text),
                _ => {}
            }
        }
        Err(qjs::throw_type(c"the attribute of an import must be type: \"json\" or type: \"text\""))
    }

    fn name(self) -> &'static [u8] {
        match self {
            Kind::Code => b"",
            Kind::Json => b"json",
            Kind::Text => b"text",
        }
    }

    fn from_byte(byte: u8) -> Option<Kind> {
        [Kind::Code, Kind::Json, Kind::Text].into_iter().find(|kind| *kind as u8 == byte)
    }

    /// The attributes of an import of this kind.
    fn attributes(self) -> qjs::Result<Value> {
        if self == Kind::Code {
            return Ok(Value::undefined());
        }
        let attributes = Value::bare_object()?;
        attributes.define_atom(&Atom::new(b"type")?, Value::string(self.name())?)?;
        Ok(attributes)
    }
}

/// What an import is known by: its kind, who imports, and what.
fn key(kind: Kind, import: &Import<'_>) -> Vec<u8> {
    [kind.name(), import.importer, import.specifier].join(&0)
}

/// What an error says about an import.
fn what(import: &Import<'_>) -> Vec<u8> {
    let shown = |text: &[u8]| {
        // A hostile specifier can have megabytes, and the cut may go through a character.
        const MOST: usize = 120;
        let mut shown = text.get(..MOST).unwrap_or(text).to_vec();
        if text.len() > MOST {
            while shown.last().is_some_and(|byte| !byte.is_ascii()) {
                shown.pop();
            }
            shown.extend_from_slice(b"...");
        }
        shown
    };
    [b"cannot import \"", &*shown(import.specifier), b"\" from \"", &*shown(import.importer), b"\""].concat()
}

/// JSON of a list of texts, written without the engine, whose JSON asks `toJSON` of the script.
fn list(texts: &[&[u8]]) -> qjs::Result<String> {
    let mut out = String::from("[");
    for text in texts {
        let Ok(text) = core::str::from_utf8(text) else {
            return Err(qjs::throw_type(c"the specifier of an import is not text"));
        };
        if out.len() > 1 {
            out.push(',');
        }
        json::quote(text, &mut out);
    }
    out.push(']');
    Ok(out)
}

/// Asks the host, and answers the engine.
struct Host;

impl Loader for Host {
    fn name(import: &Import<'_>) -> qjs::Result<Vec<u8>> {
        let kind = Kind::of(&import.attributes)?;
        let (names, key) = (names()?, Atom::new(&key(kind, import))?);
        if let Some(qjs::Property::Value(name)) = names.own(&key)? {
            return Ok(name.text()?.bytes().into());
        }
        let params = list(&[import.specifier, import.importer, kind.name()])?;
        let name = bridge::ask(load::RESOLVE.as_bytes(), params.as_bytes(), || what(import))?;
        let text = name.text()?.bytes().to_vec();
        if text.contains(&0) {
            return Err(qjs::throw_type(c"the name of a module holds NUL"));
        }
        names.define_atom(&key, name)?;
        Ok(text)
    }

    fn load(name: &[u8], import: &Import<'_>) -> qjs::Result<Module> {
        let kind = Kind::of(&import.attributes)?;
        let bare = name.strip_suffix(b"\0").unwrap_or(name);
        let params = list(&[bare, import.specifier, import.importer, kind.name()])?;
        let text = bridge::ask(load::LOAD.as_bytes(), params.as_bytes(), || what(import))?.text()?;
        make(kind, name, text.terminated(), &import.attributes)
    }

    fn check(attributes: &Value) -> qjs::Result<()> {
        Kind::of(attributes).map(drop)
    }
}

load_modules_with!(Host);

/// The module of a text. Name and text end in NUL.
fn make(kind: Kind, name: &[u8], text: &[u8], attributes: &Value) -> qjs::Result<Module> {
    match kind {
        Kind::Code => compile(name, text),
        Kind::Json => Module::with_default(name, &json::read(text)?, attributes),
        Kind::Text => Module::with_default(name, &Value::string(text.strip_suffix(b"\0").unwrap_or(text))?, attributes),
    }
}

/// Compiles a module, whose imports are not loaded. Both texts end in NUL.
pub fn compile(name: &[u8], source: &[u8]) -> qjs::Result<Module> {
    with_url(Module::compile(name, source)?)
}

/// Gives a module its `import.meta.url`.
fn with_url(module: Module) -> qjs::Result<Module> {
    let url = url(module.name()?.text()?.bytes());
    module.meta()?.define_atom(&Atom::new(b"url")?, Value::string(&url)?)?;
    Ok(module)
}

/// The URL of a name. A name that is no URL is the path of a file, so that `new URL('./other', import.meta.url)` works.
fn url(name: &[u8]) -> Vec<u8> {
    let scheme = name.iter().position(|byte| *byte == b':').and_then(|end| name.get(..end)).unwrap_or_default();
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(is_scheme) {
        return name.to_vec();
    }
    let mut url = b"file:///".to_vec();
    for byte in name.strip_prefix(b"/").unwrap_or(name) {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte) {
            url.push(*byte);
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            url.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    url
}

/// Loads what a module imports and runs it: a promise, and the object with the exports. It runs no further than to its
/// first `await`.
pub fn run(module: Module) -> qjs::Result<(Value, Value)> {
    let module = module.resolve()?;
    let promise = module.evaluate()?;
    Ok((promise, module.namespace()?))
}

/// A compiled module with everything that it imports.
pub fn write(entry: Module) -> qjs::Result<Vec<u8>> {
    let mut graph = alloc::vec![entry.resolve()?];
    let mut next = 0;
    while let Some(module) = graph.get(next).copied() {
        next += 1;
        for import in module.imports() {
            if !graph.iter().any(|other| other.is_same(import)) {
                graph.push(import);
            }
        }
    }
    let mut out = alloc::vec![program::GRAPH];
    let names = names()?;
    let (keys, _) = names.own_keys(usize::MAX)?;
    put_number(&mut out, keys.len());
    for key in keys {
        let name = names.get_atom(&Atom::of(&key)?)?;
        put(&mut out, key.text()?.bytes());
        put(&mut out, name.text()?.bytes());
    }
    put_number(&mut out, graph.len());
    for module in graph {
        let value = module.own_value();
        let kind = match &value {
            None => Kind::Code,
            Some(value) if value.is_string() && is_text(module)? => Kind::Text,
            Some(_) => Kind::Json,
        };
        out.push(kind as u8);
        put(&mut out, module.name()?.text()?.bytes());
        match value {
            None => module.write(|bytes| put(&mut out, bytes))?,
            Some(value) if kind == Kind::Text => put(&mut out, value.text()?.bytes()),
            Some(value) => put(&mut out, wire::of(&value, "module").map_err(Refusal::throw)?.bytes()),
        }
    }
    Ok(out)
}

/// Whether a module without code was imported as text: a text in JSON looks the same.
fn is_text(module: Module) -> qjs::Result<bool> {
    let name = module.name()?.text()?;
    let same = Module::loaded(name.terminated(), &Kind::Text.attributes()?)?;
    Ok(same.is_some_and(|same| same.is_same(module)))
}

fn put_number(out: &mut Vec<u8>, number: usize) {
    out.extend((number as u32).to_le_bytes());
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend(bytes);
}

/// Reads what [`write`] wrote: the entry module. Modules that are loaded already stay as they are.
pub fn read(bytes: &[u8]) -> qjs::Result<Module> {
    let mut rest = bytes;
    let cut_off = || qjs::throw_type(c"the program is cut off");
    let names = names()?;
    for _ in 0..number(&mut rest).ok_or_else(cut_off)? {
        let key = Atom::new(part(&mut rest).ok_or_else(cut_off)?)?;
        let name = part(&mut rest).ok_or_else(cut_off)?;
        if names.own(&key)?.is_none() {
            names.define_atom(&key, Value::string(name)?)?;
        }
    }
    let mut entry = None;
    for index in 0..number(&mut rest).ok_or_else(cut_off)? {
        let (kind, after) = rest.split_first().ok_or_else(cut_off)?;
        rest = after;
        let kind = Kind::from_byte(*kind).ok_or_else(cut_off)?;
        let name = [part(&mut rest).ok_or_else(cut_off)?, b"\0"].concat();
        let body = part(&mut rest).ok_or_else(cut_off)?;
        let attributes = kind.attributes()?;
        // The entry runs each time; what it imports is shared.
        if index > 0 && Module::loaded(&name, &attributes)?.is_some() {
            continue;
        }
        let module = match kind {
            Kind::Code => with_url(Module::read(body)?)?,
            _ => make(kind, &name, &[body, b"\0"].concat(), &attributes)?,
        };
        entry.get_or_insert(module);
    }
    entry.ok_or_else(cut_off)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)? as usize;
    let (part, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(part)
}
