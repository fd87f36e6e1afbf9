//! Data that a script has freed is in no snapshot, however it was held: text of events, calls, errors and sources,
//! and the former storage of objects, buffers and tables that have grown.

use std::collections::HashSet;
use std::fmt::Write as _;

use belljar::{Call, Instance, Limits, Router, RpcError, Script, Value};
use wasmparser::{DataKind, Operator, Parser, Payload};

use crate::forgery::{parts, with_every_page};
use crate::support::{block_on, jar, jar_of, jar_with, poll_until_waiting, runtime};

const PAGE_BYTES: usize = 4096;
/// This many adjacent bytes of a secret cannot be a coincidence.
const PIECE: usize = 8;
/// The offset that QuickJS subtracts from the bits of a number, to distinguish it from a pointer.
const BOX: u64 = (0x7ff8_0000 + 9 + 1) << 32;
/// Lengths from small blocks in QuickJS's arenas to separate large blocks.
const LENGTHS: [usize; 4] = [40, 200, 1000, 9000];

/// The initial memory of instances.
fn image() -> Vec<u8> {
    let mut memory = Vec::new();
    for payload in Parser::new(0).parse_all(include_bytes!("../../runtime-guest/guest.wasm")) {
        let Payload::DataSection(segments) = payload.unwrap() else { continue };
        for segment in segments {
            let segment = segment.unwrap();
            let DataKind::Active { offset_expr, .. } = segment.kind else {
                assert!(segment.data.is_empty(), "the image has a passive segment");
                continue;
            };
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap() else {
                panic!("the image has a segment without a place")
            };
            let start = usize::try_from(value).unwrap();
            memory.resize(memory.len().max(start + segment.data.len()), 0);
            memory[start..start + segment.data.len()].copy_from_slice(segment.data);
        }
    }
    memory
}

/// The contents of a snapshot's pages, concatenated.
fn memory_of(jar: &mut Instance, image: &[u8]) -> Vec<u8> {
    let snapshot = jar.snapshot().unwrap();
    let bytes = snapshot.to_bytes();
    let (index, packed) = parts(&bytes);
    let index: serde_json::Value = serde_json::from_slice(index).unwrap();
    let mut memory = lz4_flex::block::decompress(packed, snapshot.memory_bytes()).unwrap();
    let pages = index["pages"].as_array().unwrap();
    for (page, now) in pages.iter().zip(memory.chunks_exact_mut(PAGE_BYTES)) {
        let start = usize::try_from(page.as_u64().unwrap()).unwrap() * PAGE_BYTES;
        let was = image.get(start..).unwrap_or_default();
        now.iter_mut().zip(was).for_each(|(now, was)| *now ^= was);
    }
    memory
}

/// A unique text, and every piece of it in all forms in which memory can hold it.
struct Secret {
    text: String,
    pieces: HashSet<[u8; PIECE]>,
}

impl Secret {
    fn new(seed: u64, length: usize) -> Secret {
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed;
        let mut letter = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[usize::try_from(state % 36).unwrap()])
        };
        let text: String = (0..length).map(|_| letter()).collect();
        let mut pieces = HashSet::new();
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for form in [text.as_bytes(), &wide] {
            pieces.extend(form.windows(PIECE).map(|piece| <[u8; PIECE]>::try_from(piece).unwrap()));
        }
        // Eight characters as a number, as `numbers` in [`HELPERS`] makes them.
        let numbers = text.as_bytes().chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        pieces.extend(numbers.map(|bits| bits.wrapping_sub(BOX).to_le_bytes()));
        Secret { text, pieces }
    }

    fn pieces_in(&self, memory: &[u8]) -> usize {
        memory.windows(PIECE).filter(|window| self.pieces.contains(*window)).count()
    }
}

