//! TypeScript that may be anything: stripping it ends, and keeps its promises about what is left.

use belljar_typescript::strip;

/// What may stand in the place of a type, where its end would join two statements or split one.
const PUT: &str = "();0,";

/// A source: its types are blanked, or it is refused at a place inside of it.
///
/// Every line and every other character stays where it was, and what is left has no types: stripping it again changes
/// nothing.
pub fn typescript(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let left = match strip(&source, "fuzz.ts") {
        Ok(left) => left,
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1 && error.column <= source.len() + 1, "{error:?}");
            return;
        }
    };
    assert_eq!(left.len(), source.len(), "{source}");
    let ends = |text: &str| -> Vec<(usize, char)> {
        text.char_indices().filter(|(_, end)| matches!(end, '\n' | '\r' | '\u{2028}' | '\u{2029}')).collect()
    };
    assert_eq!(ends(&left), ends(&source), "{source}");
    for (at, found) in left.char_indices() {
        let is_same = source.get(at..).is_some_and(|rest| rest.starts_with(found));
        assert!(is_same || found.is_whitespace() || PUT.contains(found), "{found:?} at {at}: {source}");
    }
    // Two comparisons that are left of `a < b as T > (c)` would be read as the call of `a<b>(c)`.
    if !left.contains('<') {
        assert_eq!(strip(&left, "fuzz.ts").as_deref(), Ok(&*left), "{source}");
    }
}
