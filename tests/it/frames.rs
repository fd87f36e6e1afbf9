//! The line of the script that an error names.

use belljar::{Frame, JsError, Script};

use crate::support::{assert_usable, block_on, jar, thrown};

/// The error of a script that is placed on a separate line.
#[track_caller]
fn thrown_by(line: &str) -> JsError {
    let source = format!("var orders = {{ a: {{}}, list: [] }}, five = 5, none, key = 'k', f = () => 1;\n  ;{line}");
    let mut jar = jar();
    let error = thrown(jar.eval(&source));
    assert_eq!(thrown(jar.inspect(&source).map(|_| belljar::Value::UNDEFINED)), error, "{line}");
    assert_eq!(thrown(block_on(jar.eval_async(&source))).frame(), error.frame(), "{line}");
    assert_usable(&mut jar);
    error
}

#[test]
fn a_message_names_what_it_is_about() {
    for (line, expected) in [
        ("orders.lenght()", "orders.lenght is not a function"),
        ("orders.lenght ( 1, five )", "orders.lenght is not a function"),
        ("orders.a.b(orders.list, x => x.y())", "orders.a.b is not a function"),
        ("orders?.lenght()", "orders?.lenght is not a function"),
        ("orders[key]()", "orders[key] is not a function"),
        ("orders['lenght']()", "orders['lenght'] is not a function"),
        ("five()", "five is not a function"),
        ("1 + five(2)", "five is not a function"),
        ("five`x`", "five is not a function"),
        ("this.missing()", "this.missing is not a function"),
        ("orders.list.filter(f).lenght()", ".lenght is not a function"),
        ("new orders(five)", "orders is not a constructor"),
        ("new orders.list.Item()", "orders.list.Item is not a function"),
        ("[1].map(x => x.foo())", "x.foo is not a function"),
        ("f(...five)", "five is not iterable"),
        ("for (const x of five) {}", "five is not iterable"),
        ("Object.keys(none)", "Object.keys(…): Cannot convert undefined or null to object"),
        ("Object.entries(orders.nothing)", "Object.entries(…): Cannot convert undefined or null to object"),
        ("new Map(five)", "Map(…): value is not iterable"),
    ] {
        assert_eq!(thrown_by(line).to_string(), format!("TypeError: {expected}"), "{line}");
    }
}

#[test]
fn where_it_cannot_tell_a_message_stays_as_it_is() {
    for (line, expected) in [
        ("f()()", "not a function"),
        ("(0, five)()", "not a function"),
        ("[1].map(five)", "not a function"),
        ("[...five]", "value is not iterable"),
        ("{ const { q } = none }", "Cannot convert undefined or null to object"),
        ("throw new TypeError('not a function')", "not a function"),
        ("{ const text = 'five('; throw new TypeError('not a function') }", "not a function"),
    ] {
        assert_eq!(thrown_by(line).to_string(), format!("TypeError: {expected}"), "{line}");
    }
}

#[test]
fn a_frame_has_the_line_and_the_column() {
    let error = thrown_by("orders.lenght()");
    assert_eq!(error.message, "not a function");
    let Frame { line, column, text, .. } = error.frame().cloned().unwrap();
    assert_eq!((line, column, text.as_str()), (2, 11, "  ;orders.lenght()"));
    let error = thrown(jar().eval(Script::new("let a = 1;\r\nlet größe = ;\r\n").named("broken.js")));
    let frame = error.frame().cloned().unwrap();
    assert_eq!((frame.line, frame.text.as_str(), frame.expression), (2, "let größe = ;", None));
}

#[test]
fn a_frame_is_that_of_the_script_that_was_run() {
    let mut jar = jar();
    let library = Script::new("\nfunction fails() { none.lenght() }\nvar none = {}").named("library.js");
    jar.eval(&library).unwrap();
    let mut error = thrown(jar.eval(Script::new("1;\nfails()").named("main.js")));
    assert_eq!((error.frame().unwrap().line, error.frame().unwrap().text.as_str()), (2, "fails()"));
    error.locate(&library);
    assert_eq!(error.frame().unwrap().expression.as_deref(), Some("none.lenght"));
    for other in [Script::new("").named("library.js"), Script::new("x").named("other.js")] {
        error.locate(&other);
        assert_eq!(error.frame(), None);
    }
}

#[test]
fn what_a_script_makes_of_its_stack_and_its_lines_is_bounded() {
    let mut jar = jar();
    for stack in
        ["script.js:0:0", "script.js:1:0", "script.js:9:9", "script.js:1:99999999999999999999", "script.js:1:3", ""]
    {
        let script =
            format!("/*größe*/ throw Object.assign(new TypeError('not a function'), {{ stack: ' at {stack}' }})");
        let error = thrown(jar.eval(&script));
        assert!(error.frame().is_none_or(|frame| frame.expression.is_none()), "{stack}");
    }
    for line in
        ["]".repeat(3 << 20), "a[".repeat(3 << 20), ".a".repeat(3 << 20), "x ".repeat(3 << 20), "ü".repeat(1 << 20)]
    {
        for column in [1, 2, 100, 1 << 20, line.len() - 1] {
            let script = format!(
                "throw Object.assign(new TypeError('not a function'), {{ stack: ' at script.js:2:{column}' }})\n//\n/*{line}*/"
            );
            let script = script.replace("\n//\n/*", " /*\n");
            let error = thrown(jar.eval(&script));
            assert!(error.frame().is_none_or(|frame| frame.text.chars().count() <= 160 && frame.expression.is_none()));
        }
    }
}
