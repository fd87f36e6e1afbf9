//! Forged programs and snapshots with correct checksums: at worst they harm the instance that uses them.
//!
//! All damage is derived from a seed, so a failure is reproducible. `BELLJAR_ROUNDS=100000` runs longer than a test
//! should.

use std::collections::BTreeMap;

use belljar::{Answer, Blame, Call, Error, Limits, Program, Reply, Router, Snapshot, Status, Turn, Value};
use sha2::{Digest, Sha256};

use crate::support::{
    assert_usable, block_on, forget_peak, is_alone, jar, jar_of, jar_with_router, peak_resident_bytes, resident_bytes,
    runtime,
};

/// Offsets of the fields of a program that depend on its contents.
const LENGTH: usize = 48;
const CHECKSUM: usize = 56;
const BODY: usize = 88;
/// The same offsets for a snapshot.
const SNAPSHOT_CHECKSUM: usize = 44;
const SNAPSHOT_BODY: usize = 76;

fn rounds() -> u64 {
    std::env::var("BELLJAR_ROUNDS").map_or(400, |rounds| rounds.parse().unwrap())
}

/// Corrects the length and the checksum of a program's bytes, as any forger can.
pub(crate) fn forge_program(bytes: &mut [u8]) {
    let length = (bytes.len() - BODY) as u64;
    bytes[LENGTH..CHECKSUM].copy_from_slice(&length.to_le_bytes());
    let checksum = Sha256::new().chain_update(&bytes[..CHECKSUM]).chain_update(&bytes[BODY..]).finalize();
    bytes[CHECKSUM..BODY].copy_from_slice(&checksum);
}

/// The index and the compressed pages of a snapshot.
pub(crate) fn parts(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes[SNAPSHOT_BODY..].split_first_chunk::<8>().unwrap();
    rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap())
}

/// A snapshot with other contents and a correct checksum.
fn forge_snapshot(sound: &[u8], index: &[u8], packed: &[u8]) -> Vec<u8> {
    let mut bytes = sound[..SNAPSHOT_BODY].to_vec();
    bytes.extend((index.len() as u64).to_le_bytes());
    bytes.extend_from_slice(index);
    bytes.extend_from_slice(packed);
    forge_checksum(&mut bytes);
    bytes
}

/// The same snapshot of an instance that has written to every page of its memory, each time what was there.
pub(crate) fn with_every_page(sound: &[u8]) -> Vec<u8> {
    const PAGE_BYTES: usize = 4096;
    let (index, packed) = parts(sound);
    let mut index: serde_json::Value = serde_json::from_slice(index).unwrap();
    let listed: Vec<u64> = serde_json::from_value(index["pages"].take()).unwrap();
    let held = lz4_flex::block::decompress(packed, listed.len() * PAGE_BYTES).unwrap();
    let all = 0..index["memory_bytes"].as_u64().unwrap() / PAGE_BYTES as u64;
    // A page is stored as its difference from that of the image.
    let mut contents = vec![0; usize::try_from(all.end).unwrap() * PAGE_BYTES];
    for (page, differences) in listed.iter().zip(held.chunks(PAGE_BYTES)) {
        let start = usize::try_from(*page).unwrap() * PAGE_BYTES;
        contents[start..start + PAGE_BYTES].copy_from_slice(differences);
    }
    index["pages"] = all.collect();
    forge_snapshot(sound, &serde_json::to_vec(&index).unwrap(), &lz4_flex::block::compress(&contents))
}

/// A snapshot with this number in a field of the index.
pub(crate) fn with_number(sound: &[u8], field: &str, value: &str) -> Vec<u8> {
    let (index, pages) = parts(sound);
    let text = std::str::from_utf8(index).unwrap();
    let at = text.find(&format!("\"{field}\":")).unwrap() + field.len() + 3;
    let rest = text[at..].trim_start_matches(|c: char| c.is_ascii_digit());
    forge_snapshot(sound, format!("{}{value}{rest}", &text[..at]).as_bytes(), pages)
}

/// Corrects the checksum of a snapshot's bytes.
pub(crate) fn forge_checksum(bytes: &mut [u8]) {
    let (header, body) = (&bytes[..SNAPSHOT_CHECKSUM], &bytes[SNAPSHOT_BODY..]);
    let checksum = Sha256::new().chain_update(header).chain_update(body).finalize();
    bytes[SNAPSHOT_CHECKSUM..SNAPSHOT_BODY].copy_from_slice(&checksum);
}

