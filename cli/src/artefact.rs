//! Files that belljar writes: programs and snapshots, made, opened and described.
//!
//! It owns keys and headers. It must never decide what a script may do.

use std::env::{self, VarError};
use std::fs;
use std::path::Path;

use belljar::{Instance, PendingCall, Script, Snapshot};
use serde::Serialize;

use crate::arguments::{self, Compile, Freeze, Inspect};
use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::rejections::Rejections;
use crate::run;
use crate::screen::Screen;
use crate::source::{self, Kind, Source};

const KEY_VARIABLE: &str = "BELLJAR_KEY";

/// What sealed snapshots of this command are bound to, so that one of some other program's does not open here by chance.
const CONTEXT: &[u8] = b"belljar-cli";

/// What seals and opens snapshots.
pub(crate) type Key = [u8; 32];

pub(crate) fn compile(compile: &Compile, screen: &Screen) -> Result<Ending, Refusal> {
    let source = Source::of_script(&compile.script)?;
    let Source::Script { name, text } = &source else {
        return Err(Refusal::usage("the input is a compiled program already"));
    };
    match jar::runtime()?.compile(Script::new(text).named(name)) {
        Ok(program) => write(&compile.output, &program.to_bytes()),
        Err(error) => Ok(run::tell(screen, &error, &source, &Rejections::default())),
    }
}

pub(crate) fn snapshot(freeze: &Freeze, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let source = Source::of_script(&freeze.script)?;
    let key = key(&freeze.key)?;
    let rejections = Rejections::default();
    let router = jar::router(run::console(*screen, interrupt), &freeze.jar, &rejections)?;
    let mut jar = Jar::open(&jar::runtime()?, &router, &freeze.jar.bounds, None)?;
    // What the script evaluates to is dropped here, so it need not have a JSON form.
    match run::execute(&mut jar.instance, &source, interrupt) {
        Ok(_) | Err(belljar::Error::NotSerializable { .. }) => {}
        Err(error) => return Ok(run::tell(screen, &error, &source, &rejections)),
    }
    write(&freeze.output, &self::freeze(&mut jar.instance, &freeze.label, key.as_ref())?)
}

/// The bytes of a snapshot: sealed when there is a key, plain otherwise.
pub(crate) fn freeze(instance: &mut Instance, label: &str, key: Option<&Key>) -> belljar::Result<Vec<u8>> {
    let snapshot = instance.snapshot()?.labelled(label);
    match key {
        Some(key) => snapshot.seal(key, CONTEXT),
        None => Ok(snapshot.to_bytes()),
    }
}

/// Reads the bytes of a snapshot, opening it first when it is sealed.
pub(crate) fn melt(bytes: &[u8], key: Option<&Key>) -> belljar::Result<Snapshot> {
    let refuse = |message: String| Err(belljar::Error::Snapshot { message });
    match (Kind::of(bytes), key) {
        (Kind::Snapshot, None) => Snapshot::from_bytes(bytes),
        // Whoever gives a key wants what only its holder can have made.
        (Kind::Snapshot, Some(_)) => {
            refuse("it is not sealed, and anybody can have made it; to take it all the same, give no key".into())
        }
        (Kind::Sealed, Some(key)) => Snapshot::open(bytes, key, CONTEXT),
        (Kind::Sealed, None) => refuse(format!("it is sealed; give its key with --key-file or in {KEY_VARIABLE}")),
        (Kind::Program, _) => refuse("it is a program; `run` takes it".into()),
        (Kind::Other, _) => refuse("it is no snapshot at all".into()),
    }
}

/// Reads the snapshot in a file.
pub(crate) fn thaw(path: &Path, key: Option<&Key>) -> Result<Snapshot, Refusal> {
    let bytes = source::file(path)?;
    melt(&bytes, key).map_err(|error| Refusal::of_file(path, &error))
}

/// What `inspect` finds in a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    file: String,
    bytes: usize,
    kind: &'static str,
    build: String,
    is_this_build: bool,
    /// None when it is sealed and nobody gave the key, or when it belongs to another build.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Contents>,
}

/// What is in a snapshot.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    label: String,
    memory_bytes: usize,
    pending: Vec<PendingCall>,
}

