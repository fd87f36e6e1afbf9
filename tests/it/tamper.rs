//! Scripts that replace, delete and booby-trap built-ins: they break only themselves.

use belljar::{Call, Error, Instance, Limits, Program, Router, RpcError, Value};

use crate::support::{Log, assert_usable, block_on, jar, jar_with_router, runtime, thrown};

const TAMPERINGS: &[&str] = &[
    // JSON
    "globalThis.JSON = undefined",
    "delete globalThis.JSON",
    "JSON.parse = () => { throw 1 }; JSON.stringify = () => '[[['",
    "Object.prototype.toJSON = () => { throw 1 }",
    "Object.prototype.toJSON = () => 'forged'",
    "Object.prototype.toJSON = function () { return this }",
    "Object.prototype.toJSON = () => undefined",
    "Object.defineProperty(Object.prototype, 'toJSON', { get() { throw 1 } })",
    "for (const c of [Number, String, Boolean, BigInt, Symbol]) c.prototype.toJSON = () => ({ forged: true })",
    // Promises
    "globalThis.Promise = class { then() { throw 1 } }",
    "delete globalThis.Promise",
    "Promise.prototype.then = function () { throw 1 }",
    "Promise.prototype.then = function (f) { f('forged') }",
    "Promise.prototype.then = function () { return this }",
    "delete Promise.prototype.then",
    "Object.defineProperty(Promise.prototype, 'then', { get() { throw 1 } })",
    "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } })",
    "Object.defineProperty(Promise.prototype, 'constructor', { value: class { constructor(f) { f(1) } } })",
    "Object.defineProperty(Promise, Symbol.species, { get() { throw 1 } })",
    "Promise.resolve = Promise.reject = Promise.all = () => { throw 1 }",
    "Object.setPrototypeOf(Promise.prototype, new Proxy({}, { get() { throw 1 }, has() { throw 2 } }))",
    "Object.prototype.then = function (resolve) { resolve('forged') }",
    "Object.prototype.then = function (_, reject) { reject('forged') }",
    "Object.prototype.then = function () {}",
    "Object.prototype.then = function () { throw 1 }",
    "Object.defineProperty(Object.prototype, 'then', { get() { throw 1 } })",
    "Object.defineProperty(Array.prototype, 'then', { get() { throw 1 } })",
    "globalThis.queueMicrotask = globalThis.performance = undefined",
    // Collections
    "globalThis.Map = globalThis.Set = globalThis.WeakMap = globalThis.WeakRef = undefined",
    "for (const c of [Map, Set]) for (const k of Reflect.ownKeys(c.prototype)) try { delete c.prototype[k] } catch {}",
    "for (const c of [Map, Set]) c.prototype.forEach = c.prototype.get = c.prototype.set = () => { throw 1 }",
    "for (const k of Reflect.ownKeys(Array.prototype)) try { delete Array.prototype[k] } catch {}",
    "for (const k of Reflect.ownKeys(Array.prototype)) try { Array.prototype[k] = () => { throw 1 } } catch {}",
    "for (let i = 0; i < 9; i++) Object.defineProperty(Array.prototype, i, { get() { throw 1 }, set() { throw 2 } })",
    "for (let i = 0; i < 9; i++) Object.defineProperty(Object.prototype, i, { get() { throw 1 }, set() { throw 2 } })",
    "Object.setPrototypeOf(Array.prototype, null)",
    "Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 1 }, set() { throw 2 }, has() { throw 3 } }))",
    "Array.prototype[Symbol.iterator] = function* () { yield 'forged' }",
    "delete Array.prototype[Symbol.iterator]; delete String.prototype[Symbol.iterator]",
    "Object.defineProperty(Array, Symbol.species, { get() { throw 1 } }); globalThis.Array = undefined",
    // Objects
    "for (const k of Reflect.ownKeys(Object.prototype)) try { delete Object.prototype[k] } catch {}",
    "for (const k of ['name', 'message', 'stack', 'cause', 'code', 'id', 'length', 'get', 'set', 'writable', 'enumerable'])
        Object.defineProperty(Object.prototype, k, { get() { throw 1 }, set() { throw 2 }, configurable: true })",
    "Object.defineProperty(Object.prototype, 'value', { get() { throw 1 }, set() { throw 2 }, configurable: true })",
    "Object.prototype.value = 'forged'; Object.prototype.get = () => 1",
    "Object.prototype.toString = Object.prototype.valueOf = () => { throw 1 }",
    "Object.prototype[Symbol.toPrimitive] = () => { throw 1 }",
    "Object.defineProperty(Object.prototype, Symbol.toStringTag, { get() { throw 1 } })",
    "for (const k of Reflect.ownKeys(Object)) try { Object[k] = () => { throw 1 } } catch {}",
    "globalThis.Object = globalThis.Reflect = globalThis.Proxy = undefined",
    "Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw 1 }, set() { throw 2 }, has() { throw 3 } }))",
    "for (const c of [Object, Array, Promise, Error, Function, Map]) { Object.freeze(c); Object.freeze(c.prototype) }",
    "Object.freeze(globalThis)",
    "for (const k of Reflect.ownKeys(globalThis)) try { delete globalThis[k] } catch {}",
    // Errors
    "Error.prepareStackTrace = () => { throw 1 }",
    "Error.prepareStackTrace = (error, sites) => ({ error, sites })",
    "Error.prepareStackTrace = error => error.stack",
    "Error.prepareStackTrace = () => new Error('again').stack",
    "Error.prepareStackTrace = () => String(host.rpcSync('echo', 1))",
    "Error.prepareStackTrace = () => { host.rpc('later', 1); console.log('traced'); return 's' }",
    "Object.defineProperty(Error, 'prepareStackTrace', { get() { throw 1 } })",
    "Error.stackTraceLimit = -1",
    "Error.stackTraceLimit = Infinity",
    "Object.defineProperty(Error, 'stackTraceLimit', { get() { throw 1 } })",
    "globalThis.Error = globalThis.TypeError = globalThis.InternalError = class { constructor() { throw 1 } }",
    "Error.prototype.name = Error.prototype.message = { toString() { throw 1 } }",
    "Object.setPrototypeOf(Error.prototype, null); Object.setPrototypeOf(TypeError.prototype, null)",
    "delete Error.prototype.name; delete Error.prototype.message; delete Error.prototype.toString",
    "InternalError.prototype.toString = () => { throw 1 }; Object.setPrototypeOf(InternalError.prototype, Array.prototype)",
    // Functions and other classes
    "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1 }",
    "for (const k of Reflect.ownKeys(Function.prototype)) try { delete Function.prototype[k] } catch {}",
    "Object.setPrototypeOf(Function.prototype, null)",
    "Object.setPrototypeOf(Function.prototype, new Proxy(Object.prototype, { get() { throw 1 } }))",
    "Date.prototype.toString = RegExp.prototype.toString = RegExp.prototype.exec = () => { throw 1 }",
    "Object.defineProperty(Symbol.prototype, 'description', { get() { throw 1 } })",
    "Symbol.prototype.toString = Symbol.prototype[Symbol.toPrimitive] = undefined",
    "String.prototype.toString = String.prototype.valueOf = Number.prototype.toString = () => { throw 1 }",
    "for (const k of Reflect.ownKeys(console)) console[k] = () => { throw 1 }; globalThis.console = undefined",
    "Math.random = Date.now = performance.now = () => { throw 1 }",
    // Text and bytes
    "globalThis.TextEncoder = globalThis.TextDecoder = class { constructor() { throw 1 } }",
    "for (const c of [TextEncoder, TextDecoder]) for (const k of Reflect.ownKeys(c.prototype)) try { delete c.prototype[k] } catch {}",
    "for (const c of [TextEncoder, TextDecoder]) Object.setPrototypeOf(c.prototype, new Proxy({}, { get() { throw 1 } }))",
    "for (const k of ['stream', 'fatal', 'ignoreBOM']) Object.defineProperty(Object.prototype, k, { get() { throw 1 } })",
    "for (const k of ['buffer', 'byteOffset', 'byteLength', 'length'])
        Object.defineProperty(Object.getPrototypeOf(Int8Array.prototype), k, { get() { throw 1 }, configurable: true })",
];