/// Checks the blame of a forgery's error, and returns how it ended.
#[track_caller]
fn ending_of<T: std::fmt::Debug>(round: u64, ended: &belljar::Result<T>, guilty: &[Blame]) -> &'static str {
    match ended {
        Ok(_) => "a value",
        Err(error) if guilty.contains(&error.blame()) => error.code(),
        Err(error) => panic!("round {round}: {error:?}"),
    }
}

/// Programs that use a large part of the bytecode: constants of every kind, closures, generators, classes,
/// exceptions, regexes.
const VICTIMS: [&str; 4] = [
    "let s = 0; for (let i = 0; i < 9; i++) { if (i % 2) continue; s += i * 1.5 } [s, 'text', 2n ** 70n, /a(b)+/g.exec('abb')[1]]",
    "class A { #p = 1; static s = [1, 2]; get p() { return this.#p } set p(v) { this.#p = v } }
     const a = new A(); a.p = 7; const { p, ...rest } = { p: a.p, q: [...A.s], r: new Map([[1, 2]]) }; [p, rest.q]",
    "function* g(n) { try { while (n--) yield n } finally { yield 'f' } } const f = (x = 1, ...y) => () => x + y.length;
     const h = [...g(3), f(1, 2)()]; try { null.x } catch ({ name }) { h.push(name) } switch (h.length) { case 5: h.pop() } h",
    "host.on('e', async (x) => { for await (const v of [x, host.rpc('echo', 1)]) if (v) break; return `${x}` });
     let o = { get a() { return host.rpcSync('echo', [1]) }, ['b' + 1]: new Uint8Array(4), async *c() { yield* [1] } }; with (o) { a }",
];

/// A deterministic sequence of numbers, the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Damages bytecode: flips bits, changes bytes, writes special words, and removes, doubles or swaps pieces.
fn damage(code: &mut Vec<u8>, state: &mut u64) {
    for _ in 0..=next(state) % 4 {
        let at = next(state) as usize % code.len();
        let other = next(state) as usize % code.len();
        match next(state) % 7 {
            0 => code[at] ^= 1 << (next(state) % 8),
            1 => code[at] = next(state) as u8,
            2 => code[at] = [0, 1, 0x7f, 0x80, 0xff][next(state) as usize % 5],
            3 => code.swap(at, other),
            4 if code.len() > 8 => drop(code.remove(at)),
            5 => code.insert(at, next(state) as u8),
            _ => {
                let end = (at + 4).min(code.len());
                code[at..end].fill(if next(state).is_multiple_of(2) { 0xff } else { 0 });
            }
        }
    }
}

#[test]
fn a_forged_program_harms_its_own_instance_at_worst() {
    let rounds = rounds();
    let limits =
        Limits { fuel: Some(30_000_000), memory_bytes: 16 << 20, js_heap_bytes: 16 << 20, ..Limits::default() };
    let router = Router::new().handle("echo", |_: &Call, value: Value| Ok(value));
    let sound: Vec<Vec<u8>> = VICTIMS.iter().map(|script| runtime().compile(*script).unwrap().to_bytes()).collect();
    let mut neighbour = jar();
    neighbour.eval("let n = 0; const kept = 'x'.repeat(1000)").unwrap();
    let mut endings = BTreeMap::<&str, u32>::new();
    for round in 0..rounds {
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ (round + 1);
        let mut bytes = sound[round as usize % sound.len()].clone();
        // QuickJS's bytecode begins with another checksum; a value of all ones means that there is none.
        let mut code = bytes.split_off(BODY + 5);
        bytes[BODY + 1..].fill(0xff);
        damage(&mut code, &mut state);
        bytes.extend(code);
        forge_program(&mut bytes);
        // The header is valid, so the forged bytecode reaches the guest.
        let program = Program::from_bytes(&bytes).unwrap();
        let mut jar = jar_of(&router, &limits);
        let ended = if round % 2 == 0 { jar.run(&program) } else { block_on(jar.run_async(&program)) };
        *endings.entry(ending_of(round, &ended, &[Blame::Script, Blame::Limits])).or_default() += 1;
        if jar.status() == Status::Ready {
            // The forgery may have damaged this instance, but no other.
            let _ = jar.eval("1 + 2");
            let _ = block_on(jar.dispatch_async("e", &1));
        }
        jar.reset().unwrap();
        assert_usable(&mut jar);
        assert_eq!(neighbour.eval("[++n, kept.length]").unwrap().as_str(), format!("[{},1000]", round + 1));
    }
    // Some mutations pass the bytecode reader and reach the interpreter.
    assert!(endings.len() >= 3 && endings.contains_key("guest_broke_protocol"), "{endings:?}");
}

