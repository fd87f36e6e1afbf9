//! QuickJS's own tests, from the source of the crate that builds it: each must have the same result in a jar as in
//! native QuickJS.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belljar::{Error, Limits, Router};

use crate::native::Native;
use crate::support::runtime;

/// The folder of QuickJS's tests. Its path is found through the list of sources of `rquickjs-sys`, which lies beside
/// this program. `cargo metadata` would also require crates of the workspace that this build does not need.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let lists = fs::read_dir(program.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
        path.extension().is_some_and(|extension| extension == "d")
            && path.file_name().unwrap().to_string_lossy().starts_with("rquickjs_sys-")
    });
    let folders = lists.flat_map(|list| {
        let list = fs::read_to_string(list).unwrap();
        let sources = list.lines().filter_map(|line| line.strip_suffix("/src/lib.rs:")).map(PathBuf::from);
        sources.map(|root| root.join("quickjs/tests")).filter(|folder| folder.is_dir()).collect::<Vec<_>>()
    });
    folders.max().expect("cargo's lists beside this program name the source of rquickjs-sys")
}

/// The scripts of a folder and its subfolders, sorted.
fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match () {
            () if path.is_dir() => scripts(&path, found),
            () if path.extension().is_some_and(|extension| extension == "js") => found.push(path),
            () => {}
        }
    }
    found.sort();
}

/// Replacements for the few functions of QuickJS's shell that many tests use.
const SHELL: &str = "var std = { gc() {} }, os = { platform: 'any' };";

/// A test as a script: the modules that most tests import run before it, and a module is strict. None for a test that
/// needs more of the shell, other modules, minutes of time, or flags of QuickJS's own runner.
fn as_script(name: &str, source: &str) -> Option<String> {
    if ["microbench.js", "assert.js"].contains(&name) || name.starts_with("fixture_") || source.contains("flags: [qjs:")
    {
        return None;
    }
    let given = |line: &str| {
        line.starts_with("import")
            && ["\"./assert.js\"", "\"qjs:std\"", "\"qjs:os\""].iter().any(|module| line.contains(module))
    };
    let is_module = source.lines().any(given);
    let rest = source.lines().map(|line| if given(line) { "" } else { line }).collect::<Vec<_>>().join("\n");
    let more = |line: &str| {
        ["import ", "import{", "export "].iter().any(|word| line.starts_with(word)) || line.contains("import(")
    };
    let bare = rest.replace("std.gc", "").replace("os.platform", "");
    if rest.lines().any(more) || ["std.", "os.", "bjson.", "qjs:"].iter().any(|shell| has_name(&bare, shell)) {
        return None;
    }
    Some(format!("{}{rest}", if is_module { "\"use strict\";" } else { "" }))
}

/// Whether a text contains this name as a whole word.
fn has_name(text: &str, name: &str) -> bool {
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == '.'))
}

/// The tests that differ in a jar, and why. The reasons are not part of the language.
const DIFFERENT: [(&str, &str); 1] = [("test_domexception.js", "DOMException, which is an error here")];

#[test]
fn a_jar_gives_quickjs_own_tests_the_verdicts_of_native_quickjs() {
    let folder = folder();
    let assert = fs::read_to_string(folder.join("assert.js")).unwrap().replace("export function", "function");
    let mut paths = Vec::new();
    scripts(&folder, &mut paths);
    let limits = Limits {
        cpu_time: Duration::from_secs(120),
        wall_time: Duration::from_secs(240),
        js_heap_bytes: 512 << 20,
        memory_bytes: 1 << 30,
        ..Limits::default()
    };
    let (mut passed, mut skipped, mut wrong) = (0, Vec::new(), Vec::new());
    for path in paths {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).unwrap();
        let Some(script) = as_script(&name, &source) else {
            skipped.push(name);
            continue;
        };
        let native = Native::new();
        native.eval(&assert).unwrap();
        native.eval(SHELL).unwrap();
        let expected = native.eval(&script).err();
        let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
        jar.eval(&assert).unwrap();
        jar.eval(SHELL).unwrap();
        let found = match jar.eval(&script) {
            Ok(_) | Err(Error::NotSerializable { .. } | Error::NeverSettled { .. }) => None,
            Err(Error::Js(error)) => Some(format!("{}: {}", error.name, error.message)),
            Err(error) => Some(error.to_string()),
        };
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            assert!(expected.is_none() && found.is_some(), "{name} differs no longer");
        } else if expected == found {
            passed += usize::from(found.is_none());
        } else {
            wrong.push(format!("{name}\n  native: {expected:?}\n  jar: {found:?}"));
        }
    }
    println!("{passed} passed in both, {} skipped: {skipped:?}", skipped.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed >= 50, "only {passed} passed");
}
