//! `JSON` has a fast path for plain data. For any data, a script must see what the engine itself would give. A
//! replacer or a reviver that changes nothing makes the engine do the work.

use belljar::Limits;
use serde_json::Value;

use crate::support::{assert_usable, jar, jar_with};

/// Returns the engine's own text and value, or the error that it threw.
const ENGINE: &str = "
const told = work => { try { return work() } catch (error) { return String(error) } };
const both = value => [told(() => JSON.stringify(value)), told(() => JSON.stringify(value, (_, inner) => inner))];
const sameText = value => { const [ours, engine] = both(value); if (ours !== engine) throw new Error(ours + ' is not ' + engine) };
const sameValue = text => {
    const ours = told(() => JSON.parse(text)), engine = told(() => JSON.parse(text, (_, inner) => inner));
    const [a, b] = [ours, engine].map(value => JSON.stringify(value, (key, inner) => Object.is(inner, -0) ? '-0' : inner));
    if (a !== b) throw new Error(text + ' is ' + a + ' and not ' + b);
};";

fn check(script: &str) {
    let mut jar = jar();
    jar.eval(ENGINE).unwrap();
    if let Err(error) = jar.eval(script) {
        panic!("{error}");
    }
}

#[test]
fn random_data_is_written_and_read_as_the_engine_does() {
    check(
        r#"
        const words = new Uint32Array(2), double = new Float64Array(words.buffer);
        let state = 1;
        const next = n => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 8) % n };
        const units = [0, 8, 9, 10, 13, 31, 34, 47, 92, 97, 127, 128, 233, 255, 256, 0x4e2d, 0xac00, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
        const string = () => {
            let text = '';
            for (let i = next(6); i > 0; i--) text += String.fromCharCode(next(3) ? 97 + next(26) : units[next(units.length)]);
            return next(4) ? text : ('x'.repeat(next(2000)) + text).slice(next(3));
        };
        const number = () => {
            switch (next(4)) {
                case 0: return next(1000) - 500;
                case 1: return (next(1 << 24) - 8e6) / 10 ** next(25);
                case 2: return next(1 << 24) * 10 ** next(300);
                default: words[0] = next(1 << 24) * 256 + next(256); words[1] = next(1 << 24) * 256 + next(256); return double[0];
            }
        };
        const value = depth => {
            switch (next(depth > 5 ? 5 : 9)) {
                case 0: return null;
                case 1: return next(2) === 1;
                case 2: return number();
                case 3: return string();
                case 4: return [undefined, -0, 2 ** 31, -(2 ** 31), NaN, Infinity, 'x' + string()][next(7)];
                case 5: case 6: return Array.from({ length: next(5) }, () => value(depth + 1));
                default: {
                    const made = {};
                    for (let i = next(6); i > 0; i--) made[next(5) ? string() : String(next(12))] = value(depth + 1);
                    for (const name of Object.keys(made)) if (!next(8)) delete made[name];
                    return made;
                }
            }
        };
        for (let i = 0; i < 4000; i++) {
            const made = value(0);
            sameText(made);
            const text = JSON.stringify(made);
            if (text !== undefined) sameValue(text);
        }"#,
    );
}

