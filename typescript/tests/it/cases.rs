//! The syntax of TypeScript, one file for each kind, with what is left of it. `BELLJAR_BLESS=1` writes the latter.

use std::fs;
use std::path::{Path, PathBuf};

use belljar::{Error, Limits, Router, Runtime, Script};
use belljar_typescript::strip;

/// Where a case throws: an undefined name.
const MARKER: &str = "HERE";

/// What ends a line.
const ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

fn cases() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "ts"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() > 40, "only {} cases were found", found.len());
    found
}

fn stripped(path: &Path, source: &str) -> String {
    strip(source, &path.display().to_string()).unwrap_or_else(|error| panic!("{error}")).into_owned()
}

#[test]
fn what_is_left_of_each_case_is_written_down() {
    for (path, source) in cases() {
        let (left, listed) = (stripped(&path, &source), path.with_extension("js"));
        if std::env::var_os("BELLJAR_BLESS").is_some() {
            fs::write(&listed, &left).unwrap();
        }
        let expected = fs::read_to_string(&listed).unwrap_or_default();
        assert_eq!(left, expected, "{}; BELLJAR_BLESS=1 writes it", path.display());
    }
}

#[test]
fn every_character_that_is_left_is_where_it_was() {
    for (path, source) in cases() {
        let left = stripped(&path, &source);
        assert_eq!(left.len(), source.len(), "{}", path.display());
        assert_eq!(left.encode_utf16().count(), source.encode_utf16().count(), "{}", path.display());
        for (at, found) in left.char_indices().filter(|(_, found)| !found.is_whitespace()) {
            // These three replace a type where its end would join two statements or split one.
            let is_same = source[at..].starts_with(found) || "();0,".contains(found);
            assert!(is_same, "{}: {found:?} at byte {at}", path.display());
        }
        let ends =
            |text: &str| -> Vec<(usize, char)> { text.char_indices().filter(|(_, c)| ENDS.contains(c)).collect() };
        assert_eq!(ends(&left), ends(&source), "{}", path.display());
    }
}

#[test]
fn what_is_left_has_no_types() {
    for (path, source) in cases() {
        let left = stripped(&path, &source);
        assert_eq!(strip(&left, "again.ts").unwrap(), left, "{}", path.display());
    }
}

#[test]
fn an_error_is_at_the_line_and_column_of_the_author() {
    let runtime = Runtime::new().unwrap();
    let mut ran = 0;
    for (path, source) in cases() {
        let Some(at) = source.find(MARKER) else { continue };
        let left = stripped(&path, &source);
        let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
        let error = match jar.eval(Script::new(&left).named("case.ts")) {
            Err(Error::Js(error)) => error,
            other => panic!("{} should throw: {other:?}", path.display()),
        };
        assert_eq!(error.to_string(), format!("ReferenceError: {MARKER} is not defined"), "{}", path.display());
        // Lines as ECMAScript counts them; a column is in bytes.
        let before = source[..at].replace("\r\n", "\n");
        let start = before.rfind(ENDS).map_or(0, |end| before.ceil_char_boundary(end + 1));
        let expected = format!("(case.ts:{}:{})", before.matches(ENDS).count() + 1, before.len() - start + 1);
        let stack = error.stack.as_deref().and_then(|stack| stack.lines().next()).unwrap_or_default();
        assert!(stack.ends_with(&expected), "{}: {stack}, expected {expected}", path.display());
        ran += 1;
    }
    assert!(ran > 30, "only {ran} cases ran");
}
