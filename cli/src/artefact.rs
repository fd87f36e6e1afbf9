//! Makes, opens and describes programs and snapshots.
//!
//! It owns which file is which. It must never decide what a script may do.

use std::path::Path;

use belljar::{Instance, Limits, Snapshot};
use serde::Serialize;

use crate::arguments::{Compile, Freeze, Inspect};
use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::key::{self, Key};
use crate::outfile::{self, Readers};
use crate::paused::Waiting;
use crate::screen::{Screen, Stream};
use crate::source::{self, Kind, Source};
use crate::speech::Speech;
use crate::{escape, folder, run};

/// Sealed snapshots of this command are bound to this text, so that those of another program do not open here.
const CONTEXT: &[u8] = b"belljar-cli";

pub(crate) fn compile(compile: &Compile, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let source = Source::of_script(&compile.script)?;
    let Source::Script { name, text, language } = &source else {
        return Err(Refusal::usage("the input is a compiled program already"));
    };
    let runtime = jar::runtime()?;
    let limits = Limits::default();
    let modules = folder::modules(compile.script.file.as_deref(), compile.import_map.as_deref(), limits.source_bytes)?;
    let compiled = language.script(name, text).and_then(|script| runtime.compile_modules(script, &modules, &limits));
    match compiled.map_err(|error| language.placed(error, name, text)) {
        Ok(program) => outfile::write(&compile.output, &program.to_bytes(), Readers::Umask, interrupt),
        Err(error) => Ok(run::tell(screen, &error, &source, Speech::Fixed)),
    }
}

pub(crate) fn snapshot(freeze: &Freeze, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let source = Source::of_script(&freeze.script)?;
    let key = key::read(&freeze.key)?;
    // With the snapshot on standard output, console lines go to standard error.
    let stream = if outfile::is_stdout(&freeze.output) { |_| Stream::Err } else { run::stream };
    let router = jar::router(run::console(*screen, interrupt, stream), &freeze.jar)?;
    let modules = freeze.jar.modules(freeze.script.file.as_deref())?;
    let mut jar = Jar::open(&jar::runtime()?, &router, &freeze.jar.bounds, &modules, None)?;
    // The value of the script is not used, so it need not have a JSON form.
    match run::execute(&mut jar.instance, &source, interrupt) {
        Ok(_) | Err(belljar::Error::NotSerializable { .. }) => {}
        Err(error) => {
            let ending = run::tell(screen, &error, &source, Speech::Flags);
            run::name_dropped(screen, &jar.instance);
            return Ok(ending);
        }
    }
    let bytes = self::freeze(&mut jar.instance, &freeze.label, key.as_ref())?;
    outfile::write(&freeze.output, &bytes, Readers::Owner, interrupt)
}

/// The bytes of a snapshot of an instance.
pub(crate) fn freeze(instance: &mut Instance, label: &str, key: Option<&Key>) -> belljar::Result<Vec<u8>> {
    packed(&instance.snapshot()?.labelled(label), key)
}

/// The bytes of a snapshot. They are sealed when there is a key.
pub(crate) fn packed(snapshot: &Snapshot, key: Option<&Key>) -> belljar::Result<Vec<u8>> {
    match key {
        Some(key) => snapshot.seal(key, CONTEXT),
        None => Ok(snapshot.to_bytes()),
    }
}

/// Reads the bytes of a snapshot, opening it first when it is sealed.
pub(crate) fn melt(bytes: &[u8], key: Option<&Key>) -> Result<Snapshot, Refusal> {
    let refuse = |message: String| Err(Refusal::snapshot(message));
    match (Kind::of(bytes), key) {
        (Kind::Snapshot, None) => Ok(Snapshot::from_bytes(bytes)?),
        // With a key, only a snapshot that its holder has sealed is taken.
        (Kind::Snapshot, Some(_)) => {
            refuse("the snapshot is not sealed, so anybody can have made it; give no key to use it all the same".into())
        }
        (Kind::Sealed, Some(key)) => Ok(Snapshot::open(bytes, key, CONTEXT)?),
        (Kind::Sealed, None) => {
            refuse(format!("the snapshot is sealed; give its key with --key-file or in {}", key::VARIABLE))
        }
        (Kind::Program, _) => refuse("this is a program and no snapshot; `run` takes it".into()),
        (Kind::Other, _) => refuse("this is no snapshot".into()),
    }
}

/// Reads the snapshot in a file.
pub(crate) fn thaw(path: &Path, key: Option<&Key>) -> Result<Snapshot, Refusal> {
    let bytes = source::file(path)?;
    melt(&bytes, key).map_err(|refusal| refusal.in_file(path))
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
    /// None for a program, and for a sealed snapshot without its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Contents>,
}

/// What is in a snapshot.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    label: String,
    memory_bytes: usize,
    pending: Vec<Waiting>,
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
    let key = key::read(&inspect.key)?;
    let named = |refusal: Refusal| refusal.in_file(&inspect.file);
    let snapshot = match Kind::of(&bytes) {
        Kind::Program => {
            belljar::Program::from_bytes(&bytes).map_err(|error| named(error.into()))?;
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
            pending: snapshot.pending().iter().map(Waiting::of).collect(),
        }),
    };
    if inspect.json {
        return screen.write_json(&about);
    }
    screen.write_bytes(about.table().as_bytes())
}

impl About {
    fn table(&self) -> String {
        let ours = if self.is_this_build { "this one" } else { "another one: it does not run here" };
        let mut lines = vec![
            ("file", escape::line(&self.file)),
            ("bytes", self.bytes.to_string()),
            ("kind", self.kind.to_owned()),
            ("build", format!("{} ({ours})", self.build)),
        ];
        match &self.snapshot {
            Some(Contents { label, memory_bytes, pending }) => {
                let methods = pending.iter().map(|call| escape::line(call.method())).collect::<Vec<_>>().join(", ");
                lines.push(("label", escape::line(label)));
                lines.push(("memory", format!("{memory_bytes} bytes differ from an empty jar")));
                lines.push(("waits for", if methods.is_empty() { "nothing".into() } else { methods }));
            }
            None if self.kind == "program" => lines.push(("checksum", "good".into())),
            None => lines.push(("contents", format!("sealed; --key-file or {} opens it", key::VARIABLE))),
        }
        lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect()
    }
}
