//! A lexer for JavaScript: enough to colour a line and to find names in it.
//!
//! It reads text and decides nothing: only the compiler in the jar can say whether something is JavaScript. It must
//! never know a terminal or a jar.

use std::ops::Range;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Keyword,
    /// `true`, `null`, `undefined` and the like.
    Constant,
    Name,
    Number,
    Text,
    Pattern,
    Comment,
    Mark,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
    /// How many brackets are open around it.
    depth: usize,
    /// Whether it is a comment or a template, and its end is missing.
    pub(crate) is_open: bool,
}

const KEYWORDS: [&str; 40] = [
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "finally",
    "for",
    "function",
    "get",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "of",
    "return",
    "set",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
];
const CONSTANTS: [&str; 5] = ["true", "false", "null", "undefined", "NaN"];
/// After these words a slash begins a pattern, although it divides after any other.
const BEFORE_VALUES: [&str; 13] =
    ["await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return", "throw", "typeof", "void"];
/// The words of a text, which need not be JavaScript.
pub(crate) fn words(source: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // The brackets that are open. A `$` stands for the `${` of a template.
    let mut open: Vec<char> = Vec::new();
    let mut at = 0;
    while let Some(first) = source.get(at..).and_then(|rest| rest.chars().next()) {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = source.get(at..).unwrap_or_default();
        let depth = open.len();
        let mut is_open = false;
        let (kind, length) = if rest.starts_with("//") || (at == 0 && rest.starts_with("#!")) {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            let end = rest.get(2..).and_then(|body| body.find("*/"));
            is_open = end.is_none();
            (Kind::Comment, end.map_or(rest.len(), |end| end + 4))
        } else if first == '"' || first == '\'' {
            (Kind::Text, quoted(rest, first))
        } else if first == '`' || (first == '}' && open.last() == Some(&'$')) {
            if first == '}' {
                open.pop();
            }
            let (length, end) = template(rest);
            match end {
                End::Expression => open.push('$'),
                End::Missing => is_open = true,
                End::Quote => {}
            }
            (Kind::Text, length)
        } else if first.is_ascii_digit() || (first == '.' && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)) {
            (Kind::Number, number(rest))
        } else if is_name(first) {
            let length = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
            let name = rest.get(..length).unwrap_or_default();
            let is_property = words.last().is_some_and(|word| source.get(word.span.clone()) == Some("."));
            (if is_property { Kind::Name } else { kind_of(name) }, length)
        } else if first == '/' && divides_nothing(source, &words) {
            (Kind::Pattern, pattern(rest))
        } else {
            match first {
                '(' | '[' | '{' => open.push(first),
                ')' | ']' | '}' => drop(open.pop()),
                _ => {}
            }
            (Kind::Mark, first.len_utf8())
        };
        let depth = if kind == Kind::Mark { depth.min(open.len()) } else { depth };
        words.push(Word { kind, span: at..at + length, depth, is_open });
        at += length.max(1);
    }
    words
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '#' | '\\' | '\u{200c}' | '\u{200d}')
}

fn kind_of(name: &str) -> Kind {
    if KEYWORDS.contains(&name) {
        Kind::Keyword
    } else if CONSTANTS.contains(&name) {
        Kind::Constant
    } else {
        Kind::Name
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' => return at,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// What ends a piece of a template.
enum End {
    Quote,
    Expression,
    Missing,
}

/// The length of a piece of a template, and what ends it.
fn template(text: &str) -> (usize, End) {
    let mut is_escaped = false;
    let mut before = ' ';
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '`' => return (at + 1, End::Quote),
            '{' if before == '$' => return (at + 1, End::Expression),
            _ => {}
        }
        before = character;
    }
    (text.len(), End::Missing)
}

fn number(text: &str) -> usize {
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let is_sign = matches!(character, '+' | '-') && matches!(before, 'e' | 'E') && !text.starts_with("0x");
        if !(character.is_alphanumeric() || matches!(character, '.' | '_') || is_sign) {
            return at;
        }
        before = character;
    }
    text.len()
}

fn pattern(text: &str) -> usize {
    let (mut is_escaped, mut in_class) = (false, false);
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\n' => return at,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => {
                let rest = text.get(at + 1..).unwrap_or_default();
                return at + 1 + rest.find(|flag: char| !flag.is_alphanumeric()).unwrap_or(rest.len());
            }
            _ => {}
        }
    }
    text.len()
}

/// Whether a slash after these words begins a pattern.
fn divides_nothing(source: &str, words: &[Word]) -> bool {
    let Some(last) = words.iter().rev().find(|word| word.kind != Kind::Comment) else { return true };
    let text = source.get(last.span.clone()).unwrap_or_default();
    match last.kind {
        Kind::Mark => !matches!(text, ")" | "]" | "}"),
        Kind::Keyword => BEFORE_VALUES.contains(&text),
        _ => false,
    }
}

