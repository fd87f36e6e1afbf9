//! Reads scripts and programs, and tells one from the other.
//!
//! It owns how input is read. It must never run anything.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use belljar::{Program, Runtime};

use crate::arguments::{Run, Script};
use crate::ending::Refusal;
use crate::language::Language;
use crate::opened;

/// Larger files are not read. The largest script that a flag can allow, and its program, are much smaller.
const MOST_BYTES: u64 = 2 << 30;

/// What an input turned out to be.
pub(crate) enum Source {
    /// A script, as its author wrote it.
    Script {
        name: String,
        text: String,
        language: Language,
    },
    Program {
        path: PathBuf,
        program: Program,
    },
}

impl Source {
    pub(crate) fn of_run(run: &Run) -> Result<Source, Refusal> {
        Source::of(run.code(), run.file(), run.language())
    }

    pub(crate) fn of_script(script: &Script) -> Result<Source, Refusal> {
        Source::of(script.eval.as_deref(), script.file.as_deref(), script.language())
    }

    /// The language is that of a flag; a file has its own where there is no flag.
    fn of(code: Option<&str>, file: Option<&Path>, flag: Option<Language>) -> Result<Source, Refusal> {
        let source = match (code, file) {
            (Some(code), _) => Ok(Source::typed(code)),
            (None, Some(path)) if path.as_os_str() == "-" => Source::read("[stdin]".into(), &stdin()?),
            (None, Some(path)) => Source::of_file(path),
            (None, None) => Err(Refusal::usage("no script: give a file, `-` for standard input, or -e CODE")),
        };
        source.map(|source| match (source, flag) {
            (Source::Script { name, text, .. }, Some(language)) => Source::Script { name, text, language },
            (source, _) => source,
        })
    }

    pub(crate) fn of_file(path: &Path) -> Result<Source, Refusal> {
        Source::read(path.display().to_string(), &file(path)?)
    }

    /// The same, for its value: a text that begins with a brace is an object if it can be one.
    pub(crate) fn for_its_value(self, runtime: &Runtime) -> Source {
        match self {
            Source::Script { name, text, language } => {
                Source::Script { name, text: as_typed(&text, language, runtime), language }
            }
            program @ Source::Program { .. } => program,
        }
    }

    /// The same without its types, if it can be stripped: what is measured is not to begin with that.
    pub(crate) fn stripped(self) -> Source {
        match &self {
            Source::Script { name, text, language } => match language.script(name, text) {
                Ok(script) => Source::Script {
                    name: name.clone(),
                    text: script.source().to_owned(),
                    language: Language::JavaScript,
                },
                Err(_) => self,
            },
            Source::Program { .. } => self,
        }
    }

    fn typed(code: &str) -> Source {
        Source::Script { name: "[eval]".into(), text: code.to_owned(), language: Language::JavaScript }
    }

    fn read(name: String, bytes: &[u8]) -> Result<Source, Refusal> {
        match Kind::of(bytes) {
            Kind::Program => match Program::from_bytes(bytes) {
                Ok(program) => Ok(Source::Program { path: name.into(), program }),
                Err(error) => Err(Refusal::from(error).in_file(Path::new(&name))),
            },
            Kind::Snapshot | Kind::Sealed => Err(Refusal::usage(format!(
                "{name} is a snapshot; go on from it with: belljar run --from {name} -e CODE"
            ))),
            Kind::Other => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    let (text, language) = (text.strip_prefix('\u{feff}').unwrap_or(text), Language::of(&name));
                    Ok(Source::Script { name, text: text.to_owned(), language })
                }
                Err(error) => Err(Refusal::usage(format!(
                    "{name} is no script: it is not UTF-8 at byte {}, and not a program of belljar either",
                    error.valid_up_to()
                ))),
            },
        }
    }
}

/// Code as it is meant: a text that begins with a brace is an object if it can be one, and otherwise a block.
pub(crate) fn as_typed(text: &str, language: Language, runtime: &Runtime) -> String {
    let whole = text.trim_end_matches(|last: char| last.is_whitespace() || last == ';');
    // It is tried in two kinds of brackets, because a text can close one kind by itself.
    let is_object = || {
        let tried = format!("[{whole}\n];({whole}\n)");
        text.trim_start().starts_with('{')
            && language.script("typed", &tried).is_ok_and(|script| runtime.compile(script).is_ok())
    };
    if is_object() { format!("({whole}\n)") } else { text.to_owned() }
}

/// What bytes are, by their beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Program,
    Snapshot,
    Sealed,
    Other,
}

impl Kind {
    pub(crate) fn of(bytes: &[u8]) -> Kind {
        match bytes.first_chunk() {
            Some(b"belljarP") => Kind::Program,
            Some(b"belljarS") => Kind::Snapshot,
            Some(b"belljarX") => Kind::Sealed,
            _ => Kind::Other,
        }
    }
}

/// The bytes of a file.
pub(crate) fn file(path: &Path) -> Result<Vec<u8>, Refusal> {
    file_that(path, |_| Ok(()))
}

/// The bytes of a file whose metadata passes a check.
pub(crate) fn file_that(path: &Path, check: impl FnOnce(&Metadata) -> Result<(), Refusal>) -> Result<Vec<u8>, Refusal> {
    let refuse = |error: io::Error| Refusal::usage(format!("{} cannot be read: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refuse)?;
    let about = file.metadata().map_err(refuse)?;
    if about.is_dir() {
        return Err(Refusal::usage(format!("{} is a folder; name a file in it", path.display())));
    }
    check(&about)?;
    let length = file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(refuse)?;
    if length as u64 == MOST_BYTES {
        return Err(Refusal::usage(format!("{} is too large to be a script", path.display())));
    }
    Ok(bytes)
}

pub(crate) fn stdin() -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    opened::input()
        .and_then(|()| io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|error| Refusal::usage(format!("standard input cannot be read: {error}")))?;
    Ok(bytes)
}
