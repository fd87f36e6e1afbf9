//! Libraries as their packages publish them: each is loaded and used, and gives what it gives in Node.
//!
//! `tests/libraries` has the packages, pinned, and what is done with each. docs/libraries.md has the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use belljar::{Error, Import, Limits, Modules, Router, Script};
use serde::Deserialize;

use crate::support::{block_on, runtime};

/// What is done with a library, and what it gives in Node.
#[derive(Deserialize)]
struct Use {
    name: String,
    /// Below the folder of the packages.
    file: String,
    is_module: bool,
    /// An expression. It finds a module's exports in `lib`, and what a script defines under its name.
    #[serde(rename = "use")]
    expression: String,
    gives: Option<String>,
    /// A part of the error, for a library that needs what is not there.
    fails: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn uses() -> Vec<Use> {
    serde_json::from_slice(&fs::read(root().join("tests/libraries/uses.json")).unwrap()).unwrap()
}

/// The folder with the packages, installed as the lock file says. None where there is no npm.
fn installed() -> Option<PathBuf> {
    let (from, to) = (root().join("tests/libraries"), Path::new(env!("CARGO_TARGET_TMPDIR")).join("libraries"));
    let lock = fs::read(from.join("package-lock.json")).unwrap();
    if fs::read(to.join("node_modules/lock")).is_ok_and(|there| there == lock) {
        return Some(to.join("node_modules"));
    }
    fs::create_dir_all(&to).unwrap();
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-fund", "--no-audit"]).current_dir(&to);
    let ended = npm.output().ok()?;
    assert!(ended.status.success(), "npm ci: {}", String::from_utf8_lossy(&ended.stderr));
    fs::write(to.join("node_modules/lock"), lock).unwrap();
    Some(to.join("node_modules"))
}

/// What a library gives, and the size of a snapshot of an instance that has it.
fn used(packages: &Path, library: &Use) -> Result<(String, usize), Error> {
    let limits = Limits {
        cpu_time: Duration::from_secs(60),
        wall_time: Duration::from_secs(120),
        js_heap_bytes: 64 << 20,
        memory_bytes: 128 << 20,
        ..Limits::default()
    };
    let folder = packages.to_owned();
    let modules =
        Modules::new().loader_sync(move |import: &Import| fs::read_to_string(folder.join(import.name())).ok());
    let mut jar = runtime().build_instance().modules(&modules).start(&Router::new(), &limits)?;
    if library.is_module {
        let load = format!("import * as lib from './{}'; globalThis.lib = lib", library.file);
        block_on(jar.eval_async(Script::module(load)))?;
    } else {
        let source = fs::read_to_string(packages.join(&library.file)).unwrap();
        jar.eval(Script::new(source + "\n;undefined").named(&library.file))?;
    }
    let bytes = jar.snapshot()?.to_bytes().len();
    let value = block_on(jar.eval_async(Script::body(format!("return {}", library.expression))))?;
    Ok((value.get()?, bytes))
}

#[test]
fn published_libraries_do_what_they_do_in_node() {
    let Some(packages) = installed() else {
        println!("there is no npm, so no packages");
        return;
    };
    let uses = uses();
    let mut works = 0;
    for library in &uses {
        match (used(&packages, library), &library.gives, &library.fails) {
            (Ok((value, bytes)), Some(gives), None) => {
                println!("{} {} KB", library.name, bytes.div_ceil(1024));
                assert_eq!(&value, gives, "{}", library.name);
                works += 1;
            }
            (Err(error), None, Some(why)) => assert!(error.to_string().contains(why), "{}: {error}", library.name),
            (ended, ..) => panic!("{}: {ended:?}", library.name),
        }
    }
    assert!(works >= 15, "only {works}");
}

#[test]
fn the_page_on_libraries_has_every_library() {
    let page = fs::read_to_string(root().join("docs/libraries.md")).unwrap();
    let packages: serde_json::Value =
        serde_json::from_slice(&fs::read(root().join("tests/libraries/package.json")).unwrap()).unwrap();
    for Use { name, file, fails, .. } in uses() {
        let version = packages["dependencies"][file.split('/').next().unwrap()].as_str().unwrap();
        let begin = format!("| {name} {version} | {} |", if fails.is_some() { "no" } else { "yes" });
        assert!(page.lines().any(|line| line.starts_with(&begin)), "docs/libraries.md has no line {begin:?}");
    }
}