#[test]
fn a_forged_snapshot_harms_its_own_instance_at_worst() {
    let router = Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle("ask", |_: &Call, (): ()| Reply::pause());
    let mut victim = jar_with_router(&router);
    victim
        .eval("const m = new Map([[1, [2]]]); host.on('e', x => { m.set(x, `${x}`.repeat(9)); return m.size })")
        .unwrap();
    let Turn::Paused(paused) =
        block_on(victim.step_eval_async("const a = [1, await host.rpc('ask')]; a.map(String)")).unwrap()
    else {
        panic!("it should pause")
    };
    let sound = paused.snapshot().to_bytes();
    let (index, packed) = parts(&sound);
    let pages = lz4_flex::block::decompress(packed, paused.snapshot().memory_bytes()).unwrap();
    let limits =
        Limits { fuel: Some(30_000_000), memory_bytes: 16 << 20, js_heap_bytes: 16 << 20, ..Limits::default() };
    let mut neighbour = jar();
    neighbour.eval("let n = 0").unwrap();
    let (mut refused, mut endings) = (0, BTreeMap::<&str, u32>::new());
    for round in 0..rounds() {
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ (round + 1);
        let (mut index, mut pages) = (index.to_vec(), pages.clone());
        if round % 4 == 0 {
            damage(&mut index, &mut state);
        } else {
            for _ in 0..=next(&mut state) % 64 {
                let at = next(&mut state) as usize % pages.len();
                pages[at] ^= 1 << (next(&mut state) % 8);
            }
        }
        let bytes = forge_snapshot(&sound, &index, &lz4_flex::block::compress(&pages));
        let restored = Snapshot::from_bytes(&bytes).and_then(|snapshot| runtime().restore(&snapshot, &router, &limits));
        match restored {
            Err(Error::Snapshot { .. } | Error::Input { .. }) => refused += 1,
            Err(error) => panic!("round {round}: {error:?}"),
            Ok(mut jar) => {
                let answers: Vec<_> =
                    jar.pending().iter().map(|call| (call.id, Answer::Result(Value::UNDEFINED))).collect();
                if !answers.is_empty() {
                    let ended = block_on(jar.resume_async(answers));
                    // The caller may be blamed for restoring a forgery.
                    let guilty = [Blame::Script, Blame::Limits, Blame::Caller];
                    *endings.entry(ending_of(round, &ended, &guilty)).or_default() += 1;
                }
                if jar.status() == Status::Ready {
                    let _ = jar.dispatch("e", &1);
                }
            }
        }
        assert_eq!(neighbour.eval("++n").unwrap().as_str(), (round + 1).to_string());
    }
    assert!(refused > 0 && endings.len() >= 3 && endings.contains_key("guest_broke_protocol"), "{refused} {endings:?}");
}

#[test]
fn no_number_in_a_forged_snapshot_takes_the_limits_away() {
    let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    let mut victim = jar_with_router(&router);
    let script = "await host.rpc('ask'); for (;;);";
    let Turn::Paused(paused) = block_on(victim.step_eval_async(script)).unwrap() else { panic!("it should pause") };
    let sound = paused.snapshot().to_bytes();
    for field in ["age", "cpu", "wall", "fuel", "rpc_calls", "console_bytes", "next_call"] {
        for value in ["0", "9223372036854775807", "18446744073709551615", "4294967295"] {
            let Ok(snapshot) = Snapshot::from_bytes(&with_number(&sound, field, value)) else { continue };
            for fuel in [None, Some(10_000_000)] {
                let cpu_time = std::time::Duration::from_millis(if fuel.is_some() { 60_000 } else { 10 });
                let limits = Limits { fuel, cpu_time, wall_time: 10 * cpu_time, ..Limits::default() };
                let mut jar = runtime().restore(&snapshot, &router, &limits).unwrap();
                let id = jar.pending()[0].id;
                let ended = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
                assert_eq!(ended.unwrap_err().blame(), Blame::Limits, "{field} {value}");
            }
        }
    }
}

// ---- forgeries that are larger than they look

/// An index with other values in some fields.
fn with_fields(sound: &[u8], fields: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let mut index: serde_json::Value = serde_json::from_slice(parts(sound).0).unwrap();
    for (path, value) in fields {
        *index.pointer_mut(path).unwrap() = value.clone();
    }
    serde_json::to_vec(&index).unwrap()
}

