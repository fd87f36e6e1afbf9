//! Ordinary JavaScript: every file of `tests/js` must print and return what the file beside it says.
//!
//! `BELLJAR_BLESS=1` writes those files again; read the difference before you commit it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use belljar::{Call, Clock, Limits, Script, Value};

use crate::support::{Log, block_on, runtime};

/// The output and the result of a script.
fn outcome_of(name: &str, source: &str) -> String {
    let log = Log::default();
    let router = log.console().handle("echo", |_: &Call, value: Value| Ok(value)).handle_async(
        "later",
        |_: Call, value: Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        },
    );
    let clock = Clock::Fixed(std::time::Duration::from_secs(1_700_000_000));
    let mut jar = runtime().build_instance().seed(1).clock(clock).start(&router, &Limits::default()).unwrap();
    let ended = block_on(jar.eval_async(Script::new(source).named(name)));
    let mut outcome = String::new();
    for line in log.take() {
        writeln!(outcome, "{line}").unwrap();
    }
    match ended {
        Ok(value) => writeln!(outcome, "=> {value}").unwrap(),
        Err(error) => writeln!(outcome, "=> {}: {error}", error.code()).unwrap(),
    }
    outcome
}

#[test]
fn every_script_of_the_corpus_does_what_it_should() {
    let bless = std::env::var_os("BELLJAR_BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js");
    let mut scripts: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 25, "the corpus is gone");
    let mut wrong = String::new();
    for script in scripts {
        let name = script.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = outcome_of(&name, &fs::read_to_string(&script).unwrap());
        let expected = script.with_extension("out");
        if bless {
            fs::write(expected, outcome).unwrap();
        } else if fs::read_to_string(expected).ok().as_ref() != Some(&outcome) {
            write!(wrong, "--- {name}\n{outcome}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "these scripts did something else:\n{wrong}");
}