/// What a script does after or while it tampers. Each must end with an answer or an error of the script.
const USES: &[&str] = &[
    "host.rpcSync('echo', { a: [1, 'x', null] })",
    "host.rpc('echo', { a: [1, 'x', null] })",
    "host.rpc('later', { a: [1, 'x', null] })",
    "host.rpcSync('fail')",
    "host.rpc('fail')",
    "host.rpc('no such method', 1)",
    "host.rpcSync('echo', () => 10)",
    "host.rpc('echo', () => 1)",
    "host.rpc(1, 2)",
    "console.log({ a: 1 }, [1], new Error('x'), new Map([[1, 2]]), new Set([1]), new Date(0), /x/, Symbol('q'), 1n)",
    "console.group('g'); console.error([[]]); console.groupEnd(); console.count(); console.time(); console.timeEnd()",
    "throw new Error('x', { cause: new TypeError('y') })",
    "throw { a: [1] }",
    "null.x",
    "Promise.reject([1])",
    "10n",
    "[1, 'two', { three: 3 }]",
    "new Map([[1, 2]])",
    "(async () => { try { return await host.rpc('fail') } catch (error) { return error.code } })()",
    "host.on('made', p => [p, host.rpcSync('echo', p)]); 1",
    "Math.random() < 1 && Date.now() > 0",
    "new TextDecoder('utf-8', {}).decode(new TextEncoder().encode('text\\ud800'), { stream: true })",
    "new (class extends TextDecoder {})().decode(new DataView(new ArrayBuffer(8), 2))",
];