fn router(secret: &str) -> Router {
    let (value, tree, error, later) = (secret.to_owned(), secret.to_owned(), secret.to_owned(), secret.to_owned());
    Router::new()
        .on_console(|_, _, _| ())
        .handle("take", |_: &Call, _: Value| Ok(()))
        .handle("give", move |_: &Call, (): ()| Ok(value.clone()))
        .handle("tree", move |_: &Call, (): ()| {
            Ok(serde_json::json!({ "list": [tree, { "deep": tree }], (tree.as_str()): 1 }))
        })
        .handle("fail", move |_: &Call, (): ()| Err::<(), _>(RpcError::new("denied", error.clone())))
        .handle_async("later", move |_: Call, (): ()| {
            let later = later.clone();
            async move {
                tokio::task::yield_now().await;
                Ok(later)
            }
        })
        .handle_async("never", |_: Call, _: Value| std::future::pending::<Result<(), RpcError>>())
}

const HELPERS: &str = "var numbers = text => { const bytes = Uint8Array.from(text, c => c.charCodeAt(0)); \
    return Array.from(new Float64Array(bytes.buffer, 0, bytes.length >> 3)) }; \
    host.on('login', p => p.password.length); \
    host.on('store', p => { p.seen = p.list.map(x => x.text); return 1 }); \
    host.on('later', async p => { const text = await host.rpc('later'); return text.length + p.length })";

