//! What cannot be erased, and what is no TypeScript: a place, and what to write instead.

use std::borrow::Cow;

use belljar_typescript::{is_typescript, strip};

#[track_caller]
fn refuses(source: &str, line: usize, column: usize, message: &str) {
    let error = strip(source, "main.ts").expect_err(source);
    assert_eq!((error.line, error.column), (line, column), "{source}: {error}");
    assert!(error.message.contains(message), "{source}: {error}");
    assert_eq!(error.text, source.split('\n').nth(line - 1).unwrap().trim_end_matches('\r'), "{source}");
    let first = error.message.chars().next().unwrap();
    assert!(!first.is_uppercase() || error.message.starts_with("JSX") || first == 'T', "{error}");
    assert!(!error.message.ends_with('.'), "{error}");
}

#[test]
fn code_that_a_compiler_writes_is_refused_with_what_to_write_instead() {
    for (source, column, message) in [
        ("enum A { B }", 1, "write an object"),
        ("const enum A { B }", 1, "write an object"),
        ("export enum A { B }", 8, "write an object"),
        ("export const enum A { B }", 8, "write an object"),
        ("function f() { enum A { B } }", 16, "write an object"),
        ("namespace A { const b = 1 }", 1, "a module of its own"),
        ("namespace A { type C = 1; export function b() { } }", 1, "a module of its own"),
        ("export namespace A.B { f() }", 8, "a module of its own"),
        ("module A { export let b }", 1, "a module of its own"),
        ("namespace A { namespace B { 1 } }", 15, "a module of its own"),
        ("class A { constructor(private b: string) { } }", 23, "assign it in the constructor"),
        ("class A { constructor(readonly b) { } }", 23, "assign it in the constructor"),
        ("class A { constructor(a, public readonly b = 1) { } }", 26, "assign it in the constructor"),
        ("class A { constructor(override b) { } }", 23, "assign it in the constructor"),
        ("@a class B { }", 1, "call it as a function"),
        ("export @a class B { }", 8, "call it as a function"),
        ("class A { @b c() { } }", 11, "call it as a function"),
        ("class A { @b() static c = 1 }", 11, "call it as a function"),
        ("class A { b(@c d) { } }", 13, "call it as a function"),
        ("const a = @b class { }", 11, "call it as a function"),
        ("class A { accessor b = 1 }", 11, "a getter and a setter"),
        ("class A { static accessor b = 1 }", 18, "a getter and a setter"),
        ("import a = require('a')", 10, "import … from"),
        ("import a = b.c", 10, "import … from"),
        ("export import a = b.c", 8, "import … from"),
        ("export = 1", 8, "export default"),
        ("const a = <></>", 11, "JSX"),
        ("const a = <div>text</div>", 11, "JSX"),
        ("const a = <div className='b'>{c}</div>", 11, "JSX"),
        ("const a = <b.c d={1} />", 11, "JSX"),
        ("return_(1 + x as number * 2)", 25, "brackets around the assertion"),
        ("a < b as any + c", 14, "brackets around the assertion"),
        ("a ** b as any ** c", 15, "brackets around the assertion"),
    ] {
        refuses(source, 1, column, message);
        refuses(&format!("let größe: string; type A = 1;\r\n{source}\nlet b: 1"), 2, column, message);
    }
}

#[test]
fn a_value_that_would_come_on_a_later_line_is_refused() {
    refuses("function* f() {\n  yield <any>\n  1 }", 2, 9, "on this line");
    refuses("function f() {\n  return <\n  any>1 }", 2, 10, "on this line");
}

#[test]
fn what_no_rule_allows_names_what_is_missing() {
    for (source, line, column, message) in [
        ("let a: = 1", 1, 8, "expected a type, found ="),
        ("let a: number b", 1, 15, "expected ; or a new line, found b"),
        ("f(1", 1, 4, "expected ), but the source ends here"),
        ("\nclass A {", 2, 10, "expected a name, but the source ends here"),
        ("type A = {", 1, 11, "expected a member of a type, but the source ends here"),
        ("/* a", 1, 1, "this comment has no end"),
        ("a = `b${c", 1, 10, "expected }, but the source ends here"),
        ("a = 'b\n'", 1, 5, "this string has no end"),
        ("a = /b\n/", 1, 5, "this regular expression has no end"),
        ("a = \u{1}", 1, 5, "this character has no meaning here, found \\u{1}"),
        ("(a: number)", 1, 12, "expected =>, but the source ends here"),
        ("}", 1, 1, "expected a statement, found }"),
        ("let a: A<B", 1, 11, "expected >, but the source ends here"),
    ] {
        refuses(source, line, column, message);
    }
}

#[test]
fn a_long_line_is_shown_around_its_column() {
    let source = format!("{}enum A {{ }}{}", "ö;".repeat(500), "é".repeat(500));
    let error = strip(&source, "main.ts").unwrap_err();
    assert_eq!((error.line, error.column), (1, 1501));
    assert_eq!(error.text.chars().count(), 160);
    assert!(error.text.contains("enum A"), "{}", error.text);
}

#[test]
fn names_say_what_is_typescript() {
    for name in ["a.ts", "a/b.mts", "a.d.ts", "a.tsx", "a.cts"] {
        assert!(is_typescript(name), "{name}");
    }
    for name in ["a.js", "a.mjs", "ts", "a.ts.js", "a.TS", "[eval]", ""] {
        assert!(!is_typescript(name), "{name}");
    }
    assert!(strip("1", "a.tsx").unwrap_err().message.contains("JSX"));
    assert!(strip("1", "a.cts").unwrap_err().message.contains("rename it to .ts or .mts"));
    assert_eq!(strip("1", "[eval]").unwrap(), "1");
}

#[test]
fn a_source_without_types_is_not_copied() {
    for source in ["", "1 + 2", "const f = x => x < 1 ? (a) : b; // type A = 1"] {
        assert!(matches!(strip(source, "main.ts"), Ok(Cow::Borrowed(same)) if same == source), "{source}");
    }
    assert!(matches!(strip("let a: 1", "main.ts"), Ok(Cow::Owned(_))));
}