#[test]
fn text_that_is_nearly_json_is_judged_by_the_engine() {
    check(
        r#"
        const texts = ['', ' ', '1 ', ' [1 , 2 ] ', '[1,]', '[,1]', '{"a":1,}', '{a:1}', "{'a':1}", '01', '-', '-0', '-01', '1.', '.5', '1e', '1e+', '1E5', '1e400',
            '-1e400', '1e-400', '0.1e1', '12345678901234567890', '999999999999999', '9999999999999999', '-2147483648', '2147483648', 'nul', 'nulll', 'null x', 'tru', 'truefalse',
            '"', '"\\', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\u0041\\ud83d\\ude00"', '"\\ud83d"', '"\ud83d"', '"\t"', '"\u007f"', '"\u00e9\u4e2d"', '"\ud83d\ude00"', '"a" "b"',
            '[1 2]', '[1}', '{"a":1]', '{"a" 1}', '{"a":}', '{"a":1,"a":2}', '{"__proto__":1}', '{"2":1,"1":2,"b":3,"a":4}', '{"":""}', '\u00a01', '\ufeff1', '[1]\u0000', '\u0000',
            '/* */1', '+1', 'NaN', 'Infinity', 'undefined', '1_000', '0x10', '[[]', '[]]', '{}{}', '{"a":{"b":[{}]}}', '"\\/"'];
        texts.forEach(sameValue);
        const deep = n => '['.repeat(n) + ']'.repeat(n), wide = n => '{"a":'.repeat(n) + '1' + '}'.repeat(n);
        for (const n of [1, 62, 63, 64, 65, 66, 500]) { sameValue(deep(n)); sameValue(wide(n)) }
        sameValue('{"toString":1}'); sameValue(new String('[1]')); sameValue(null); sameValue([[1]]);"#,
    );
}

#[test]
fn data_that_is_not_plain_is_judged_by_the_engine() {
    check(
        r#"
        const cycle = []; cycle.push(cycle);
        let deep = 1; for (let i = 0; i < 100; i++) deep = i % 2 ? [deep] : { deep };
        const long = [1, 2, 3]; long.length = 5; const named = [1]; named.name = 2;
        const rope = { text: 'a'.repeat(3000) + 'b'.repeat(3000) + '\u4e2d' };
        class Sub extends Array {}
        class Secret { #x = 1; y = 2 }
        [undefined, null, () => 1, Symbol('s'), 1n, { f() {}, s: Symbol(), u: undefined, [Symbol()]: 1 }, [() => 1, Symbol(), undefined], cycle, deep, long, named, [, 1], rope,
            Sub.from([1, 2]), new Secret(), new Date(0), /x/, new Map([[1, 2]]), new Error('e'), new Proxy({ a: 1 }, {}), new Proxy([1], {}), Object(1), Object('s'), Object(true), Object(1n),
            Object.create({ inherited: 1 }), Object.create(null), { get a() { return 1 } }, { toJSON() { return 'mine' } }, { toJSON: 1, a: 2 }, [{ toJSON: () => undefined }],
            { b: 1, 10: 2, 9: 3, '-1': 4, '01': 5, 4294967294: 6, 4294967295: 7 }, Object.freeze({ a: 1 }), new Uint8Array(3), globalThis.Math, JSON, (function () { return arguments })(1, 2),
            new (class { constructor() { this.a = 1 } })(), JSON.rawJSON('1e1000'), { nested: [JSON.rawJSON('1')] }].forEach(sameText);
        for (const indent of [undefined, null, 0, 2, '--', {}, true]) for (const list of [undefined, null, ['a'], {}]) {
            const text = JSON.stringify({ a: [1, { b: 2 }], c: 3 }, list, indent);
            const same = JSON.stringify({ get a() { return [1, { b: 2 }] }, c: 3 }, list, indent);
            if (text !== same) throw new Error(text);
        }"#,
    );
}

#[test]
fn what_scripts_do_to_the_prototypes_of_plain_data_counts() {
    for tamper in [
        "Object.prototype.toJSON = () => 'o'",
        "Array.prototype.toJSON = () => 'a'",
        "Object.defineProperty(Object.prototype, 'toJSON', { get() { return () => 'g' } })",
        "Object.setPrototypeOf(Array.prototype, { toJSON: () => 'p' })",
        "Object.setPrototypeOf(Array.prototype, new Proxy({}, { get: (_, name) => name === 'toJSON' ? () => 'x' : undefined }))",
        "Object.setPrototypeOf(Array.prototype, null)",
        "for (let i = 0; i < 100; i++) Object.prototype['p' + i] = i; Object.prototype.toJSON = () => 'late'; delete Object.prototype.p3",
        "Object.prototype.a = 1; Array.prototype[0] = 'zero'",
        "Object.defineProperty(Object.prototype, 'a', { set() { throw new Error('set') }, configurable: true })",
        "Object.freeze(Object.prototype); Object.freeze(Array.prototype)",
    ] {
        check(&format!(
            "{tamper};
             [{{ a: 1 }}, [1, [2]], [{{}}], {{ a: [1] }}, [, 1], Object.create(null)].forEach(sameText);
             ['{{\"a\":1}}', '[1,{{\"a\":[2]}}]', '{{\"toJSON\":1}}'].forEach(sameValue)"
        ));
    }
}

#[test]
fn the_functions_look_like_the_engines() {
    let mut jar = jar();
    let seen: Value = jar
        .eval(
            "['parse', 'stringify'].map(name => {
                const { value, ...how } = Object.getOwnPropertyDescriptor(JSON, name);
                let isConstructor = true;
                try { new value('1') } catch { isConstructor = false }
                return [value.name, value.length, how, isConstructor, String(value).includes('[native code]'), 'prototype' in value];
            }).concat([Object.getOwnPropertyNames(JSON)])",
        )
        .unwrap()
        .get()
        .unwrap();
    let how = serde_json::json!({ "writable": true, "enumerable": false, "configurable": true });
    assert_eq!(
        seen,
        serde_json::json!([
            ["parse", 2, how, false, true, false],
            ["stringify", 3, how, false, true, false],
            ["isRawJSON", "parse", "rawJSON", "stringify"]
        ])
    );
}

