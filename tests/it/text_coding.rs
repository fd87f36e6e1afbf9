//! `TextEncoder` and `TextDecoder` under limits, in snapshots, and with scripts that change buffers during a call.
//! Their results are tested in `tests/js/text_coding.js`.

use belljar::{Error, LimitKind, Limits, Router};

use crate::support::{assert_usable, assert_usable_after_reset, jar, jar_with, limit_of, runtime};

const MIB: u64 = 1 << 20;

#[test]
fn a_text_or_bytes_that_do_not_fit_beside_the_script_hit_the_heap_limit_and_smaller_ones_do_not() {
    let limits = Limits { js_heap_bytes: 8 * MIB, ..Limits::default() };
    // The heap has 7.75 MiB. Encoding a text of 2.5 MiB takes 2.5 MiB for the text, for the conversion and for the
    // bytes.
    for (script, fits, too_large) in [
        ("new TextEncoder().encode('x'.repeat(SIZE)).length", 2 * MIB, 5 * MIB),
        ("new TextEncoder().encode('\\u00e9'.repeat(SIZE / 2)).length", 2 * MIB, 5 * MIB),
        ("new TextEncoder().encode('\\ud800'.repeat(SIZE / 3)).length", MIB, 5 * MIB),
        ("new TextDecoder().decode(new Uint8Array(SIZE)).length", 3 * MIB, 5 * MIB),
        // Each byte becomes one character, which takes three bytes in UTF-8 and two in the engine.
        ("new TextDecoder().decode(new Uint8Array(SIZE).fill(255)).length", MIB, 3 * MIB),
        (
            "{ const d = new TextDecoder(); d.decode(Uint8Array.of(0xc3), { stream: true }); d.decode(new Uint8Array(SIZE)).length }",
            MIB,
            5 * MIB,
        ),
        ("new TextEncoder().encodeInto('\\u20ac'.repeat(SIZE / 3), new Uint8Array(9)).read", MIB, 5 * MIB),
    ] {
        let mut jar = jar_with(&limits);
        let sized = |size: u64| script.replace("SIZE", &size.to_string());
        let length: u64 = jar.eval(sized(fits)).unwrap_or_else(|error| panic!("{script}: {error}")).get().unwrap();
        assert!(length > 0, "{script}");
        assert_eq!(limit_of(jar.eval(sized(too_large))).0, LimitKind::JsHeap, "{script}");
        assert_usable(&mut jar);
        assert!(jar.stats().heap_bytes < MIB, "{script}: {} bytes are held", jar.stats().heap_bytes);
    }
}

#[test]
fn a_large_text_or_many_bytes_are_stopped_by_fuel_at_the_same_figure_each_time() {
    for script in [
        "const text = '\\u20ac'.repeat(1e6); for (;;) new TextEncoder().encode(text)",
        "const text = '\\ud800'.repeat(1e6); for (;;) new TextEncoder().encode(text)",
        "const text = '\\u20ac'.repeat(1e6), into = new Uint8Array(3e6); for (;;) new TextEncoder().encodeInto(text, into)",
        "const bytes = new Uint8Array(3e6).fill(97); for (;;) new TextDecoder().decode(bytes)",
        "const bytes = new Uint8Array(3e6).fill(255); for (;;) new TextDecoder().decode(bytes)",
        "const bytes = new Uint8Array(3e6).fill(255), d = new TextDecoder(); for (;;) d.decode(bytes, { stream: true })",
    ] {
        let limits = Limits { fuel: Some(200_000_000), ..Limits::default() };
        let mut stopped_at = Vec::new();
        for _ in 0..2 {
            let mut jar = jar_with(&limits);
            assert_eq!(limit_of(jar.eval(script)), (LimitKind::Fuel, 200_000_000), "{script}");
            stopped_at.push(jar.call_stats().fuel);
            assert_usable_after_reset(&mut jar);
        }
        assert_eq!(stopped_at[0], stopped_at[1], "{script}");
        // The script stops soon after the limit.
        assert!(stopped_at[0] < 210_000_000, "{script}: {}", stopped_at[0]);
    }
}

#[test]
fn coders_that_a_script_lets_go_of_give_their_memory_back() {
    let mut jar = jar_with(&Limits { js_heap_bytes: 2 * MIB, fuel: None, ..Limits::default() });
    jar.eval("for (let i = 0; i < 100_000; i++) { new TextDecoder(); new TextEncoder() }; 0").unwrap();
    let before = jar.stats().heap_bytes;
    jar.eval("for (let i = 0; i < 100_000; i++) { new TextDecoder('utf-8', { fatal: true }); new TextEncoder() }; 0")
        .unwrap();
    // Decoders in cycles are freed by the garbage collector.
    jar.eval("for (let i = 0; i < 50_000; i++) { const d = new TextDecoder(); d.self = d } 0").unwrap();
    jar.eval("{ const all = []; for (let i = 0; i < 5000; i++) all.push({ i }) } 1").unwrap();
    assert!(jar.stats().heap_bytes < before + 256 * 1024, "{before} bytes, then {}", jar.stats().heap_bytes);
    // Decoders that are kept count against the heap limit.
    let kept = "var kept = []; for (;;) kept.push(new TextDecoder())";
    assert_eq!(limit_of(jar.eval(kept)).0, LimitKind::JsHeap);
    jar.eval("kept = 0").unwrap();
    assert_usable(&mut jar);
}

