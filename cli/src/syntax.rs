//! JavaScript as a row of words: enough to colour a line and to see where statements may begin.
//!
//! It reads text and decides nothing: whether something is JavaScript only the compiler in the jar can say. It must never know a
//! terminal or a jar.

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

/// One piece of text that is not space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
    /// How many brackets are open around it.
    depth: usize,
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
/// Statements and parts of them that begin like this are no expressions, or would mean something else as one.
const STATEMENTS: [&str; 26] = [
    "{",
    "async function",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "do",
    "else",
    "export",
    "finally",
    "for",
    "function",
    "if",
    "import ",
    "let",
    "return",
    "switch",
    "throw",
    "try",
    "var",
    "while",
    "with",
];

/// The words of a text. A text that is no JavaScript has words too.
pub(crate) fn words(source: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // The brackets that are open; a template's `${` is one that ends in more text.
    let mut open: Vec<char> = Vec::new();
    let mut at = 0;
    while let Some(first) = source.get(at..).and_then(|rest| rest.chars().next()) {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = source.get(at..).unwrap_or_default();
        let depth = open.len();
        let (kind, length) = if rest.starts_with("//") || (at == 0 && rest.starts_with("#!")) {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Kind::Comment, rest.get(2..).and_then(|body| body.find("*/")).map_or(rest.len(), |end| end + 4))
        } else if first == '"' || first == '\'' {
            (Kind::Text, quoted(rest, first))
        } else if first == '`' || (first == '}' && open.last() == Some(&'$')) {
            if first == '}' {
                open.pop();
            }
            let (length, goes_on) = template(rest);
            if goes_on {
                open.push('$');
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
        words.push(Word { kind, span: at..at + length, depth });
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

/// A piece of a template, and whether an expression follows it.
fn template(text: &str) -> (usize, bool) {
    let mut is_escaped = false;
    let mut before = ' ';
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '`' => return (at + 1, false),
            '{' if before == '$' => return (at + 1, true),
            _ => {}
        }
        before = character;
    }
    (text.len(), false)
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

/// Where a statement that is nothing but an expression may be: where it would begin, and where it could end, the farthest first.
/// Each of these is a guess that a compiler has to confirm.
pub(crate) fn expressions(source: &str) -> Vec<(usize, Vec<usize>)> {
    let words: Vec<Word> = words(source).into_iter().filter(|word| word.kind != Kind::Comment).collect();
    let text = |word: &Word| source.get(word.span.clone()).unwrap_or_default();
    let is_gap = |before: &Word, after: &Word| {
        source.get(before.span.end..after.span.start).is_some_and(|gap| gap.contains('\n'))
    };
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let rest = source.get(word.span.start..).unwrap_or_default();
        // What could go on with the statement before it does go on with it, unless a mark between them says otherwise.
        let could_go_on = match word.kind {
            Kind::Mark => !(rest.starts_with("++") || rest.starts_with("--")),
            Kind::Text => rest.starts_with('`'),
            _ => false,
        };
        let before = index.checked_sub(1).and_then(|index| words.get(index));
        let begins = match before {
            None => true,
            Some(before) => match text(before) {
                ";" | "{" | ")" | ":" | "else" | "do" => true,
                "}" => !could_go_on,
                _ => !could_go_on && is_gap(before, word),
            },
        };
        let is_statement = STATEMENTS.iter().any(|statement| {
            rest.strip_prefix(statement)
                .is_some_and(|after| !statement.ends_with(char::is_alphanumeric) || !after.starts_with(is_name))
        });
        if !begins || is_statement || matches!(text(word), ")" | "]" | "}") {
            continue;
        }
        let mut ends = Vec::new();
        for (at, last) in words.iter().enumerate().skip(index) {
            if last.depth < word.depth || (last.depth == word.depth && text(last) == ";") {
                break;
            }
            let is_end = words.get(at + 1).is_none_or(|next| {
                next.depth < word.depth || (next.depth == word.depth && text(next) == ";") || is_gap(last, next)
            });
            if is_end && last.depth == word.depth {
                ends.push(last.span.end);
            }
        }
        ends.reverse();
        if !ends.is_empty() {
            found.push((word.span.start, ends));
        }
    }
    found
}

/// Whether nothing but comments and semicolons stands there.
pub(crate) fn is_blank(source: &str) -> bool {
    words(source).iter().all(|word| word.kind == Kind::Comment || source.get(word.span.clone()) == Some(";"))
}

/// Whether what stands there is nothing but texts, as the directives are that may begin a script.
pub(crate) fn is_directive(source: &str) -> bool {
    words(source)
        .iter()
        .all(|word| matches!(word.kind, Kind::Comment | Kind::Text) || source.get(word.span.clone()) == Some(";"))
}

/// Names that a script gives to the whole jar without making them properties of the global object.
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

/// Where a stack points to in a script, put right: both are bytes of the script. The engine names what it came to last, which may
/// be an argument of the call that failed; `is_failing` says of a callee, and the word before it, whether it can be that call.
pub(crate) fn callee(source: &str, at: usize, is_failing: impl Fn(&str, &str) -> bool) -> Option<usize> {
    let words: Vec<Word> = words(source).into_iter().filter(|word| word.kind != Kind::Comment).collect();
    let text = |index: Option<usize>| {
        index.and_then(|index| words.get(index)).and_then(|word| source.get(word.span.clone())).unwrap_or_default()
    };
    let here = words.iter().position(|word| word.span.contains(&at))?;
    let mut inside = words.get(here)?.depth;
    // From the place outwards, through every bracket that is open there.
    let opened = (0..here).rev().filter(|index| {
        let is_open = matches!(text(Some(*index)), "(" | "[" | "{") && words[*index].depth < inside;
        if is_open {
            inside = words[*index].depth;
        }
        is_open
    });
    for index in std::iter::once(here + 1).chain(opened) {
        let before = index.checked_sub(1);
        match text(Some(index)) {
            // A function: what fails in it is no call around it.
            "{" if matches!(text(before), ")" | ">") => return None,
            "(" => {
                let first = (1..index).rev().find(|index| text(Some(index - 1)) != "." && text(Some(*index)) != ".");
                let first = first.unwrap_or_default();
                let begins = first.checked_sub(1);
                if is_failing(text(before), text(begins)) {
                    let start = if text(begins) == "new" { begins } else { before };
                    return start.and_then(|start| words.get(start)).map(|word| word.span.start);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where a script calls `host.rpc`, `host.rpcSync` or `import`, and with which text, if it is one.
pub(crate) fn calls(source: &str) -> Vec<(usize, &str, Option<&str>)> {
    let words: Vec<Word> = words(source).into_iter().filter(|word| word.kind != Kind::Comment).collect();
    let text = |index: usize| words.get(index).and_then(|word| source.get(word.span.clone())).unwrap_or_default();
    (0..words.len())
        .filter_map(|index| {
            let (callee, bracket) = match (text(index), text(index + 1), text(index + 2)) {
                ("import", "(", _) => ("import", index + 1),
                ("host", ".", name @ ("rpc" | "rpcSync")) => (name, index + 3),
                _ => return None,
            };
            let first = words.get(bracket + 1).filter(|word| word.kind == Kind::Text && text(bracket) == "(");
            let first = first.and_then(|word| source.get(word.span.start + 1..word.span.end.checked_sub(1)?));
            Some((words.get(index)?.span.start, callee, first))
        })
        .collect()
}

/// The events that a script registers handlers for, as far as its text has their names.
pub(crate) fn events(source: &str) -> Vec<String> {
    let words = words(source);
    let text = |word: &Word| source.get(word.span.clone()).unwrap_or_default();
    words
        .windows(5)
        .filter_map(|window| match window {
            [host, dot, on, bracket, name]
                if [host, dot, on, bracket].map(text) == ["host", ".", "on", "("] && name.kind == Kind::Text =>
            {
                let name = text(name);
                Some(name.get(1..name.len().checked_sub(1)?)?.to_owned())
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, declared, events, expressions, words};

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
                let spans =
                    expressions(part).into_iter().flat_map(|(start, ends)| ends.into_iter().map(move |end| start..end));
                assert!(spans.into_iter().all(|span| part.get(span).is_some()), "{part}");
            }
        }
    }

    #[test]
    fn an_expression_begins_where_a_statement_may() {
        let guesses = |source: &'static str| -> Vec<&str> {
            expressions(source).into_iter().filter_map(|(start, ends)| source.get(start..*ends.first()?)).collect()
        };
        assert_eq!(guesses("1 + 2;"), ["1 + 2"]);
        assert_eq!(guesses("let a = 1; a * 2 // twice"), ["a * 2"]);
        assert_eq!(guesses("f()\ng()"), ["f()\ng()", "g()"]);
        assert_eq!(guesses("let a = 1\n(b)"), [""; 0], "the brackets call 1");
        assert_eq!(guesses("{ a }"), ["a"]);
        assert_eq!(guesses("let letter = 1; letter"), ["letter"]);
        assert_eq!(guesses("if (a) f(1); else g(2)"), ["f(1)", "g(2)"]);
        assert_eq!(guesses("try { f(1) } catch { g(2) }"), ["f(1)", "g(2)"]);
        for goes_on in ["let a = {} + 1", "let a = {}\n[0]", "let a = tag\n`x`", "let a = {} / 2 / g"] {
            assert_eq!(guesses(goes_on), [""; 0], "{goes_on}");
        }
        assert_eq!(guesses("let a = 1\n++a"), ["++a"]);
        assert_eq!(guesses("class A {}"), [""; 0]);
        assert_eq!(guesses("; ;"), [""; 0]);
    }

    #[test]
    fn events_are_found_by_their_names() {
        assert_eq!(events("host.on('a', f); host . on(`b`, g); host.on(c, h); other.on('d')"), ["a", "b"]);
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
