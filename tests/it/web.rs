//! The web APIs: what of them crosses a snapshot, what a seed decides, what hostile input costs, and what scripts cannot
//! do to them. What they do is in `tests/js` and in the web platform tests.

use belljar::{InstanceBuilder, LimitKind, Limits, Router};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::support::{assert_usable, block_on, jar, jar_with, limit_of, runtime};

fn start(builder: InstanceBuilder) -> belljar::Instance {
    builder.start(&Router::new(), &Limits::default()).unwrap()
}

const DRAW: &str = "[crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(4)), Math.random()].join()";

#[test]
fn a_seed_decides_what_crypto_draws_and_without_one_no_two_instances_draw_the_same() {
    let draw = |seed| start(runtime().build_instance().seed(seed)).eval(DRAW).unwrap().to_string();
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert_ne!(jar().eval(DRAW).unwrap().to_string(), jar().eval(DRAW).unwrap().to_string());
    let mut seeded = start(runtime().build_instance().seed(7));
    assert_ne!(seeded.eval(DRAW).unwrap().to_string(), seeded.eval(DRAW).unwrap().to_string());
}

#[test]
fn twins_of_one_snapshot_draw_differently_unless_they_are_seeded() {
    for is_seeded in [false, true] {
        let builder = runtime().build_instance();
        let mut first = start(if is_seeded { builder.seed(7) } else { builder });
        first.eval("crypto.randomUUID()").unwrap();
        let snapshot = first.snapshot().unwrap();
        let twin = || start(runtime().build_instance().restore(&snapshot)).eval(DRAW).unwrap().to_string();
        assert_eq!(twin() == twin(), is_seeded);
        assert_eq!(first.eval(DRAW).unwrap().to_string() == twin(), is_seeded);
    }
}

#[test]
fn objects_of_the_web_survive_a_snapshot() {
    let mut first = jar();
    first
        .eval(
            "const url = new URL('https://a.example/b?c=1'), params = url.searchParams; const controller = new AbortController();
             const log = []; controller.signal.addEventListener('abort', event => log.push(event.type));
             const form = new FormData(); form.append('file', new File(['text'], 'name.txt', { type: 'text/plain' }));
             const headers = new Headers({ b: 1, a: 2 }); undefined",
        )
        .unwrap();
    let snapshot = first.snapshot().unwrap();
    let mut second = start(runtime().build_instance().restore(&snapshot));
    let script = "params.append('d', 'é'); controller.abort(); const response = new Response(form);
        [url.href, log.join(), [...headers].join(), form.get('file').name, (await response.formData()).get('file').size]";
    let value: (String, String, String, String, u32) = block_on(second.eval_async(script)).unwrap().get().unwrap();
    let expected = ("https://a.example/b?c=1&d=%C3%A9", "abort", "a,2,b,1", "name.txt", 4);
    assert_eq!((&*value.0, &*value.1, &*value.2, &*value.3, value.4), expected);
}