#[test]
fn a_decoder_goes_on_in_the_middle_of_a_character_after_a_snapshot() {
    let mut jar = jar();
    jar.eval("var decoder = new TextDecoder('utf-8', { fatal: true }); decoder.decode(Uint8Array.of(97, 0xf0, 0x9f), { stream: true })")
        .unwrap();
    let snapshot = jar.snapshot().unwrap();
    let mut twin = runtime().restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
    for jar in [&mut jar, &mut twin] {
        let text: String =
            jar.eval("decoder.decode(Uint8Array.of(0x98, 0x80)) + decoder.fatal").unwrap().get().unwrap();
        assert_eq!(text, "\u{1f600}true");
    }
}

#[test]
fn what_a_script_does_while_arguments_are_converted_is_seen_and_harms_nothing() {
    for (script, expected) in [
        // The buffer is detached while the options are read.
        ("new TextDecoder().decode(b, { get stream() { b.buffer.transfer() } })", ""),
        // It is shrunk, grown, or overwritten.
        ("new TextDecoder().decode(r, { get stream() { r.buffer.resize(2) } })", "ab"),
        ("new TextDecoder().decode(r, { get stream() { r.buffer.resize(8); r[4] = 122 } })", "abcdz\0\0\0"),
        ("new TextDecoder().decode(new Uint8Array(r.buffer, 1, 3), { get stream() { r.buffer.resize(2) } })", ""),
        ("new TextDecoder().decode(new DataView(r.buffer, 1), { get stream() { r.buffer.resize(0) } })", ""),
        ("new TextDecoder().decode(b, { get stream() { b.fill(122) } })", "zzzz"),
        // The destination is detached while the text is converted.
        (
            "JSON.stringify(new TextEncoder().encodeInto({ toString() { b.buffer.transfer(); return 'x' } }, b))",
            r#"{"read":0,"written":0}"#,
        ),
        (
            "JSON.stringify(new TextEncoder().encodeInto({ toString() { r.buffer.resize(1); return 'xy' } }, r))",
            r#"{"read":1,"written":1}"#,
        ),
        // A decoder is used during one of its own calls.
        (
            "(d => d.decode(b, { get stream() { d.decode(Uint8Array.of(0xc3), { stream: true }) } }))(new TextDecoder())",
            "\u{fffd}abcd",
        ),
        // Its methods are removed during a call.
        (
            "new TextDecoder().decode(b, { get stream() { delete TextDecoder.prototype.decode; globalThis.TextDecoder = 1 } })",
            "abcd",
        ),
    ] {
        let mut jar = jar();
        jar.eval("var b = Uint8Array.of(97, 98, 99, 100), r = new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })); r.set(b)").unwrap();
        let found: String = jar.eval(script).unwrap_or_else(|error| panic!("{script}: {error}")).get().unwrap();
        assert_eq!(found, expected, "{script}");
        assert_usable(&mut jar);
    }
}

#[test]
fn an_immutable_buffer_is_read_and_not_written_to() {
    let script = "const array = new Uint8Array(Uint8Array.of(104, 105).buffer.transferToImmutable());
        let refused; try { new TextEncoder().encodeInto('xx', array) } catch (error) { refused = String(error) }
        [refused, new TextDecoder().decode(array)]";
    let found: serde_json::Value = jar().eval(script).unwrap().get().unwrap();
    assert_eq!(found, serde_json::json!(["TypeError: ArrayBuffer is immutable", "hi"]));
}

#[test]
fn the_console_shows_a_coder_and_none_leaves_a_script() {
    let mut jar = jar();
    assert_eq!(jar.inspect("new TextDecoder()").unwrap().to_string(), "TextDecoder {}");
    assert_eq!(jar.inspect("new (class Mine extends TextEncoder {})").unwrap().to_string(), "Mine {}");
    assert_eq!(jar.eval("JSON.stringify(new TextDecoder())").unwrap().as_str(), r#""{}""#);
    assert_eq!(jar.eval("new TextDecoder()").unwrap_err().code(), "not_serializable");
    let Err(Error::Js(error)) = jar.eval("TextDecoder()") else { panic!("it needs new") };
    assert_eq!((error.name.as_str(), error.message.as_str()), ("TypeError", "must be called with new"));
}