/// Scripts that hold the secret, in place of `$`, and free it.
const SCRIPTS: [&str; 85] = [
    // In a value, a result, an error.
    "'$'.length",
    "'$'",
    "({ a: ['$', { $: '$' }] })",
    "throw '$'",
    "throw new Error('$')",
    "throw new Error('a', { cause: new TypeError('$') })",
    "throw Object.assign(new Error('a'), { $: '$' })",
    "null.$",
    "$()",
    "$ $",
    "'$",
    "try { throw new Error('$') } catch (e) { e.stack.length }",
    "Promise.reject(new Error('$')); 1",
    "(function $() { throw new Error('a') })()",
    // In text that is converted to other text.
    "/$/u.exec('$')[0].length",
    "'x$x'.match(/x(?<name>[a-z0-9]+)x/).groups.name.length",
    "'$'.replace(/[a-m]/g, c => c + c).length",
    "'$'.split('').map(c => c + 1).join('').length",
    "'$'.repeat(100).slice(5, 900).length",
    "('$' + '\\u{1f600}').length",
    "'$\\u{1f600}'.split('').reverse().join('').length",
    "{ let s = ''; for (const c of '$') s += c; s.length }",
    "{ let s = 'x'.repeat(9000); for (let i = 0; i < 90; i++) s += '$'.repeat(9); s.length }",
    "{ let s = '$'; for (let i = 0; i < 9; i++) s += s; s.length }",
    "`${'$'}${1}`.length",
    "'$'.padEnd(5000, '$').normalize('NFD').length",
    "encodeURIComponent('$\\u00e9').length + escape('$').length",
    "JSON.stringify({ $: ['$'] }, null, 2).length",
    "JSON.parse('{\"$\": [\"$\", {\"a\": \"$\"}]}', (k, v) => v) && 1",
    "for (let i = 0; i < 9; i++) JSON.parse('{\"a\": \"$\", \"b\": {\"c\": \"$\"}}')",
    "try { JSON.parse('[$') } catch (e) { e.message.length }",
    "new Date('$').getTime()",
    "Symbol('$').description.length",
    "Symbol.for('$').description.length",
    // In a line of the console.
    "console.log('$', { a: '$' }, ['$'], new Map([['$', '$']]), new Error('$'))",
    "console.group('$'); console.log('$'); console.groupEnd()",
    "console.table([{ a: '$' }]); console.error(new Uint8Array(9), '%s', '$')",
    // In code.
    "new Function('return \"$\"')().length",
    "eval('(() => \"$\")')().length",
    "(() => { function inner() { return '$' } return inner().length })()",
    "{ function* g() { const a = '$' + 1; yield a; yield a } g().next().value.length }",
    "{ (async () => { const a = '$' + 1; await 1; return a })(); 1 }",
    "new Proxy({ a: '$' }, { get: (o, k) => o[k] + '$' }).a.length",
    "Object.defineProperty({}, 'a', { get() { return '$' } }).a.length",
    "(function dig(n, ...held) { return n ? dig(n - 1, ...held) : held.length })(90, '$', ...numbers('$'))",
    "[1, 2, 3].values().map(x => '$' + x).filter(x => x.length > 3).toArray().length",
    // In objects, tables and collections, and in their storage before they grew.
    "({ $: 1 }).$",
    "{ const o = {}; for (let i = 0; i < 300; i++) o['$' + i] = '$' + i; Object.keys(o).length }",
    "{ const o = { a: '$' }; delete o.a; o.b = 1; Object.keys(o).length }",
    "Object.fromEntries([['$', '$']]).$.length",
    "{ const o = {}; for (let i = 0; i < 50; i++) o[i % 7 + 'k'] = ['$' + i, { i }]; 1 }",
    "{ const o = {}; numbers('$').forEach((x, i) => o['k' + i] = x); Object.values(o).length }",
    "{ const m = new Map(); for (let i = 0; i < 300; i++) m.set('$' + i, { a: '$' }); m.size }",
    "{ const s = new Set(); for (let i = 0; i < 300; i++) s.add('$' + i); s.clear(); s.size }",
    "{ const w = new WeakMap(), k = {}; w.set(k, '$'.repeat(2)); 1 }",
    "{ const r = new WeakRef({ a: '$'.repeat(2) }); 1 }",
    "{ const a = []; for (let i = 0; i < 900; i++) a.push('$' + i); a.length = 0; a.length }",
    "{ const a = Array.from({ length: 90 }, (_, i) => '$' + i); a.sort().reverse().splice(5, 50); a.flat().length }",
    "[...'$'].map(c => c.charCodeAt(0)).length",
    "numbers('$').map(x => () => x).length",
    "Math.max(...numbers('$'), ...numbers('$'))",
    "BigInt('0x' + Array.from('$', c => c.charCodeAt(0).toString(16)).reverse().join('')) > 1n",
    // In bytes.
    "{ const b = new Uint8Array(9000); for (let i = 0; i < 9000; i++) b[i] = '$'.charCodeAt(i % $N); b[5] }",
    "{ const b = new Uint16Array(90); for (let i = 0; i < 90; i++) b[i] = '$'.charCodeAt(i % $N); b.slice(9).length }",
    "{ const b = new ArrayBuffer(800, { maxByteLength: 9000 }), v = new Uint8Array(b); \
       for (let i = 0; i < 800; i++) v[i] = '$'.charCodeAt(i % $N); b.resize(8); b.resize(9000); b.transfer(80).byteLength }",
    "{ const b = new Float64Array(numbers('$')); b.map(x => x).length }",
    "new TextEncoder().encode('$').length",
    "new TextDecoder().decode(new TextEncoder().encode('$\\u00e9')).length",
    "new TextDecoder().decode(new TextEncoder().encode('$').fill(255, 0, 1)).length",
    "{ const b = new TextEncoder().encode('$'), d = new TextDecoder(); for (const c of b) d.decode(Uint8Array.of(c, 0xf0), { stream: true }); \
       d.decode(b).length }",
    "new TextEncoder().encodeInto('$\\ud800', new Uint8Array(90)).read",
    // In promises and calls.
    "Promise.resolve('$').then(x => x + x).then(x => x.length)",
    "new Promise(() => '$'); 1",
    "host.rpcSync('take', { a: '$', b: ['$'] })",
    "host.rpcSync('give').length",
    "host.rpcSync('tree').list.length",
    "try { host.rpcSync('fail') } catch (e) { e.message.length }",
    "try { host.rpcSync('$', '$') } catch (e) { e.message.length }",
    "host.rpc('take', '$'); 1",
    "host.rpc('give').then(text => text.length)",
    "await host.rpc('later').then(text => text.length)",
    "await Promise.all([host.rpc('later'), host.rpc('tree'), host.rpc('fail').catch(e => e)]).then(all => all.length)",
    "host.rpc('never', '$'); 1",
    "await host.rpc('fail')",
    "host.on('gone', p => '$'); host.on('gone', p => 1)",
];

