//! Long chains that a script builds and native code traverses, without script code between two links.
//!
//! The traversal must check the stack: it ends with its result, with an error that the script can catch, or with the
//! named stack limit, and never with a trap that blames the guest.

use std::time::Duration;

use belljar::{Error, LimitKind, Limits, Status};

use crate::support::{assert_usable, assert_usable_after_reset, jar_with};

/// Three expressions: the start of a chain, one more link, and a traversal. `it` is the end of the chain, and `n` the
/// number of links.
type Chain = (&'static str, &'static str, &'static str);

const VALUES: &str = "[1, 2, 3].values()";
const MAP: &str = "it = it.map(x => x)";
/// An iterator that does not inherit from `Iterator`, so that `Iterator.from` wraps it.
const BARE: &str = "({ __proto__: null, next: () => ({ done: true }) })";

/// Iterators that call the previous one.
const ITERATORS: [Chain; 35] = [
    (VALUES, MAP, "it.next()"),
    (VALUES, "it = it.filter(x => true)", "it.next()"),
    (VALUES, "it = it.take(9)", "it.next()"),
    (VALUES, "it = it.drop(0)", "it.next()"),
    (VALUES, "it = it.flatMap(x => [x])", "it.next()"),
    (VALUES, "{ const inner = it; it = [0].values().flatMap(() => inner) }", "it.next()"),
    (VALUES, "it = Iterator.concat(it)", "it.next()"),
    (VALUES, "it = Iterator.concat(it).map(x => x)", "it.next()"),
    (VALUES, "it = Iterator.zip([it])", "it.next()"),
    (BARE, "it = Object.setPrototypeOf(Iterator.from(it), { next: wrap.next })", "it.next()"),
    (BARE, "it = Object.setPrototypeOf(Iterator.from(it), { return: wrap.return })", "it.return()"),
    (VALUES, MAP, "it.return()"),
    (VALUES, MAP, "it[Symbol.dispose]()"),
    (VALUES, "it = it.take(0)", "it.next()"),
    (VALUES, MAP, "{ for (const x of it); }"),
    (VALUES, MAP, "[...it]"),
    (VALUES, MAP, "{ const [a, b] = it }"),
    (VALUES, MAP, "Math.max(...it)"),
    (VALUES, MAP, "Array.from(it)"),
    (VALUES, MAP, "new Uint8Array(it)"),
    (VALUES, MAP, "new Set(it)"),
    (VALUES, MAP, "new WeakMap(it)"),
    (VALUES, MAP, "Object.fromEntries(it)"),
    (VALUES, MAP, "Object.groupBy(it, x => x)"),
    (VALUES, MAP, "it.toArray()"),
    (VALUES, MAP, "it.forEach(x => x)"),
    (VALUES, MAP, "it.reduce((a, b) => a)"),
    (VALUES, MAP, "it.some(x => false)"),
    (VALUES, MAP, "it.every(x => true)"),
    (VALUES, MAP, "it.find(x => false)"),
    (VALUES, MAP, "(function* () { yield* it })().next()"),
    // The errors of these three reject a promise and are not thrown.
    (VALUES, MAP, "{ Promise.all(it).catch(() => 1); throw new RangeError }"),
    (VALUES, MAP, "{ Array.fromAsync(it).catch(() => 1); throw new RangeError }"),
    (VALUES, MAP, "{ (async function* () { yield* it })().next().catch(() => 1); throw new RangeError }"),
    ("(function* () { yield 1 })()", "it = (function* (it) { yield* it })(it)", "it.next()"),
];

/// Other chains of arbitrary length.
const OTHERS: [Chain; 88] = [
    // Functions that forward to others.
    ("() => 1", "it = unnamed(it).bind()", "it()"),
    ("class {}", "it = unnamed(it).bind()", "new it()"),
    ("class {}", "it = unnamed(it).bind()", "({}) instanceof it"),
    ("class {}", "it = unnamed(it).bind()", "Reflect.construct(Object, [], it)"),
    ("class {}", "it = unnamed(it).bind()", "Reflect.construct(function () {}, [], it)"),
    ("() => 1", "it = new Proxy(it, {})", "it()"),
    ("class {}", "it = new Proxy(it, {})", "new it()"),
    ("class {}", "it = new Proxy(it, {})", "({}) instanceof it"),
    ("class {}", "it = new Proxy(it, {})", "Reflect.construct(Map, [], it)"),
    ("class {}", "it = new Proxy(unnamed(it).bind(), {})", "Reflect.construct(Date, [], it)"),
    ("() => 1", "it = it.call.bind(it)", "it()"),
    ("() => 1", "it = Reflect.apply.bind(null, it, null, [])", "it()"),
    ("class {}", "it = class extends it {}", "new it()"),
    // Objects that forward to others.
    ("({})", "it = new Proxy(it, {})", "it.x"),
    ("({})", "it = new Proxy(it, {})", "it.x = 1"),
    ("({})", "it = new Proxy(it, {})", "'x' in it"),
    ("({})", "it = new Proxy(it, {})", "delete it.x"),
    ("({})", "it = new Proxy(it, {})", "Object.keys(it)"),
    ("({})", "it = new Proxy(it, {})", "Object.freeze(it)"),
    ("({})", "it = new Proxy(it, {})", "Object.isExtensible(it)"),
    ("({})", "it = new Proxy(it, {})", "Object.preventExtensions(it)"),
    ("({})", "it = new Proxy(it, {})", "Object.getPrototypeOf(it)"),
    ("({})", "it = new Proxy(it, {})", "Object.setPrototypeOf(it, null)"),
    ("({})", "it = new Proxy(it, {})", "Object.defineProperty(it, 'x', { value: 1 })"),
    ("({})", "it = new Proxy(it, {})", "Object.getOwnPropertyDescriptor(it, 'x')"),
    ("({})", "it = new Proxy(it, {})", "it instanceof Map"),
    ("({})", "it = new Proxy(it, {})", "{ for (const x in it); }"),
    ("({})", "it = new Proxy(it, {})", "({ ...it })"),
    ("({})", "it = new Proxy(it, {})", "Object.prototype.toString.call(it)"),
    ("({})", "it = new Proxy(it, {})", "JSON.stringify(it)"),
    ("({})", "it = new Proxy(it, {})", "console.log(it)"),
    ("[1, [2]]", "it = new Proxy(it, {})", "Array.isArray(it)"),
    ("[1, [2]]", "it = new Proxy(it, {})", "it.flat()"),
    ("[1, [2]]", "it = new Proxy(it, {})", "[].concat(it)"),
    ("({})", "it = Object.create(new Proxy(it, {}))", "it.x"),
    ("({})", "it = Object.create(new Proxy(it, {}))", "it.x = 1"),
    ("({})", "it = Object.create(new Proxy(it, {}))", "it instanceof Map"),
    ("({})", "it = Object.create(it)", "it.x"),
    ("new Uint8Array(1)", "it = Object.create(it)", "it[5] = 1"),
    ("({})", "it = { __proto__: it, get x() { return super.x } }", "it.x"),
    ("({})", "it = Object.defineProperty({}, 'x', { get: Reflect.get.bind(null, it, 'x') })", "it.x"),
    ("({})", "it = Object.defineProperty({}, 'x', { set: Reflect.set.bind(null, it, 'x') })", "it.x = 1"),
    // Conversions.
    ("1", "it = [it]", "it + ''"),
    ("1", "it = [it]", "it.join()"),
    ("1", "it = [it]", "it.toLocaleString()"),
    ("1", "it = [it]", "it == 1"),
    ("1", "it = [it]", "BigInt(it)"),
    ("1", "it = [it]", "it.flat(Infinity)"),
    ("1", "it = [it]", "JSON.stringify(it)"),
    ("1", "it = { it }", "JSON.stringify(it)"),
    ("1", "it = { it }", "JSON.stringify(it, (key, value) => value)"),
    ("1", "it = { it }", "console.log(it)"),
    ("1", "it = new Map([[it, it]])", "console.log(it)"),
    ("() => 'a'", "it = ''.concat.bind('', { toString: it })", "it()"),
    ("() => 'a'", "it = ''.replace.bind('a', 'a', it)", "it()"),
    ("() => 'a'", "it = /a/[Symbol.replace].bind(/a/, 'a', it)", "it()"),
    ("() => 'a'", "it = RegExp.prototype.toString.bind({ source: 'a', flags: { toString: it } })", "it()"),
    ("() => 1", "it = [].forEach.bind([1], it)", "it()"),
    ("() => 1", "it = [].sort.bind([1, 2], it)", "it()"),
    ("() => 1", "it = Array.from.bind(null, [1], it)", "it()"),
    ("() => 1", "it = JSON.parse.bind(null, '[1]', it)", "it()"),
    ("() => 1", "it = JSON.stringify.bind(null, [1], it)", "it()"),
    // Errors and promises.
    ("1", "it = new Error('x', { cause: it })", "console.log(it)"),
    ("1", "it = new Error('x', { cause: it })", "{ Promise.reject(it); throw it }"),
    ("1", "it = new AggregateError([it])", "console.log(it)"),
    ("1", "it = { name: it, toString: Error.prototype.toString }", "it + ''"),
    ("Promise.resolve(1)", "it = it.then(x => x)", "it.then(x => x)"),
    ("Promise.resolve(1)", "it = Promise.resolve({ then: it.then.bind(it) })", "1"),
    ("Promise.resolve(1)", "it = Promise.all([it])", "1"),
    ("Promise.resolve(1)", "it = (async it => await it)(it)", "1"),
    ("x => x", "{ let one; new Promise(r => one = r); it = one.bind(null, { then: it }) }", "it()"),
    // Text, patterns and source.
    ("'x'", "it += 'y'", "it.charCodeAt(5)"),
    ("''", "it += '('", "new RegExp(it + ')'.repeat(n))"),
    ("''", "it += '(?<='", "new RegExp(it + ')'.repeat(n))"),
    ("''", "it += '[a--['", "new RegExp(it + ']]'.repeat(n), 'v')"),
    ("'b'", "it = 'a?' + it", "new RegExp(it).test('b')"),
    ("''", "it += '['", "JSON.parse(it + ']'.repeat(n), (key, value) => value)"),
    ("''", "it += '{\"a\":'", "JSON.parse(it, (key, value) => value)"),
    ("''", "it += 'x=>'", "eval('let a;' + it + 'a')"),
    ("''", "it += 'class A{x='", "eval('(' + it + '1' + '}'.repeat(n) + ')')"),
    ("''", "it += 'class A{static{'", "eval(it + '}}'.repeat(n))"),
    ("''", "it += 'try{'", "eval(it + '}finally{}'.repeat(n))"),
    ("'a'", "it += '=a'", "eval('var a;' + it)"),
    // Chains that are freed.
    (VALUES, MAP, "it = 0"),
    ("({})", "it = new Proxy(it, {})", "it = 0"),
    ("1", "it = (x => () => x)(it)", "it = 0"),
    ("Promise.resolve(1)", "it = it.then(x => x)", "it = 0"),
    ("'x'.repeat(9000)", "it += 'y'.repeat(600)", "it = 0"),
];

fn limits(stack_bytes: u64) -> Limits {
    let (cpu_time, wall_time) = (Duration::from_secs(600), Duration::from_secs(600));
    Limits { cpu_time, wall_time, stack_bytes, js_heap_bytes: 256 << 20, memory_bytes: 512 << 20, ..Limits::default() }
}

/// Builds a chain and traverses it; the result is the name of the error that the traversal throws, or "fine".
fn script((begin, link, walk): &Chain, n: u32) -> String {
    format!(
        "{{ const wrap = Object.getPrototypeOf(Iterator.from({BARE})), n = {n}; \
         const unnamed = f => Object.defineProperty(f, 'name', {{ value: '' }}); \
         let it = {begin}, told = 'fine'; for (let i = 0; i < n; i++) {{ {link} }} \
         try {{ {walk} }} catch (error) {{ told = error.name }} told }}"
    )
}

/// Checks that the traversal ended in the script, with or without an error, or with the named stack limit.
#[track_caller]
fn assert_named(chain: &Chain, n: u32, stack_bytes: u64) {
    let mut jar = jar_with(&limits(stack_bytes));
    match jar.eval(script(chain, n)) {
        Ok(told) => assert_eq!(jar.status(), Status::Ready, "{chain:?}: {told}"),
        Err(Error::Limit { kind: LimitKind::Stack, limit, .. }) => assert_eq!(limit, stack_bytes, "{chain:?}"),
        other => panic!("{chain:?}, {n} links, {stack_bytes} bytes: {other:?}"),
    }
    assert_usable_after_reset(&mut jar);
}

#[test]
fn a_long_chain_of_iterators_is_a_range_error_that_script_can_catch() {
    let mut jar = jar_with(&limits(512 << 10));
    for chain in &ITERATORS {
        for n in [12_000, 20_000, 60_000] {
            assert_eq!(jar.eval(script(chain, n)).unwrap().as_str(), "\"RangeError\"", "{chain:?}, {n} links");
        }
        assert_usable(&mut jar);
    }
}

#[test]
fn a_chain_of_iterators_for_which_the_stack_suffices_works() {
    let mut jar = jar_with(&limits(512 << 10));
    for walk in ["it.next()", "it.toArray()", "[...it]", "{ for (const x of it); }", "it.return()", "new Set(it)"] {
        for link in
            [MAP, "it = it.filter(x => true)", "it = it.take(9)", "it = it.drop(0)", "it = it.flatMap(x => [x])"]
        {
            let chain = (VALUES, link, walk);
            assert_eq!(jar.eval(script(&chain, 500)).unwrap().as_str(), "\"fine\"", "{chain:?}");
        }
    }
    let sum = "let it = [1, 2, 3].values(); for (let i = 0; i < 500; i++) it = it.map(x => x + 1); it.reduce((a, b) => a + b)";
    assert_eq!(jar.eval(sum).unwrap().as_str(), "1506");
}

#[test]
fn a_long_chain_of_iterators_on_the_smallest_and_the_largest_stack_is_a_range_error() {
    for stack_bytes in [16 << 10, 896 << 10] {
        let mut jar = jar_with(&limits(stack_bytes));
        for chain in &ITERATORS {
            assert_eq!(jar.eval(script(chain, 60_000)).unwrap().as_str(), "\"RangeError\"", "{chain:?}, {stack_bytes}");
        }
        assert_usable(&mut jar);
    }
}

#[test]
fn a_long_chain_of_anything_is_an_error_with_a_name_or_works() {
    for chain in &OTHERS {
        assert_named(chain, 20_000, 512 << 10);
    }
}

#[test]
fn a_long_chain_of_anything_on_the_largest_stack_is_an_error_with_a_name_or_works() {
    for chain in &OTHERS {
        assert_named(chain, 50_000, 896 << 10);
    }
}