#[test]
fn a_syntax_error_of_json_names_the_script_that_asked() {
    let error = jar().eval("\nJSON.parse('[1,')").unwrap_err().to_string();
    let named = jar().eval(belljar::Script::new("\nJSON.parse('[1,')").named("ask.js")).unwrap_err();
    let belljar::Error::Js(js) = named else { panic!("{named:?}") };
    assert_eq!(js.name, "SyntaxError", "{error}");
    assert!(js.stack.as_deref().is_some_and(|stack| stack.contains("ask.js:2")), "{js:?}");
}

#[test]
fn json_that_fills_the_heap_is_an_error_that_a_script_can_catch() {
    let limits = Limits { js_heap_bytes: 4 << 20, memory_bytes: 64 << 20, ..Limits::default() };
    let mut jar = jar_with(&limits);
    for script in [
        "const text = 'a'.repeat(1 << 20); JSON.stringify([text, text, text, text])",
        "JSON.parse('[' + '1,'.repeat(500000) + '1]')",
        "JSON.parse('[' + '{},'.repeat(100000) + '1]')",
        "JSON.stringify(Array(100000).fill('\\u0000'.repeat(100)))",
    ] {
        let caught: String = jar
            .eval(&*format!("try {{ (() => {{ {script} }})(); 'no error' }} catch (error) {{ String(error) }}"))
            .unwrap()
            .get()
            .unwrap();
        // The engine throws null when the heap has no room for an error.
        assert!(caught == "InternalError: out of memory" || caught == "null", "{script}: {caught}");
        assert_usable(&mut jar);
    }
}

#[test]
fn json_just_under_the_heap_limit_is_written_and_read() {
    let limits = Limits { js_heap_bytes: 8 << 20, ..Limits::default() };
    let length: usize = jar_with(&limits)
        .eval("const text = 'a'.repeat(1 << 20); JSON.parse(JSON.stringify([text, text]))[1].length")
        .unwrap()
        .get()
        .unwrap();
    assert_eq!(length, 1 << 20);
}