fn limits() -> Limits {
    Limits { fuel: Some(3_000_000_000), ..Limits::default() }
}

#[test]
fn what_a_script_keeps_is_in_a_snapshot_and_the_search_finds_it() {
    let image = image();
    for length in LENGTHS {
        let secret = Secret::new(99, length);
        for (script, most) in [
            ("var kept = '$' + 1", length - PIECE),
            ("var kept = '$\\u{1f600}'", length - PIECE),
            ("var kept = () => '$'", length - PIECE),
            ("var kept = { $: 1 }", length - PIECE),
            ("var kept = numbers('$')", length / 8),
        ] {
            let mut jar = jar_of(&router(&secret.text), &limits());
            jar.eval(HELPERS).unwrap();
            jar.eval(script.replace('$', &secret.text)).unwrap();
            let found = secret.pieces_in(&memory_of(&mut jar, &image));
            assert!(found >= most, "{script}: {found} of {length}");
        }
    }
}

#[test]
fn nothing_that_a_script_has_let_go_of_is_in_a_snapshot() {
    let image = image();
    let mut told = String::new();
    for (seed, script) in (0..).zip(SCRIPTS) {
        for length in LENGTHS {
            let secret = Secret::new(seed, length);
            let mut jar = jar_of(&router(&secret.text), &limits());
            jar.eval(HELPERS).unwrap();
            let source = script.replace("$N", &length.to_string()).replace('$', &secret.text);
            let _ = if script.contains("await ") { block_on(jar.eval_async(&source)) } else { jar.eval(&source) };
            let found = secret.pieces_in(&memory_of(&mut jar, &image));
            if found > 0 {
                writeln!(told, "{found} pieces of {length} bytes: {script}").unwrap();
            }
        }
    }
    assert!(told.is_empty(), "these left pieces of a secret:\n{told}");
}

/// A slot that was used before has pages of its own that equal the image's.
#[test]
fn a_snapshot_does_not_show_which_pages_an_instance_has_of_its_own() {
    let start = |builder: belljar::InstanceBuilder| {
        let clock = belljar::Clock::Fixed(std::time::Duration::from_secs(1_700_000_000));
        // A limit that the image does not have, so that each instance is told its limits.
        builder.seed(1).clock(clock).start(&Router::new(), &limits().with_js_heap_bytes(31 << 20)).unwrap()
    };
    let snapshot = |mut jar: Instance| {
        jar.eval("'a small script'.length").unwrap();
        jar.snapshot().unwrap()
    };
    let fresh = start(runtime().build_instance());
    let every_page = with_every_page(&start(runtime().build_instance()).snapshot().unwrap().to_bytes());
    let every_page = belljar::Snapshot::from_bytes(&every_page).unwrap();
    let (fresh, again) = (snapshot(fresh), snapshot(start(runtime().build_instance().restore(&every_page))));
    let pages = |snapshot: &belljar::Snapshot| snapshot.memory_bytes() / PAGE_BYTES;
    assert_eq!(pages(&again), pages(&fresh), "pages of the image whose free memory is not clear");
    assert!(again.to_bytes() == fresh.to_bytes());
}