/// An LZ4 block of zeros with the maximum ratio of 1 to 255: one literal, one match that repeats it, and five final
/// literals.
fn packed_zeros(unpacked: usize) -> Vec<u8> {
    let left = unpacked - 1 - 19 - 5;
    let mut packed = vec![0x1f, 0, 1, 0];
    packed.resize(4 + left / 255, 255);
    packed.extend([(left % 255) as u8, 0x50, 0, 0, 0, 0, 0]);
    packed
}

/// A small snapshot that claims that this many megabytes of its memory differ.
pub(crate) fn bomb(megabytes: usize) -> Vec<u8> {
    let sound = sound();
    let pages = megabytes << 8;
    let fields = [("/memory_bytes", (pages << 12).into()), ("/pages", (0..pages).collect::<Vec<_>>().into())];
    forge_snapshot(&sound, &with_fields(&sound, &fields), &packed_zeros(pages << 12))
}

/// A snapshot of a script that waits for this many calls, each with parameters of this length.
fn waiting_for(calls: usize, params: usize) -> Vec<u8> {
    let sound = sound();
    let params = "x".repeat(params);
    let pending: Vec<_> = (0..calls)
        .map(|n| serde_json::json!({ "id": format!("{:016x}-{n}", 7), "slot": n, "method": "m", "params": params }))
        .collect();
    let spent = serde_json::json!({ "cpu": 0, "wall": 0, "fuel": 0, "rpc_calls": 0, "console_bytes": 0 });
    let index = with_fields(&sound, &[("/about/pending", pending.into()), ("/about/spent", spent)]);
    forge_snapshot(&sound, &index, parts(&sound).1)
}

/// A valid snapshot of an instance with some changed pages.
fn sound() -> Vec<u8> {
    let mut jar = jar();
    jar.eval("let n = 1").unwrap();
    jar.snapshot().unwrap().to_bytes()
}

/// The peak memory of some work, if the system reports it.
fn memory_taken<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = resident_bytes();
    forget_peak();
    let result = work();
    (result, peak_resident_bytes().zip(before).map_or(0, |(peak, before)| peak.saturating_sub(before)))
}

#[test]
fn a_snapshot_that_claims_a_large_memory_takes_none_before_a_limit_admits_it() {
    if !is_alone("forgery::a_snapshot_that_claims_a_large_memory_takes_none_before_a_limit_admits_it") {
        return;
    }
    const MEGABYTES: usize = 128;
    let forged = bomb(MEGABYTES);
    assert!(forged.len() < 8 << 20, "{} bytes", forged.len());
    let (snapshot, taken) = memory_taken(|| Snapshot::from_bytes(&forged).unwrap());
    assert!(taken < 32 << 20, "reading {} KB took {} MB", forged.len() >> 10, taken >> 20);
    assert_eq!(snapshot.memory_bytes(), MEGABYTES << 20);
    let limits = Limits { memory_bytes: (MEGABYTES as u64) << 20, js_heap_bytes: 8 << 20, ..Limits::default() };
    let just_under = Limits { memory_bytes: limits.memory_bytes - 1, ..limits.clone() };
    let (refused, taken) = memory_taken(|| runtime().restore(&snapshot, &Router::new(), &just_under).unwrap_err());
    assert_eq!(refused.to_string(), "the memory limit is 134217727 bytes, and 134217728 are needed");
    assert!(taken < 32 << 20, "a refused restore took {} MB", taken >> 20);
    // With limits that allow it, it can be restored, and its bytes are unchanged.
    let restored = runtime().restore(&snapshot, &Router::new(), &limits).unwrap();
    assert_eq!(restored.stats().memory_bytes, limits.memory_bytes);
    assert!(parts(&snapshot.to_bytes()).1 == parts(&forged).1);
    assert_usable(&mut jar());
}

