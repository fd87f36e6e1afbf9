//! Imports go one way: ARCHITECTURE.md lists the files of `host/`, of the guest and of `typescript/` from top to
//! bottom, and a file may import only from the lines below its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The line number of each file or folder in the list that starts with the line `top`.
fn lines(top: &str) -> BTreeMap<String, usize> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let list = page.split(&format!("\n```text\n{top}\n")).nth(1).expect("the page has the list");
    let list = format!("{top}\n{}", list.split("```").next().unwrap());
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

/// The first names of a path after `crate::`: one, or those of a group.
fn first_names(rest: &str) -> Vec<String> {
    let name = |path: &str| path.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut names, mut start) = (1, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        depth = match c {
            '{' => depth + 1,
            '}' => depth - 1,
            _ => depth,
        };
        if depth == 0 || (depth == 1 && c == ',') {
            names.push(name(&group[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// A source without its comments and tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
}

/// The modules that a source imports from the crate's root, in `use` and in paths, but not in comments or tests. A
/// type by its public name, as in `crate::Error`, is imported from the root, which is above all modules, so it is
/// found as an upward import.
fn imports(source: &str) -> BTreeSet<String> {
    code(source).split("crate::").skip(1).flat_map(first_names).collect()
}

/// Checks a folder of sources against the list that begins with `top`, and returns how many imports there were.
fn check(folder: &str, top: &str) -> usize {
    let (lines, folder) = (lines(top), root().join(folder));
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for file in files {
        let inside = file.strip_prefix(&folder).unwrap().with_extension("");
        let room = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        if room == "lib" || inside.ends_with("tests") {
            continue;
        }
        let Some(line) = lines.get(&room) else {
            wrong.push(format!("ARCHITECTURE.md does not list {room}"));
            continue;
        };
        let source = fs::read_to_string(&file).unwrap();
        if inside.components().count() == 1 && code(&source).contains("super::") {
            wrong.push(format!("{} imports from the root by `super`, which hides what is imported", inside.display()));
        }
        for import in imports(&source) {
            // Imports inside a folder are not checked.
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
    checked
}

#[test]
fn no_file_of_the_library_imports_from_a_line_that_is_not_below_its_own() {
    let checked = check("host", "facts");
    assert!(checked > 100, "only {checked} imports were found");
}

#[test]
fn no_file_of_the_guest_imports_from_a_line_that_is_not_below_its_own() {
    let checked = check("runtime-guest/src", "exports");
    assert!(checked > 60, "only {checked} imports were found");
}

#[test]
fn no_file_of_the_stripping_of_types_imports_from_a_line_that_is_not_below_its_own() {
    let checked = check("typescript/src", "strip");
    assert!(checked > 20, "only {checked} imports were found");
}

#[test]
fn the_check_sees_imports_and_overlooks_comments_and_tests() {
    let source = "use crate::error::Error;\nfn g() -> crate::Error {}\n// crate::comment\nfn f() { crate::limits::g() }\n\
        use crate::{\n    abi, console::{self, show},\n    report,\n};\n#[cfg(test)]\nuse crate::tests::x;";
    let expected = ["Error", "abi", "console", "error", "limits", "report"];
    assert_eq!(imports(source).into_iter().collect::<Vec<_>>(), expected);
}