fn router() -> Router {
    Log::default()
        .console()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("no", "it failed")))
        .handle_async("later", |_: Call, value: Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        })
}

/// Checks that the call ended with a value, or with an error of the script.
#[track_caller]
fn assert_its_own_fault(result: belljar::Result<Value>, tampering: &str, then: &str) {
    match result {
        Ok(_) => {}
        Err(error) if matches!(error.code(), "js_error" | "not_serializable" | "never_settled" | "no_such_event") => {}
        Err(error) => panic!("{error:?}\nafter: {tampering}\nthen: {then}"),
    }
}

#[track_caller]
fn assert_fresh(jar: &mut Instance) {
    assert_usable(jar);
    assert_eq!(jar.eval("host.rpcSync('echo', { a: [1, 'x', null] })").unwrap().as_str(), r#"{"a":[1,"x",null]}"#);
    assert_eq!(block_on(jar.eval_async("await host.rpc('later', [1])")).unwrap().as_str(), "[1]");
    assert_eq!(thrown(jar.eval("null.x")).name, "TypeError");
}

#[test]
fn tampering_before_a_call_breaks_only_the_script_itself() {
    for tampering in TAMPERINGS {
        let mut jar = jar_with_router(&router());
        assert_its_own_fault(jar.eval(*tampering), "", tampering);
        for then in USES {
            assert_its_own_fault(jar.eval(*then), tampering, then);
            assert_its_own_fault(block_on(jar.eval_async(*then)), tampering, then);
        }
        // A script that uses only the bridge cannot be broken.
        assert_eq!(jar.eval("host.rpcSync('echo', 41) + 1").unwrap().as_str(), "42", "{tampering}");
        jar.reset().unwrap();
        assert_fresh(&mut jar);
    }
}

#[test]
fn tampering_during_a_call_breaks_only_the_script_itself() {
    for tampering in TAMPERINGS {
        for then in USES {
            let mut jar = jar_with_router(&router());
            let script = format!("host.rpc('later', [1]); {{ {tampering} }}\n{then}");
            assert_its_own_fault(jar.eval(&script), tampering, then);
            let mut jar = jar_with_router(&router());
            let script = format!(
                "const early = host.rpc('later', {{ a: [1] }}), failing = host.rpc('fail').catch(e => e.code);
                 {{ {tampering} }}
                 await early; await failing; await host.rpc('later', 2);
                 {then}"
            );
            assert_its_own_fault(block_on(jar.eval_async(&script)), tampering, then);
        }
        assert_fresh(&mut jar_with_router(&router()));
    }
}

#[test]
fn tampering_between_a_call_and_a_dispatch_breaks_only_the_script_itself() {
    for tampering in TAMPERINGS {
        let mut jar = jar_with_router(&router());
        jar.eval(
            "host.on('plain', p => p);
             host.on('sync', p => host.rpcSync('echo', p));
             host.on('async', async p => [await host.rpc('later', p), await host.rpc('echo', p)]);
             host.on('fail', () => host.rpc('fail'));
             host.on('throw', () => { throw new Error('x') });
             host.on('print', p => console.log(p))",
        )
        .unwrap();
        assert_its_own_fault(jar.eval(*tampering), "", tampering);
        for event in ["plain", "sync", "async", "fail", "throw", "print", "nobody"] {
            for params in [Value::from_json("{\"a\":[1,{\"then\":2}]}").unwrap(), Value::from_json("null").unwrap()] {
                assert_its_own_fault(jar.dispatch(event, &params), tampering, event);
                assert_its_own_fault(block_on(jar.dispatch_async(event, &params)), tampering, event);
            }
        }
        assert_eq!(jar.dispatch("plain", &7).unwrap().as_str(), "7", "{tampering}");
        jar.reset().unwrap();
        assert_fresh(&mut jar);
    }
}

#[test]
fn tampering_while_a_message_is_being_made_breaks_only_the_script_itself() {
    for tampering in TAMPERINGS {
        let mut jar = jar_with_router(&router());
        let trap = format!("{{ toJSON() {{ {tampering}; return [1] }} }}");
        let getter = format!("{{ get a() {{ {tampering}; return 1 }}, b: [2] }}");
        let proxy = format!("new Proxy({{ a: 1 }}, {{ get(t, k) {{ {tampering}; return t[k] }} }})");
        for message in [&trap, &getter, &proxy] {
            for then in ["host.rpcSync('echo', MESSAGE)", "host.rpc('later', MESSAGE)", "(MESSAGE)", "throw MESSAGE"] {
                let script = then.replace("MESSAGE", message);
                assert_its_own_fault(jar.eval(&script), tampering, then);
                assert_its_own_fault(block_on(jar.eval_async(&script)), tampering, then);
            }
            jar.reset().unwrap();
        }
    }
}

#[test]
fn host_cannot_be_changed() {
    let script = r"'use strict';
        const { rpc, rpcSync, on } = host;
        const attempts = [
            () => { globalThis.host = 1 },
            () => { delete globalThis.host },
            () => { Object.defineProperty(globalThis, 'host', { value: 1 }) },
            () => { Object.defineProperty(globalThis, 'host', { get() {} }) },
            () => { host.extra = 1 },
            () => { Object.defineProperty(host, 'extra', { value: 1 }) },
            () => { Object.setPrototypeOf(host, { extra: 1 }) },
            () => { host.__proto__ = { extra: 1 } },
        ];
        for (const name of ['rpc', 'rpcSync', 'on']) attempts.push(
            () => { host[name] = () => 1 },
            () => { delete host[name] },
            () => { Object.defineProperty(host, name, { value: () => 1 }) },
            () => { host[name].extra = 1 },
            () => { Object.defineProperty(host[name], 'name', { value: 'x' }) },
            () => { Object.defineProperty(host[name], 'length', { value: 9 }) },
            () => { delete host[name].name },
            () => { Object.setPrototypeOf(host[name], null) },
            () => { host[name].call = 1 },
            () => { new host[name]() },
        );
        const outcomes = attempts.map(attempt => { try { attempt(); return attempt.toString() } catch (e) { return e.name } });
        [
            outcomes.filter(outcome => outcome !== 'TypeError'),
            Object.isFrozen(host) && [rpc, rpcSync, on].every(Object.isFrozen),
            host.rpc === rpc && host.rpcSync === rpcSync && host.on === on,
            Reflect.ownKeys(host),
            [rpc, rpcSync, on].flatMap(f => Reflect.ownKeys(f)),
        ]";
    let expected = r#"[[],true,true,["rpc","rpcSync","on"],["length","name","length","name","length","name"]]"#;
    assert_eq!(jar().eval(script).unwrap().as_str(), expected);
    assert_eq!(block_on(jar().eval_async(script)).unwrap().as_str(), expected);
}

#[test]
fn sloppy_code_cannot_change_host_either() {
    let mut jar = jar_with_router(&router());
    jar.eval("var host = 1; host.rpcSync = 2; host.rpc = 3; delete host.on; globalThis.host = 4; with (host) { rpcSync = 5 }")
        .unwrap();
    assert_eq!(thrown(jar.eval("let host = 1")).name, "SyntaxError");
    assert_eq!(thrown(jar.eval("function host() {}")).name, "TypeError");
    assert_fresh(&mut jar);
}

#[test]
fn callers_and_arguments_of_natives_are_out_of_reach() {
    // Each probe runs while a function of the bridge is on the stack, and tries to get a reference to it or to its
    // caller.
    let script = r"
        const found = [];
        const note = get => { try { const value = get(); if (value) found.push(String(get)) } catch (e) { if (!(e instanceof TypeError)) found.push(e) } };
        function probe() {
            note(() => probe.caller);
            note(() => probe.arguments);
            note(() => host.rpcSync.caller);
            note(() => host.rpcSync.arguments);
            note(() => host.rpc.caller);
            note(() => console.log.caller);
            note(() => Function.prototype.caller);
            note(() => arguments.callee.caller);
            return 1;
        }
        host.rpcSync('echo', { toJSON: probe });
        host.rpcSync('echo', { get a() { return probe() } });
        host.rpcSync('echo', new Proxy({}, { ownKeys() { probe(); return [] } }));
        const error = new Error('x');
        Object.defineProperty(error, 'message', { get: probe });
        console.log(error);
        Promise.resolve().then(probe);
        await { then(resolve) { resolve(probe()) } };
        await host.rpc('later', { toJSON: probe });
        found";
    assert_eq!(block_on(jar_with_router(&router()).eval_async(script)).unwrap().as_str(), "[]");
}

#[test]
fn call_sites_show_no_function_that_the_script_could_not_name() {
    let script = r"
        const known = new Set(), seen = new Set([globalThis]), strange = [];
        for (const object of seen) {
            if (typeof object === 'function') known.add(object);
            for (const key of Reflect.ownKeys(object)) {
                let own;
                try { own = Object.getOwnPropertyDescriptor(object, key) } catch { continue }
                for (const value of [own.value, own.get, own.set])
                    if (Object(value) === value) seen.add(value);
            }
        }
        Error.prepareStackTrace = (error, sites) => sites;
        const look = () => {
            for (const site of new Error('look').stack) {
                const f = site.getFunction();
                if (f !== undefined && site.isNative() && !known.has(f)) strange.push(`${f}`);
            }
            return 1;
        };
        host.rpcSync('echo', { toJSON: look });
        host.rpc('echo', { get a() { return look() } });
        const error = new Error('x');
        Object.defineProperty(error, 'message', { get: look });
        console.log(error, new Map([[error, error]]), Object.create({ get x() { return look() } }));
        await null; look();
        host.rpc('fail').catch(look);
        [known.has(host.rpcSync), known.has(Array.prototype.map), strange]";
    assert_eq!(block_on(jar_with_router(&router()).eval_async(script)).unwrap().as_str(), "[true,true,[]]");
}

#[test]
fn stack_traces_tell_nothing_of_the_machine() {
    let mut jar = jar_with_router(&router());
    for script in [
        "host.rpcSync('fail')",
        "host.rpcSync('echo', () => 10)",
        "JSON.parse('{')",
        "[1].map(() => null.x)",
        "const f = () => f(); f()",
        "class A { #x; static look(o) { return o.#x } } A.look({})",
    ] {
        let stack = thrown(jar.eval(format!("{{ {script} }}"))).stack.unwrap();
        for line in stack.lines() {
            assert!(line.contains("(native)") || line.contains("script.js:1:") || line.contains("<input>"), "{stack}");
        }
    }
}

#[test]
fn a_proxy_crosses_as_what_its_traps_show() {
    let mut jar = jar_with_router(&router());
    let shown = "new Proxy({ a: 1, b: 2 }, { ownKeys: () => ['a', 'b'], get: (t, k) => k === 'a' ? 7 : t[k] })";
    assert_eq!(jar.eval(format!("host.rpcSync('echo', {shown})")).unwrap().as_str(), r#"{"a":7,"b":2}"#);
    assert_eq!(jar.eval(format!("({shown})")).unwrap().as_str(), r#"{"a":7,"b":2}"#);
    let revoked = "{ const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); USE }";
    assert_eq!(thrown(jar.eval(revoked.replace("USE", "host.rpcSync('echo', proxy)"))).name, "TypeError");
    assert_eq!(thrown(block_on(jar.eval_async(&revoked.replace("USE", "host.rpc('echo', proxy)")))).name, "TypeError");
    assert_eq!(jar.eval(revoked.replace("USE", "proxy")).unwrap_err().code(), "not_serializable");
    assert_eq!(jar.eval("(new Proxy(function () {}, {}))").unwrap_err().code(), "not_serializable");
    assert_usable(&mut jar);
}

#[test]
fn a_thenable_settles_a_call_once() {
    let mut jar = jar_with_router(&router());
    let twice = "({ then(resolve, reject) { resolve(1); resolve(2); reject(3); throw 4 } })";
    assert_eq!(block_on(jar.eval_async(&format!("await {twice}"))).unwrap().as_str(), "1");
    assert_eq!(block_on(jar.eval_async(twice)).unwrap().as_str(), "1");
    assert_eq!(thrown(block_on(jar.eval_async("({ get then() { throw 'mine' } })"))).message, "mine");
    assert_eq!(block_on(jar.eval_async("({ then() {} })")).unwrap_err().code(), "never_settled");
    assert_usable(&mut jar);
}

#[test]
fn the_globals_are_the_language_the_web_apis_and_two_more() {
    let mut names: Vec<String> = jar().eval("Reflect.ownKeys(globalThis).map(String)").unwrap().get().unwrap();
    names.sort_unstable();
    let language = "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array \
        Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function \
        Infinity Int16Array Int32Array Int8Array InternalError Iterator JSON Map Math NaN Number Object Promise Proxy \
        RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol \
        Symbol(Symbol.toStringTag) SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray \
        WeakMap WeakRef WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis \
        isFinite isNaN parseFloat parseInt undefined unescape";
    let web = "AbortController AbortSignal Blob Crypto CryptoKey CustomEvent DOMException Event EventTarget File FormData \
        Headers Performance Request Response SubtleCrypto TextDecoder TextEncoder URL URLSearchParams atob btoa crypto \
        performance queueMicrotask self structuredClone";
    let sorted = |lists: &[&str]| {
        let mut names: Vec<String> = lists.join(" ").split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names, sorted(&[language, web, "console host"]));
    let mut bare = runtime().build_instance().without_web_apis().start(&Router::new(), &Limits::default()).unwrap();
    let mut names: Vec<String> = bare.eval("Reflect.ownKeys(globalThis).map(String)").unwrap().get().unwrap();
    names.sort_unstable();
    assert_eq!(names, sorted(&[language, "console host"]));
}

/// Every way to turn text into code.
const GENERATORS: &[&str] = &[
    "eval('1')",
    "(0, eval)('1')",
    "globalThis.eval('1')",
    "eval?.('1')",
    "const e = eval; e('1')",
    "['1'].map(eval)",
    "eval.call(null, '1')",
    "Reflect.apply(eval, null, ['1'])",
    "(() => { 'use strict'; return eval('1') })()",
    "Function('return 1')",
    "new Function('return 1')",
    "Function.call(null, 'return 1')",
    "Function.apply(null, ['return 1'])",
    "Function.bind(null, 'return 1')()",
    "Reflect.construct(Function, ['return 1'])",
    "Reflect.construct(Function, ['return 1'], Object)",
    "Reflect.construct(Object.getPrototypeOf(async () => {}).constructor, ['return 1'], Function)",
    "new (class extends Function {})('return 1')",
    "new (class extends Function { constructor() { super('return 1') } })()",
    "Function.prototype.constructor('return 1')",
    "(() => {}).constructor('return 1')",
    "(class {}).constructor('return 1')",
    "host.rpc.constructor('return 1')",
    "Object.constructor('return 1')",
    "({}).constructor.constructor('return 1')",
    "[].map.constructor('return 1')",
    "(async () => {}).constructor('return 1')",
    "new (async () => {}).constructor('return 1')",
    "(function* () {}).constructor('yield 1')",
    "new (Object.getPrototypeOf(function* () {}).constructor)('yield 1')",
    "(async function* () {}).constructor('yield 1')",
    "new (Object.getPrototypeOf(async function* () {}).constructor)('yield 1')",
    "Object.getPrototypeOf((async () => {}).constructor).constructor('return 1')",
    "Object.getPrototypeOf(class extends Function {})('return 1')",
    "Function.prototype.toString.constructor('return 1')",
    "Object.getOwnPropertyDescriptor(Function.prototype, 'constructor').value('return 1')",
];

#[test]
fn code_generation_works_unless_it_is_turned_off() {
    let mut jar = jar();
    for script in GENERATORS {
        let generated = jar.eval(format!("{{ {script} }}"));
        assert!(!matches!(&generated, Err(Error::Js(_))), "{script}: {generated:?}");
    }
}

#[test]
fn every_way_from_text_to_code_can_be_turned_off() {
    let mut jar = runtime().build_instance().without_code_generation().start(&router(), &Limits::default()).unwrap();
    for round in ["started", "reset"] {
        for script in GENERATORS {
            let script = format!("{{ {script} }}");
            for ended in [jar.eval(&script), block_on(jar.eval_async(&script))] {
                assert!(
                    matches!(&ended, Err(Error::Js(error)) if error.name == "EvalError"),
                    "{round}: {script}: {ended:?}"
                );
            }
        }
        jar.reset().unwrap();
    }
}

#[test]
fn deleting_what_throws_brings_code_generation_not_back() {
    let mut jar = runtime().build_instance().without_code_generation().start(&router(), &Limits::default()).unwrap();
    jar.eval("delete globalThis.eval; delete globalThis.Function").unwrap();
    jar.eval("for (const f of [() => {}, async () => {}, function* () {}, async function* () {}]) delete Object.getPrototypeOf(f).constructor")
        .unwrap();
    assert_eq!(thrown(jar.eval("eval('1')")).name, "ReferenceError");
    assert_eq!(jar.eval("typeof Function").unwrap().as_str(), r#""undefined""#);
    let left = "[() => {}, async () => {}, function* () {}, async function* () {}].map(f => {
        try { return typeof f.constructor('return 1') } catch (e) { return e.name } })";
    for outcome in jar.eval(left).unwrap().get::<Vec<String>>().unwrap() {
        assert!(outcome != "function", "{outcome}");
    }
}

#[test]
fn ordinary_code_works_without_code_generation() {
    let mut jar = runtime().build_instance().without_code_generation().start(&router(), &Limits::default()).unwrap();
    let script = "
        class Shape { #sides = 4; get sides() { return this.#sides } static of() { return new this() } }
        function* count() { yield 1; yield 2 }
        async function* later() { yield await host.rpc('later', 3) }
        const all = [Shape.of().sides, ...count()];
        for await (const n of later()) all.push(n);
        all.push((() => {}) instanceof Function, typeof Function.prototype.call, /a(?<b>.)/.exec('ab').groups.b);
        all";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#"[4,1,2,3,true,"function","b"]"#);
    jar.eval("host.on('twice', n => n * 2)").unwrap();
    assert_eq!(jar.dispatch("twice", &4).unwrap().as_str(), "8");
    assert_eq!(jar.run(&runtime().compile("6 * 7").unwrap()).unwrap().as_str(), "42");
    assert_eq!(thrown(jar.eval("let x = ;")).name, "SyntaxError");
}

#[test]
fn importing_a_module_is_an_error_of_the_script() {
    let mut jar = jar();
    for script in ["import('x')", "import('data:text/javascript,1')", "(async () => await import('std'))()"] {
        thrown(jar.eval(script));
        thrown(block_on(jar.eval_async(script)));
    }
    assert_eq!(thrown(jar.eval("import x from 'x'")).name, "SyntaxError");
    assert_usable(&mut jar);
}

#[test]
fn nothing_on_object_prototype_changes_what_an_async_script_comes_to() {
    for tampering in [
        "Object.prototype.then = function (resolve) { seen.push(this); resolve(7) }",
        "Object.defineProperty(Object.prototype, 'then', { get() { seen.push(this); return r => r(7) }, configurable: true })",
        "Object.defineProperty(Object.prototype, 'value', { get() { seen.push(this); return 7 }, set() { seen.push(this) }, configurable: true })",
        "Object.defineProperty(Object.prototype, 'value', { value: 7, writable: false, configurable: true })",
        "Object.defineProperty(Object.prototype, 'value', { set() { throw 1 }, configurable: true })",
        "Object.setPrototypeOf(Object.prototype.__proto__ ?? Array.prototype, null); Object.prototype.value = Object.prototype.get = 7",
    ] {
        let mut jar = jar_with_router(&router());
        jar.eval(format!("var seen = []; {tampering}; 1")).unwrap();
        for (script, result) in [
            ("5", "5"),
            ("await 5", "5"),
            ("await host.rpc('later', 1); 'x'", "\"x\""),
            ("var a = 1, b = 2, c = 3; { let d = a + b; d + c }", "6"),
            ("{ const f = () => g; let g = 5; f() }", "5"),
            ("if (true) { 5 }", "5"),
            ("{ using guard = null; 5 }", "5"),
            ("try { 5 } finally { 6 }", "5"),
        ] {
            let program = runtime().compile(script).unwrap();
            let again = Program::from_bytes(&program.to_bytes()).unwrap();
            for run in 0..3 {
                let value = block_on(async {
                    match run {
                        0 => jar.eval_async(script).await,
                        1 => jar.run_async(&program).await,
                        _ => jar.run_async(&again).await,
                    }
                });
                assert_eq!(value.unwrap().as_str(), result, "{tampering}: {script}");
            }
        }
        assert_eq!(jar.eval("seen.length").unwrap().as_str(), "0", "{tampering}");
    }
}

#[test]
fn a_thenable_that_the_script_results_in_is_still_awaited() {
    let mut jar = jar();
    assert_eq!(block_on(jar.eval_async("({ then(resolve) { resolve(7) } })")).unwrap().as_str(), "7");
    assert_eq!(block_on(jar.eval_async("({ value: 1, then: 2 })")).unwrap().as_str(), r#"{"value":1,"then":2}"#);
    jar.eval("Object.prototype.then = function (resolve) { resolve(7) }; 1").unwrap();
    assert_eq!(block_on(jar.eval_async("({})")).unwrap().as_str(), "7");
    assert_eq!(block_on(jar.eval_async("5")).unwrap().as_str(), "5");
}

#[test]
fn a_script_with_many_variables_keeps_its_result_to_itself_too() {
    let mut jar = jar();
    jar.eval("Object.prototype.then = function (resolve) { resolve('forged') }; 1").unwrap();
    for count in [1, 5, 300, 2000] {
        let names: String = (0..count).map(|n| format!("let v{count}_{n} = {n};")).collect();
        let script = format!("{{ {names} v{count}_{} + await 1 }}", count - 1);
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().get::<u32>().unwrap(), count, "{count}");
    }
}

#[test]
fn forbidden_constructors_keep_their_names_and_their_error() {
    let mut jar = runtime().build_instance().without_code_generation().start(&router(), &Limits::default()).unwrap();
    let script = "[() => {}, async () => {}, function* () {}, async function* () {}].map(f => f.constructor.name)";
    assert_eq!(
        jar.eval(script).unwrap().as_str(),
        r#"["Function","AsyncFunction","GeneratorFunction","AsyncGeneratorFunction"]"#
    );
    jar.eval("var Own = EvalError; globalThis.EvalError = function () { return 'forged' }; 1").unwrap();
    let script = "try { eval('1') } catch (e) { e instanceof Own && e.name }";
    assert_eq!(jar.eval(script).unwrap().as_str(), r#""EvalError""#);
}