#[test]
fn nothing_of_an_event_a_name_or_a_program_is_in_a_snapshot() {
    let image = image();
    for length in LENGTHS {
        let secret = Secret::new(77, length);
        let text = &secret.text;
        let mut jar = jar_of(&router(text), &limits());
        jar.eval(HELPERS).unwrap();
        let check = |what: &str, jar: &mut Instance| {
            assert_eq!(secret.pieces_in(&memory_of(jar, &image)), 0, "{what} of {length} bytes");
        };
        for n in 0..20 {
            let password = text[..length - n].to_owned() + ["", "\u{e9}", "\u{1f600}"][n % 3];
            jar.dispatch("login", &serde_json::json!({ "password": password })).unwrap();
        }
        check("events", &mut jar);
        let list = serde_json::json!({ "list": [{ "text": text }, { "text": text }], (text.as_str()): [text] });
        for _ in 0..5 {
            jar.dispatch("store", &list).unwrap();
        }
        check("an event that is data", &mut jar);
        jar.dispatch(text, &1).unwrap_err();
        check("an event that nobody knows", &mut jar);
        block_on(jar.dispatch_async("later", text)).unwrap();
        check("an async event", &mut jar);
        jar.run(&runtime().compile(&*format!("'{text}'.length")).unwrap()).unwrap();
        check("a program", &mut jar);
        jar.inspect(&*format!("({{ a: '{text}' }})")).unwrap();
        check("a value that was shown", &mut jar);
        for source in ["1", "x(", "throw new Error('x')", "(() => { null.x })()"] {
            let _ = jar.eval(Script::new(source).named(text));
            check("the name of a script", &mut jar);
        }
    }
}

#[test]
fn a_call_that_is_stopped_or_given_up_leaves_nothing_in_a_snapshot() {
    let image = image();
    for length in LENGTHS {
        let secret = Secret::new(5, length);
        let mut jar = jar_of(&router(&secret.text), &Limits { opcodes: Some(1_000_000), ..Limits::default() });
        let endless = format!("for (let n = 0;; n++) ('{}' + n).length", secret.text);
        assert_eq!(jar.eval(&endless).unwrap_err().code(), "opcode_limit_exceeded");
        assert_eq!(secret.pieces_in(&memory_of(&mut jar, &image)), 0, "a call that was stopped, {length} bytes");
        let waiting = format!("const held = '{}' + 1; await host.rpc('never', held); held.length", secret.text);
        let mut call = Box::pin(jar.eval_async(format!("(async () => {{ {waiting} }})()")));
        assert!(poll_until_waiting(&mut call).is_pending());
        drop(call);
        assert_eq!(secret.pieces_in(&memory_of(&mut jar, &image)), 0, "a future that was dropped, {length} bytes");
    }
}

/// Only the engine's garbage collector frees such objects; it runs when the heap has grown by half.
#[test]
fn what_only_a_cycle_holds_is_in_a_snapshot_until_it_is_collected() {
    let image = image();
    let secret = Secret::new(3, 200);
    let mut jar = jar();
    jar.eval(format!("{{ const a = {{ text: '{}' + 1 }}; a.a = a }} 1", secret.text)).unwrap();
    assert!(secret.pieces_in(&memory_of(&mut jar, &image)) > 0);
    jar.eval("{ const all = []; for (let i = 0; i < 20000; i++) all.push({ i }) } 1").unwrap();
    assert_eq!(secret.pieces_in(&memory_of(&mut jar, &image)), 0);
}

#[test]
fn a_snapshot_is_no_larger_for_what_was_let_go_of() {
    let size = |before: &str| {
        let mut jar = jar();
        jar.eval(before).unwrap();
        jar.eval("var kept = 1").unwrap();
        jar.snapshot().unwrap().to_bytes().len()
    };
    let (fresh, used) =
        (size("1"), size("{ let n = 0; for (let i = 0; i < 3000; i++) n += `${i} and ${i * 7}`.length } 1"));
    assert!(used < fresh + 2048, "{used} bytes after work, {fresh} without");
}

#[test]
fn a_snapshot_after_a_large_buffer_was_freed_is_taken() {
    let mut jar = jar_with(&Limits::default().with_memory_bytes(600 << 20).with_js_heap_bytes(512 << 20));
    jar.eval("let b = new ArrayBuffer(400 << 20); b = null; 1").unwrap();
    let snapshot = jar.snapshot().unwrap();
    assert!(snapshot.to_bytes().len() < 1 << 20);
    assert_eq!(jar.eval("1 + 2").unwrap().as_str(), "3");
}