#[test]
fn without_web_apis_a_script_may_define_them_and_they_stay() {
    let bare = || runtime().build_instance().without_web_apis();
    let mut first = start(bare());
    assert_eq!(first.eval("typeof URL + typeof self").unwrap().as_str(), r#""undefinedundefined""#);
    first.eval("globalThis.URL = 'mine'").unwrap();
    let snapshot = first.snapshot().unwrap();
    for builder in
        [bare().begin_from(&snapshot), bare().restore(&snapshot), runtime().build_instance().restore(&snapshot)]
    {
        assert_eq!(start(builder).eval("URL + typeof Headers").unwrap().as_str(), r#""mineundefined""#);
    }
    first.reset().unwrap();
    assert_eq!(first.eval("typeof URL").unwrap().as_str(), r#""undefined""#);
}

#[test]
fn digests_are_those_of_another_implementation() {
    let mut jar = jar();
    for length in [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000, 100_000] {
        let bytes: Vec<u8> = (0..length).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let script = format!(
            "const bytes = Uint8Array.from({{ length: {length} }}, (_, at) => Math.imul(at, 2654435761) >>> 24);
             const digests = []; for (const name of ['SHA-256', 'SHA-384', 'SHA-512'])
                 digests.push(new Uint8Array(await crypto.subtle.digest(name, bytes)).toHex()); digests"
        );
        let script = format!("await (async () => {{ {} return digests }})()", script.trim_end_matches("digests"));
        let digests: [String; 3] = block_on(jar.eval_async(&script)).unwrap().get().unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let expected = [hex(&Sha256::digest(&bytes)), hex(&Sha384::digest(&bytes)), hex(&Sha512::digest(&bytes))];
        assert_eq!(digests, expected, "{length}");
    }
}

#[test]
fn what_does_not_fit_ends_at_the_heap_limit_and_the_instance_goes_on() {
    for script in [
        "new URL('https://a.example/' + 'ü/'.repeat(5e6))",
        "const params = new URLSearchParams(); for (;;) params.append('name', 'value')",
        "new URLSearchParams('a=b&'.repeat(1e6))",
        "const target = new EventTarget(); for (let i = 0; ; i++) target.addEventListener('type' + i, () => i)",
        "const signal = new AbortController().signal; for (;;) AbortSignal.any([signal])",
        "const form = new FormData(); for (;;) form.append('file', new File(['text'], 'name'))",
        "const headers = new Headers(); for (;;) headers.append('name', 'value')",
        "let blob = new Blob(['0123456789'.repeat(1000)]); for (;;) blob = new Blob([blob, blob])",
        "new Blob(Array(100).fill('é'.repeat(1e6)))",
        "let text = 'é'.repeat(1e6); for (;;) text = btoa(text)",
    ] {
        let mut jar = jar_with(&Limits { js_heap_bytes: 16 << 20, memory_bytes: 64 << 20, ..Limits::default() });
        let (kind, _) = limit_of(jar.eval(format!("{{ {script} }}")));
        assert!(matches!(kind, LimitKind::JsHeap | LimitKind::Memory), "{script}: {kind:?}");
        assert_usable(&mut jar);
    }
}

#[test]
fn what_just_fits_is_taken() {
    let script = "const url = new URL('https://a.example/' + 'a/'.repeat(5e5) + '?' + 'b=c&'.repeat(1e4));
        [url.href.length, url.pathname.length, url.searchParams.size]";
    assert_eq!(jar().eval(script).unwrap().get::<[u32; 3]>().unwrap(), [1_040_019, 1_000_001, 10_000]);
}

#[test]
fn recursion_through_the_web_apis_ends_at_the_stack_limit() {
    for script in [
        "const target = new EventTarget(); target.addEventListener('a', () => target.dispatchEvent(new Event('a')));
         target.dispatchEvent(new Event('a')); throw new Error('it came back')",
        "const params = new URLSearchParams('a=b'); const again = () => params.forEach(again); again()",
        "const nest = () => new URL({ toString: nest }); nest()",
        "const init = { get bubbles() { return new Event('a', init) } }; new Event('a', init)",
    ] {
        let mut jar = jar();
        assert!(jar.eval(format!("{{ {script} }}")).is_err(), "{script}");
        assert_usable(&mut jar);
    }
}

/// Replaces what the classes could stumble over if they looked anything up.
const TAMPERING: &str = "{
    const wrong = () => { throw new Error('a script was called') };
    const { defineProperty, getPrototypeOf, ownKeys } = Reflect, { getOwnPropertyNames } = Object, { includes } = Array.prototype;
    const has = Function.prototype.call.bind(includes), trap = { __proto__: null, get: wrong, set: wrong, configurable: true };
    const prototypes = [Array.prototype, String.prototype, Map.prototype, Promise.prototype, Uint8Array.prototype,
        getPrototypeOf(Uint8Array.prototype), RegExp.prototype, WeakMap.prototype, ArrayBuffer.prototype,
        getPrototypeOf([][Symbol.iterator]()), getPrototypeOf(getPrototypeOf([][Symbol.iterator]())), Function.prototype];
    const names = getOwnPropertyNames(globalThis), left = ['globalThis', 'undefined', 'NaN', 'Infinity', 'host', 'console', 'kept'];
    for (let p = 0; p < prototypes.length; p++) {
        const keys = ownKeys(prototypes[p]);
        for (let k = 0; k < keys.length; k++) if (keys[k] !== 'constructor') defineProperty(prototypes[p], keys[k], trap);
    }
    const common = ['value', 'writable', 'get', 'set', 'enumerable', 'alphabet', 'type', 'then', '0', '1', '2'];
    for (let k = 0; k < common.length; k++) defineProperty(Object.prototype, common[k], trap);
    for (let k = 0; k < names.length; k++) if (!has(left, names[k])) globalThis[names[k]] = wrong;
    undefined }";

#[test]
fn the_classes_work_whatever_a_script_replaces() {
    let mut jar = jar();
    let keep =
        "globalThis.kept = { URL, URLSearchParams, Headers, FormData, Blob, File, AbortController, AbortSignal, Event,
        EventTarget, Request, Response, DOMException, crypto, atob, btoa }; undefined";
    jar.eval(keep).unwrap();
    jar.eval(TAMPERING).unwrap();
    let script = "
        const url = new kept.URL('../x?b=2&a=1#c', 'https://user:word@a.example:8080/d/e');
        const params = url.searchParams; params.sort(); params.append('c', '3'); params.set('a', '4'); params.delete('b');
        const headers = new kept.Headers(); headers.append('B', '1'); headers.append('a', '2'); headers.set('b', '3');
        const names = headers.keys(); const first = names.next().value + names.next().value;
        const form = new kept.FormData(); form.append('a', 'b'); form.set('a', new kept.Blob(new kept.FormData()), 'name');
        const controller = new kept.AbortController(); let calls = '';
        controller.signal.addEventListener('abort', event => { calls += event.type });
        const any = kept.AbortSignal.any(new kept.URLSearchParams()); controller.abort();
        const request = new kept.Request('https://a.example', { __proto__: null, method: 'post', body: 'text' });
        const failed = new kept.DOMException('message', 'DataError');
        const uuid = kept.crypto.randomUUID();
        url.href + ' ' + first + ' ' + headers.get('b') + ' ' + calls + ' ' + any.aborted + ' ' + request.method + ' ' +
            failed.name + ' ' + uuid.length + ' ' + kept.atob(kept.btoa('text')) + ' ' + form.get('a').name";
    let value = jar.eval(script).map(|value| value.get::<String>().unwrap());
    let expected = "https://user:word@a.example:8080/x?a=4&c=3#c ab 3 abort false POST DataError 36 text name";
    assert_eq!(value.unwrap(), expected);
}

#[test]
fn stack_traces_and_call_sites_show_nothing_of_the_insides() {
    let mut jar = jar();
    let script = "
        function mine() { new URL('::') }
        let stack; try { mine() } catch (error) { stack = error.stack }
        stack.trim().split('\\n').map(line => line.trim().replace(/ \\(.*:/, ' ('))";
    let lines: Vec<String> = jar.eval(script).unwrap().get().unwrap();
    assert_eq!(lines[0], "at URL (native)");
    assert!(lines[1].starts_with("at mine ("), "{lines:?}");
    let script = "
        Error.prepareStackTrace = (_, sites) => sites.map(site => site.getFunctionName());
        try { URLSearchParams.prototype.append.call({}) } catch (error) { [error.message, ...error.stack] }";
    let seen: Vec<String> = jar.eval(script).unwrap().get().unwrap();
    assert_eq!(seen[0], "append: called on an object of another class");
    assert!(!seen.iter().skip(1).any(|name| name.contains('#') || name == "append"), "{seen:?}");
    assert_eq!(jar.eval("URL.toString().includes('[native code]') && !/#href/.test(URL)").unwrap().as_str(), "true");
}