#[test]
fn objects_that_come_as_expected_are_what_the_engine_would_make() {
    check(
        r#"
        const names = ['a', 'b', 'c', 'long name', 'x"y', '', '1', '__proto__', 'toJSON', 'é', 'constructor'];
        let state = 7;
        const next = n => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 8) % n };
        const member = depth => JSON.stringify(names[next(next(4) ? 4 : names.length)]) + ' : ' + value(depth);
        const value = depth => next(3) && depth < 4 ? object(depth + 1) : ['1', '"text"', '[{"a":1},{"a":2,"b":3}]', '-0', 'null'][next(5)];
        const object = depth => '{' + Array.from({ length: next(5) }, () => member(depth)).join(',') + '}';
        for (let i = 0; i < 300; i++) {
            const text = object(0);
            for (let times = 0; times < 4; times++) sameValue(text);
        }
        for (let i = 0; i < 2000; i++) sameValue(object(0));
        "#,
    );
}

#[test]
fn what_is_done_to_one_object_is_not_done_to_the_next_of_its_kind() {
    check(
        r#"
        const text = '{"a":1,"b":{"a":2,"b":3},"c":[4]}';
        for (let i = 0; i < 40; i++) {
            const made = JSON.parse(text);
            sameValue(text);
            if (Object.keys(made).join() !== 'a,b,c' || made.a !== 1 || Object.isFrozen(made)) throw new Error('round ' + i);
            switch (i % 8) {
                case 0: delete made.b; break;
                case 1: Object.freeze(made); break;
                case 2: made.d = 5; break;
                case 3: Object.defineProperty(made, 'a', { get: () => 6, enumerable: false }); break;
                case 4: Object.setPrototypeOf(made, null); break;
                case 5: Object.seal(made.b); made.b.c = 7; break;
                case 6: for (let n = 0; n < 100; n++) made['n' + n] = n; break;
                default: Object.prototype.a = 8; Object.defineProperty(Object.prototype, 'b', { set() { throw new Error('set') }, configurable: true });
            }
            if (i % 8 === 7) { sameValue(text); delete Object.prototype.a; delete Object.prototype.b }
        }
        "#,
    );
}

#[test]
fn messages_of_ever_new_kinds_leave_nothing_behind() {
    let mut jar = jar();
    jar.eval("host.on('kind', message => Object.keys(message).length)").unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        for kind in 0..5000 {
            // Names so long that memory retained for them would show.
            let tail = "x".repeat(50);
            let message = format!(r#"{{"name{}":1,"of{kind}{tail}":2,"it{kind}{tail}":3}}"#, kind % 50);
            let message: Value = serde_json::from_str(&message).unwrap();
            let [first, .., last] = [(); 4].map(|()| {
                assert_eq!(jar.dispatch("kind", &message).unwrap().as_str(), "3");
                jar.call_stats().fuel
            });
            assert!(kind > 0 || last < first, "an object that came before is not made at once: {first}, {last}");
        }
        held.push(jar.stats().heap_bytes);
    }
    assert!(held[2] < held[0] + 16 * 1024, "what is held has grown: {held:?}");
}

#[test]
fn names_that_are_long_are_let_go_of() {
    let mut jar = jar();
    let script = "for (let kind = 0; kind < 64; kind++) {
        const text = JSON.stringify({ ['n'.repeat(1e6) + kind]: 1, ['m'.repeat(kind)]: 2 });
        for (let times = 0; times < 4; times++) JSON.parse(text);
    }";
    jar.eval(script).unwrap();
    let held = jar.stats().heap_bytes;
    assert!(held < 2 << 20, "{held} bytes are held");
}

#[test]
fn of_two_nearest_texts_of_a_number_the_even_one_is_written() {
    check(
        r#"
        const known = [1200000000129297.25, 0.1, 5e-324, 1.5, 9007199254740993.5, 2.5e-7, 123456789012345.75, -1200000000129297.25];
        for (const number of known) sameText(number);
        if (JSON.stringify(known[0]) !== '1200000000129297.2') throw new Error(JSON.stringify(known[0]));
        let state = 3;
        const next = n => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 8) % n };
        for (let i = 0; i < 20000; i++) sameText((1e15 + next(1 << 24) * 2 ** 28 + next(1 << 24)) + next(4) / 4);
        "#,
    );
}
