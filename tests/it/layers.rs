//! Imports go one way: ARCHITECTURE.md lists the files of `host/` from top to bottom, and none imports from its own line or above.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host")
}

/// The line of each file or folder, counted from the top.
fn lines() -> BTreeMap<String, usize> {
    let page = fs::read_to_string(host().join("../ARCHITECTURE.md")).unwrap();
    let list = page.split("\n```text\nfacts\n").nth(1).expect("the page has the list");
    let list = format!("facts\n{}", list.split("```").next().unwrap());
    let names = list.lines().enumerate();
    names.flat_map(|(line, names)| names.split(' ').map(move |name| (name.to_owned(), line))).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What is imported from the crate's root, by the names of files and folders there: in `use` and in paths, but not in comments or tests.
fn imports(source: &str) -> BTreeSet<String> {
    let code: String = source
        .split("#[cfg(test)]")
        .next()
        .unwrap()
        .lines()
        .map(|line| line.split("//").next().unwrap().to_owned() + "\n")
        .collect();
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        assert!(!rest.starts_with('{'), "a group of imports from the root hides what is imported: {}", &rest[..40]);
        // A type by its public name, as in `crate::Error`, comes from the root, which is above all: it is found as such.
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        names.insert(name);
    }
    names
}

#[test]
fn no_file_imports_from_a_line_that_is_not_below_its_own() {
    let (lines, host) = (lines(), host());
    let mut files = Vec::new();
    sources(&host, &mut files);
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for file in files {
        let inside = file.strip_prefix(&host).unwrap().with_extension("");
        let room = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        if room == "lib" || inside.ends_with("tests") {
            continue;
        }
        let Some(line) = lines.get(&room) else {
            wrong.push(format!("ARCHITECTURE.md does not list {room}"));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            // What a folder does inside is its own business.
            if import == room {
                continue;
            }
            match lines.get(&import) {
                Some(other) if other > line => checked += 1,
                _ => wrong.push(format!("{} imports {import}", inside.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "these go up or sideways:\n{}", wrong.join("\n"));
    assert!(checked > 100, "only {checked} imports were found");
}

#[test]
fn the_check_sees_imports_and_overlooks_comments_and_tests() {
    let source = "use crate::error::Error;\nfn g() -> crate::Error {}\n// crate::comment\nfn f() { crate::limits::g() }\n#[cfg(test)]\nuse crate::tests::x;";
    assert_eq!(imports(source).into_iter().collect::<Vec<_>>(), ["Error", "error", "limits"]);
}