/// Whether a script begins with a declaration, whose value is not worth showing.
pub(crate) fn declares(source: &str) -> bool {
    let first = words(source).into_iter().find(|word| word.kind != Kind::Comment);
    let text = first.and_then(|word| source.get(word.span)).unwrap_or_default();
    matches!(text, "let" | "const" | "var" | "class" | "function" | "async")
}

/// The names that a script declares with `let`, `const` and `class` at its top level. They are global, but are no
/// properties of the global object.
pub(crate) fn declared(source: &str) -> Vec<String> {
    let words: Vec<Word> = words(source).into_iter().filter(|word| word.kind != Kind::Comment).collect();
    let text = |word: &Word| source.get(word.span.clone()).unwrap_or_default();
    let mut names = Vec::new();
    let (mut in_declaration, mut is_value) = (false, false);
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index)).map(text).unwrap_or_default();
        let next = words.get(index + 1).map(text).unwrap_or_default();
        match (word.kind, text(word)) {
            (Kind::Keyword, "let" | "const" | "class") if word.depth == 0 => (in_declaration, is_value) = (true, false),
            (Kind::Mark, ";") if word.depth == 0 => in_declaration = false,
            (Kind::Mark, "=") if word.depth == 0 => is_value = true,
            (Kind::Mark, ",") if word.depth == 0 => is_value = false,
            (Kind::Name, name) if in_declaration && !is_value => {
                let is_first = matches!(before, "let" | "const" | "class" | "," | "{" | "[" | ":");
                if is_first && matches!(next, "=" | "," | "}" | "]" | "{" | "extends" | ";" | "") {
                    names.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Kind, declared, declares, words};

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        words(source).into_iter().map(|word| (word.kind, source.get(word.span).unwrap_or_default())).collect()
    }

    #[test]
    fn a_slash_divides_or_begins_a_pattern() {
        assert_eq!(kinds("a / b / c")[1], (Kind::Mark, "/"));
        assert_eq!(kinds("x = /a[/]b/gi.test(y)")[2], (Kind::Pattern, "/a[/]b/gi"));
        assert_eq!(kinds("f(1) / 2")[4], (Kind::Mark, "/"));
        assert_eq!(kinds("return /x/")[1], (Kind::Pattern, "/x/"));
    }

    #[test]
    fn a_template_holds_expressions_that_hold_templates() {
        let words = kinds("`a${ b + `c${d}e` }f` + g");
        assert_eq!(words.iter().filter(|(kind, _)| *kind == Kind::Text).count(), 4);
        assert_eq!(words.last(), Some(&(Kind::Name, "g")));
    }

    #[test]
    fn every_text_has_an_end() {
        for source in
            ["'", "\"\\", "`", "`${", "/", "/[", "/*", "//", "}", ")))", "0x", "1e", ".5.", "\\", "é'ü", "#!x\ny"]
        {
            let words = words(source);
            assert!(words.iter().all(|word| source.get(word.span.clone()).is_some()), "{source}");
        }
    }

    #[test]
    fn words_are_in_order_wherever_a_text_is_cut() {
        let source = "x = `a${ {b: '\\'', c: /[/\\]]\\//g} }` // é\n/* ü */ if (a) 0x1e-3.5e+7; \"\\\n\" #!";
        let cuts: Vec<usize> = (0..=source.len()).filter(|at| source.is_char_boundary(*at)).collect();
        for (index, from) in cuts.iter().enumerate() {
            for part in cuts.iter().skip(index).filter_map(|to| source.get(*from..*to)) {
                let words = words(part);
                assert!(words.is_sorted_by(|one, next| one.span.end <= next.span.start), "{part}");
                assert!(words.iter().all(|word| part.get(word.span.clone()).is_some_and(|text| !text.is_empty())));
            }
        }
    }

    #[test]
    fn a_comment_or_a_template_without_an_end_is_open() {
        let is_open = |source| words(source).last().is_some_and(|word| word.is_open);
        for source in ["/* a", "1 /*/", "`a", "`a${b}c", "`\\`", "`a\n${`b"] {
            assert!(is_open(source), "{source}");
        }
        for source in ["", "/* a */", "// a", "`a`", "`a${", "`a${b}`", "'a", "\"a"] {
            assert!(!is_open(source), "{source}");
        }
    }

    #[test]
    fn a_declaration_is_known_by_its_first_word() {
        for source in ["let a = 1", "// why\nconst b = 2; b", "async function f() {}", "class A {}"] {
            assert!(declares(source), "{source}");
        }
        for source in ["", "letter", "f(); let a", "(class {})", "if (a) {}", "'let'"] {
            assert!(!declares(source), "{source}");
        }
    }

    #[test]
    fn declarations_give_names() {
        assert_eq!(
            declared("let a = b, c = 1; const { d, e: f } = g; class H extends I {}; let j"),
            ["a", "c", "d", "f", "H", "j"]
        );
        assert_eq!(declared("a = 1; function f() { let inner = 1 }"), [""; 0]);
    }
}