#[test]
fn a_snapshot_whose_pages_unpack_to_something_else_is_refused_when_it_is_read() {
    let sound = sound();
    let (index, packed) = parts(&sound);
    let refused = |packed: &[u8]| {
        let error = Snapshot::from_bytes(&forge_snapshot(&sound, index, packed)).unwrap_err();
        assert!(matches!(error, Error::Snapshot { .. }), "{error:?}");
    };
    let size = Snapshot::from_bytes(&sound).unwrap().memory_bytes();
    refused(&[]);
    refused(&packed[..packed.len() - 1]);
    refused(&[packed, &[0]].concat());
    for other in [size - 1, size + 1, size + 4096] {
        refused(&packed_zeros(other));
    }
    assert!(Snapshot::from_bytes(&forge_snapshot(&sound, index, &packed_zeros(size))).is_ok());
    // A match before the first byte, a match with offset 0, and lengths that exceed all memory.
    refused(&[0x1f, 0, 2, 0, 0, 0x50, 0, 0, 0, 0, 0]);
    refused(&[0x1f, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0]);
    refused(&vec![255; 20 << 20]);
    refused(&[&[0x1f, 0, 1, 0][..], &vec![255; 20 << 20]].concat());
}

#[test]
fn an_index_with_lists_that_cannot_be_is_refused() {
    let sound = sound();
    let packed = parts(&sound).1;
    let call =
        |id: u32, slot: u32| serde_json::json!({ "id": format!("{:016x}-{id}", 7), "slot": slot, "method": "m" });
    let lists = [
        ("/pages", serde_json::json!([1, 1])),
        ("/pages", serde_json::json!([2, 1])),
        ("/pages", serde_json::json!([4_294_967_295_u32])),
        ("/memory_bytes", serde_json::json!(u64::MAX)),
        ("/memory_bytes", serde_json::json!(4097)),
        ("/memory_bytes", serde_json::json!(0)),
        ("/about/configured", vec![0; 1000].into()),
        ("/about/pending", serde_json::json!([call(1, 1), call(1, 2)])),
        ("/about/pending", serde_json::json!([call(1, 1), call(2, 1)])),
    ];
    for (path, value) in lists {
        let forged = forge_snapshot(&sound, &with_fields(&sound, &[(path, value)]), packed);
        let error = Snapshot::from_bytes(&forged).unwrap_err();
        assert!(matches!(error, Error::Snapshot { .. }), "{path}: {error:?}");
    }
    let long = "x".repeat(1 << 20);
    let forged = forge_snapshot(&sound, &with_fields(&sound, &[("/about/clock", long.into())]), packed);
    let told = Snapshot::from_bytes(&forged).unwrap_err().to_string();
    assert!(told.len() < 500, "{} bytes", told.len());
}

#[test]
fn a_snapshot_that_waits_for_more_than_the_limits_allow_is_refused_by_name() {
    let restore = |forged: &[u8], limits: &Limits| {
        runtime().restore(&Snapshot::from_bytes(forged).unwrap(), &Router::new(), limits)
    };
    let limits = Limits { pending_rpcs: 100, ..Limits::default() };
    assert_eq!(restore(&waiting_for(100, 0), &limits).unwrap().pending().len(), 100);
    let refused = restore(&waiting_for(101, 0), &limits).unwrap_err();
    assert_eq!(refused.code(), "limit_too_low");
    assert_eq!(refused.to_string(), "the limit on calls in flight is 100 calls, and 101 are needed");
    // A name of one byte, the parameters with their quotes, and the fixed weight of a call.
    let limits = Limits { memory_bytes: 8 << 20, js_heap_bytes: 8 << 20, ..Limits::default() };
    let each = (1 << 20) - 3 - 256;
    assert_eq!(restore(&waiting_for(8, each), &limits).unwrap().pending().len(), 8);
    let refused = restore(&waiting_for(9, each), &limits).unwrap_err();
    assert_eq!(refused.code(), "limit_too_low");
    assert_eq!(refused.to_string(), "the memory limit is 8388608 bytes, and 9437184 are needed");
    assert_usable(&mut jar());
}

#[test]
fn a_hundred_thousand_pending_calls_are_answered_in_time_that_grows_with_their_number() {
    const CALLS: usize = 100_000;
    let limits = Limits { pending_rpcs: CALLS as u32, ..Limits::default() };
    let snapshot = Snapshot::from_bytes(&waiting_for(CALLS, 0)).unwrap();
    let mut jar = runtime().restore(&snapshot, &Router::new(), &limits).unwrap();
    let answers: Vec<_> = jar.pending().iter().rev().map(|call| (call.id, Answer::Result(Value::UNDEFINED))).collect();
    let from = std::time::Instant::now();
    // The guest does not know these calls, and refuses the answers.
    let _ = block_on(jar.resume_async(answers));
    assert!(from.elapsed() < std::time::Duration::from_secs(10), "{:?}", from.elapsed());
}