pub(crate) fn inspect(inspect: &Inspect, screen: &Screen) -> Result<Ending, Refusal> {
    let bytes = source::file(&inspect.file)?;
    let (kind, identity) = match Kind::of(&bytes) {
        Kind::Program => ("program", bytes.get(16..48)),
        Kind::Snapshot => ("snapshot", bytes.get(12..44)),
        Kind::Sealed => ("sealed snapshot", bytes.get(12..44)),
        Kind::Other => {
            return Err(Refusal::usage(format!("{} is neither a program nor a snapshot", inspect.file.display())));
        }
    };
    let build: String = identity.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = key(&inspect.key)?;
    let named = |error| Refusal::of_file(&inspect.file, &error);
    let snapshot = match Kind::of(&bytes) {
        Kind::Program => {
            belljar::Program::from_bytes(&bytes).map_err(named)?;
            None
        }
        Kind::Sealed if key.is_none() => None,
        Kind::Snapshot => Some(melt(&bytes, None).map_err(named)?),
        _ => Some(melt(&bytes, key.as_ref()).map_err(named)?),
    };
    let about = About {
        file: inspect.file.display().to_string(),
        bytes: bytes.len(),
        kind,
        is_this_build: build == jar::runtime()?.facts().identity,
        build,
        snapshot: snapshot.map(|snapshot| Contents {
            label: snapshot.label().to_owned(),
            memory_bytes: snapshot.memory_bytes(),
            pending: snapshot.pending().to_vec(),
        }),
    };
    if inspect.json {
        let mut line = serde_json::to_vec(&about)
            .map_err(|error| Refusal::internal(format!("the file has no description: {error}")))?;
        line.push(b'\n');
        return screen.write_bytes(&line);
    }
    screen.write_bytes(screen.painted(&about.table(), str::to_owned).as_bytes())
}

impl About {
    fn table(&self) -> String {
        let ours = if self.is_this_build { "this one" } else { "another one: it does not run here" };
        let mut lines = vec![
            ("file", self.file.clone()),
            ("bytes", self.bytes.to_string()),
            ("kind", self.kind.to_owned()),
            ("build", format!("{} ({ours})", self.build)),
        ];
        match &self.snapshot {
            Some(Contents { label, memory_bytes, pending }) => {
                let methods = pending.iter().map(|call| call.method.as_str()).collect::<Vec<_>>().join(", ");
                lines.push(("label", label.replace('\n', "\\n")));
                lines.push(("memory", format!("{memory_bytes} bytes differ from an empty jar")));
                lines.push(("waits for", if methods.is_empty() { "nothing".into() } else { methods }));
            }
            None if self.kind == "program" => lines.push(("checksum", "good".into())),
            None => lines.push(("contents", format!("sealed; --key-file or {KEY_VARIABLE} opens it"))),
        }
        lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect()
    }
}

/// The key of sealed snapshots. There is no flag for the key itself: other users of the machine can read arguments.
pub(crate) fn key(from: &arguments::Key) -> Result<Option<Key>, Refusal> {
    let (text, origin) = match (&from.key_file, env::var(KEY_VARIABLE)) {
        (Some(path), _) => (String::from_utf8_lossy(&source::file(path)?).into_owned(), path.display().to_string()),
        (None, Ok(text)) => (text, KEY_VARIABLE.to_owned()),
        (None, Err(VarError::NotPresent)) => return Ok(None),
        (None, Err(VarError::NotUnicode(_))) => (String::new(), KEY_VARIABLE.to_owned()),
    };
    let digits = text.trim().as_bytes().chunks(2).map(|pair| {
        let [high, low] = pair else { return None };
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        Some(value(*high)? << 4 | value(*low)?)
    });
    let bytes = digits.collect::<Option<Vec<u8>>>().and_then(|bytes| Key::try_from(bytes).ok());
    match bytes {
        Some(key) => Ok(Some(key)),
        None => Err(Refusal::usage(format!("{origin} holds no key: it should be 64 hexadecimal digits"))),
    }
}

/// Writes a file next to its place and moves it there, so that nobody finds half of one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<Ending, Refusal> {
    let refuse = |error: std::io::Error| Refusal::usage(format!("{} cannot be written: {error}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let result = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result.map_err(refuse)?;
    Ok(Ending::Done)
}
