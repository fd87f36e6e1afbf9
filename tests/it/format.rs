//! Formats, tables and `dir` of the console. The expected texts are those of Node 20, except that strings inside of
//! values are in double quotes.

use belljar::{Call, Router};

use crate::support::{Log, assert_usable, block_on, jar_of, jar_with_router};

/// The lines that a script prints, joined.
#[track_caller]
fn printed(script: &str) -> String {
    let log = Log::default();
    let mut jar = jar_with_router(&log.console());
    jar.eval(script).unwrap();
    let lines = log.take();
    assert_usable(&mut jar);
    lines.join("\n")
}

#[test]
fn directives_print_what_node_prints() {
    for (arguments, expected) in [
        ("'%s|%s|%s|%s', 'a', 1, -0, 2n", "a|1|-0|2n"),
        ("'%s|%s|%s|%s', Symbol('q'), null, undefined, true", "Symbol(q)|null|undefined|true"),
        ("'%s %s', { a: 1, b: { c: {} } }, [1, [2, [3]]]", "{ a: 1, b: [Object] } [ 1, [Array] ]"),
        ("'%s %s', function f(x) { return x }, class A {}", "function f(x) { return x } class A {}"),
        ("'%s', { toString() { return 'mine' } }", "mine"),
        ("'%s', new (class B { toString() { return 'of a class' } })", "of a class"),
        ("'%s', new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("'%s', new (class Foo { x = 1 })", "Foo { x: 1 }"),
        ("'%s', []", "[]"),
        ("'%d %d %d %d %d %d', '42', 1.5, {}, 5n, Symbol('x'), 'x'", "42 1.5 NaN 5n NaN NaN"),
        ("'%d %d %d %d %d', '', true, null, undefined, new Date(5)", "0 1 0 NaN 5"),
        ("'%i %i %i %i', 4.9, '7px', 5n, ''", "4 7 5n NaN"),
        ("'%f %f %f', '1.5x', Symbol('a'), 2", "1.5 NaN 2"),
        ("'%j %j %j', { a: [1] }, undefined, 's'", "{\"a\":[1]} undefined \"s\""),
        ("'%j', (() => { const c = {}; c.c = c; return c })()", "[Circular]"),
        ("'%O', { a: { b: 1 } }", "{ a: { b: 1 } }"),
        ("'%c styled', 'color: red', 'rest'", " styled rest"),
        ("'%% %s', 'a'", "% a"),
        ("'%%', 'a'", "% a"),
        ("'100%%'", "100%%"),
        ("'%s'", "%s"),
        ("'%s %s', 'a'", "a %s"),
        ("'%x', 'a'", "%x a"),
        ("'%', 1", "% 1"),
        ("'a%', 1", "a% 1"),
        ("'%s', 'a', 'b', 1", "a b 1"),
        ("'a', '%s', 'b'", "a %s b"),
        ("{}, '%s', 'b'", "{} %s b"),
        ("'%s', '%s', 'b'", "%s b"),
        ("'größe %s ✓', 'ü'", "größe ü ✓"),
        ("'%ü', 1", "%ü 1"),
    ] {
        assert_eq!(printed(&format!("console.log({arguments})")), expected, "{arguments}");
    }
}

#[test]
fn every_method_that_prints_a_list_knows_formats() {
    assert_eq!(printed("console.error('%d!', '5')"), "Error: 5!");
    assert_eq!(printed("console.assert(false, '%s', 'no')"), "Error: assertion failed: no");
    assert_eq!(printed("console.group('%s', 'g'); console.log('%i', 1.5)"), "g\n  1");
}

#[test]
fn dir_shows_a_value_as_deep_as_it_is_told() {
    for (arguments, expected) in [
        ("'x'", "\"x\""),
        ("'%s', 'y'", "\"%s\""),
        ("{ a: { b: 1 } }, { depth: 0 }", "{ a: [Object] }"),
        ("{ a: { b: { c: { d: { e: { f: 1 } } } } } }, { depth: null }", "{ a: { b: { c: { d: { e: { f: 1 } } } } } }"),
        ("{ a: { b: { c: 1 } } }, { depth: 1 }", "{ a: { b: [Object] } }"),
        ("{ a: 1 }, { depth: -1 }", "{ a: 1 }"),
        ("5", "5"),
        ("", "undefined"),
    ] {
        assert_eq!(printed(&format!("console.dir({arguments})")), expected, "{arguments}");
    }
    let deep = printed("let o = {}; for (let i = 0; i < 1e4; i++) o = { o }; console.dir(o, { depth: Infinity })");
    assert!(deep.len() < 200, "{deep}");
}

#[test]
fn tables_are_drawn_as_node_draws_them() {
    for (arguments, expected) in [
        (
            "[{ a: 1, b: 'x' }, { a: 2, c: { d: 1 } }]",
            "\
┌─────────┬───┬─────┬──────────┐
│ (index) │ a │ b   │ c        │
├─────────┼───┼─────┼──────────┤
│ 0       │ 1 │ \"x\" │          │
│ 1       │ 2 │     │ { d: 1 } │
└─────────┴───┴─────┴──────────┘",
        ),
        (
            "[1, 'two', { a: 3 }]",
            "\
┌─────────┬───┬────────┐
│ (index) │ a │ Values │
├─────────┼───┼────────┤
│ 0       │   │ 1      │
│ 1       │   │ \"two\"  │
│ 2       │ 3 │        │
└─────────┴───┴────────┘",
        ),
        (
            "new Map([['k', 1]])",
            "\
┌───────────────────┬─────┬────────┐
│ (iteration index) │ Key │ Values │
├───────────────────┼─────┼────────┤
│ 0                 │ \"k\" │ 1      │
└───────────────────┴─────┴────────┘",
        ),
        (
            "new Set([1])",
            "\
┌───────────────────┬────────┐
│ (iteration index) │ Values │
├───────────────────┼────────┤
│ 0                 │ 1      │
└───────────────────┴────────┘",
        ),
        (
            "{ r: [1, 2], größe: [3] }",
            "\
┌─────────┬───┬───┐
│ (index) │ 0 │ 1 │
├─────────┼───┼───┤
│ r       │ 1 │ 2 │
│ größe   │ 3 │   │
└─────────┴───┴───┘",
        ),
        (
            "[{ a: 1, b: 2 }, 7], ['b', 'q']",
            "\
┌─────────┬───┬───┬────────┐
│ (index) │ b │ q │ Values │
├─────────┼───┼───┼────────┤
│ 0       │ 2 │   │        │
│ 1       │   │   │ 7      │
└─────────┴───┴───┴────────┘",
        ),
        (
            "[{ o: { a: 1, b: { c: 1 } }, p: { a: 1, b: 2, c: 3 } }]",
            "\
┌─────────┬───────────────────────┬──────────┐
│ (index) │ o                     │ p        │
├─────────┼───────────────────────┼──────────┤
│ 0       │ { a: 1, b: [Object] } │ [Object] │
└─────────┴───────────────────────┴──────────┘",
        ),
        (
            "[]",
            "\
┌─────────┐
│ (index) │
├─────────┤
└─────────┘",
        ),
        (
            "['日本']",
            "\
┌─────────┬────────┐
│ (index) │ Values │
├─────────┼────────┤
│ 0       │ \"日本\" │
└─────────┴────────┘",
        ),
        ("5", "5"),
        ("'x'", "x"),
        ("null", "null"),
    ] {
        assert_eq!(printed(&format!("console.table({arguments})")), expected, "{arguments}");
    }
}

#[test]
fn a_table_is_bounded_and_asks_no_getter_and_no_proxy() {
    let tall = printed("console.table(Array.from({ length: 1e5 }, (_, i) => ({ i })))");
    assert_eq!(tall.lines().count(), 105);
    assert!(tall.ends_with("… 99900 more"), "{tall}");
    let wide = printed(
        "console.table([Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => ['k' + i, 'x'.repeat(1e3)]))])",
    );
    assert!(wide.len() < 40_000, "{}", wide.len());
    let long = printed("console.table([{ a: 'x'.repeat(1e6) + '\\n' }])");
    assert_eq!(long.lines().count(), 5);
    assert!(long.len() < 10_000);
    let shy = "const trap = new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, getOwnPropertyDescriptor() { throw 3 } });
        console.table(trap); console.table([trap, { get g() { throw 4 } }, { [Symbol()]: 1 }]);
        console.table([{ a: 1 }], trap); console.table([1], [trap, Symbol(), 'a'])";
    let shy = printed(shy);
    assert!(shy.contains("[Getter]") && shy.contains("[Proxy]"), "{shy}");
}

#[test]
fn what_a_format_asks_of_a_value_may_throw_and_print_and_is_bounded() {
    assert_eq!(printed("try { console.log('%s', { toString() { throw 7 } }) } catch (e) { console.log(e) }"), "7");
    assert_eq!(printed("try { console.log('%j', { toJSON() { throw 8 } }) } catch (e) { console.log(e) }"), "8");
    assert_eq!(printed("console.log('%s', { toString() { console.log('%d', 1); return 'x' } })"), "1\nx");
    assert_eq!(printed("console.log('%d', { valueOf() { throw 1 } })"), "NaN");
    for script in [
        "console.log('%s'.repeat(1e5), ...Array.from({ length: 1e4 }, () => 'x'.repeat(1e3)))",
        "console.log('%s', { toString() { return 'x'.repeat(1e6) } })",
        "console.log('%j', 'x'.repeat(1e6))",
        "console.log('%', 'x'.repeat(1e6))",
    ] {
        let line = printed(script);
        assert!(line.len() <= (32 << 10) + 3, "{script}: {}", line.len());
    }
}

#[test]
fn a_format_whose_value_never_becomes_text_is_stopped() {
    let limits = belljar::Limits { cpu_time: std::time::Duration::from_millis(30), ..Default::default() };
    let router = Router::new().on_console(|_, _, _| {}).handle("f", |_: &Call, (): ()| Ok(1));
    let mut jar = jar_of(&router, &limits);
    for script in ["console.log('%s', { toString() { for (;;); } })", "console.log('%j', { toJSON() { for (;;); } })"] {
        assert_eq!(jar.eval(script).unwrap_err().code(), "cpu_limit_exceeded", "{script}");
        assert_usable(&mut jar);
    }
    let text = "console.log('%s', { toString() { return String(host.rpcSync('f')) } }); 2";
    assert_eq!(block_on(jar.eval_async(text)).unwrap().as_str(), "2");
}
