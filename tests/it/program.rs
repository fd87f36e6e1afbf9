//! Programs: what they keep, where they run, and which bytes are refused.

use belljar::{Blame, Call, Error, Limits, Program, Router, Script, Value};

use crate::forgery::forge_program;
use crate::support::{assert_usable, block_on, itself, jar, jar_with_router, runtime, thrown};

/// Offsets of the header's fields; users who store programs rely on this layout.
const FORMAT: usize = 8;
const FLAGS: usize = 12;
const IDENTITY: usize = 16;
const LENGTH: usize = 48;
const CHECKSUM: usize = 56;
const BODY: usize = 88;

#[test]
fn a_program_runs_as_its_script_would() {
    for script in [
        "1 + 2",
        "({ a: [1, 'größe \u{1f514}', null] })",
        "undefined",
        "[1, 2].map(n => n * 2)",
        "class A { #x = 5; get x() { return this.#x } } new A().x",
    ] {
        let program = runtime().compile(script).unwrap();
        let expected = jar().eval(script).unwrap();
        assert_eq!(jar().run(&program).unwrap(), expected, "{script}");
        assert_eq!(block_on(jar().run_async(&program)).unwrap(), expected, "{script}");
    }
}

#[test]
fn a_program_survives_the_way_through_bytes() {
    let program = runtime().compile("6 * 7").unwrap();
    let again = Program::from_bytes(&program.to_bytes()).unwrap();
    assert_eq!(again, program);
    assert_eq!(again.to_bytes(), program.to_bytes());
    assert_eq!(jar().run(&again).unwrap().as_str(), "42");
}

#[test]
fn the_same_script_compiles_to_the_same_bytes() {
    let bytes = || runtime().compile(Script::new("let a = 1; a + 1").named("same.js")).unwrap().to_bytes();
    assert_eq!(bytes(), bytes());
}

#[test]
fn compiling_runs_nothing() {
    let program = runtime().compile("globalThis.ran = (globalThis.ran ?? 0) + 1").unwrap();
    let mut jar = jar();
    assert_eq!(jar.eval("typeof ran").unwrap().as_str(), r#""undefined""#);
    assert_eq!(jar.run(&program).unwrap().as_str(), "1");
    assert_eq!(jar.run(&program).unwrap().as_str(), "2");
    runtime().compile("for (;;);").unwrap();
}

#[test]
fn one_program_runs_in_many_instances_and_threads() {
    let program = runtime().compile("globalThis.n = (globalThis.n ?? 0) + 1").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut jar = jar();
                for expected in ["1", "2", "3"] {
                    assert_eq!(jar.run(&program).unwrap().as_str(), expected);
                }
            });
        }
    });
}

/// The variable with the files through which a program is passed to another process and its result returned.
const PROGRAM: &str = "BELLJAR_PROGRAM";

#[test]
fn a_program_runs_in_another_process() {
    if let Some(path) = std::env::var_os(PROGRAM) {
        let program = Program::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
        return std::fs::write(path, jar().run(&program).unwrap().as_str()).unwrap();
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("program-{}", std::process::id()));
    std::fs::write(
        &path,
        runtime().compile("class A { #x = 6; get x() { return this.#x } } new A().x * 7").unwrap().to_bytes(),
    )
    .unwrap();
    let child =
        itself().args(["--exact", "program::a_program_runs_in_another_process"]).env(PROGRAM, &path).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "42");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn compiling_is_bound_by_limits_and_leaves_nothing() {
    let deep = "[".repeat(200_000);
    let nested = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    for hostile in [&deep, &nested, &"x=>".repeat(100_000), &"`${".repeat(100_000), &"a?".repeat(100_000)] {
        let refused = runtime().compile(hostile).unwrap_err();
        assert!(matches!(refused.blame(), Blame::Script | Blame::Limits), "{refused}");
    }
    let large = format!("'{}'", "x".repeat(10 << 20));
    assert_eq!(runtime().compile(large).unwrap_err().code(), "source_too_large");
    // A constant expression is computed when the program runs, under the limits of that instance.
    runtime().compile("2n ** 100000000n").unwrap();
    assert_eq!(runtime().compile("1").and_then(|program| jar().run(&program)).unwrap().as_str(), "1");
}

#[test]
fn a_program_can_call_and_await() {
    let router = Router::new().handle("echo", |_: &Call, value: Value| Ok(value)).handle_async(
        "later",
        |_: Call, value: Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        },
    );
    let mut jar = jar_with_router(&router);
    let program = runtime()
        .compile("const a = await host.rpc('later', 1); const b = host.rpcSync('echo', 2); [a, b, await 3]")
        .unwrap();
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), "[1,2,3]");
    let program = runtime().compile("host.rpcSync('echo', [1])").unwrap();
    assert_eq!(jar.run(&program).unwrap().as_str(), "[1]");
    // The error names the call that a synchronous run cannot wait for.
    let program = runtime().compile("await host.rpc('later', 1)").unwrap();
    assert_eq!(jar.run(&program), Err(Error::NeverSettled { pending: vec!["later".into()] }));
    assert_usable(&mut jar);
}

#[test]
fn a_program_shares_its_globals_with_other_scripts() {
    let mut jar = jar();
    jar.run(
        &runtime().compile("var shared = 1; const fixed = 2; function add(n) { return shared + fixed + n }").unwrap(),
    )
    .unwrap();
    assert_eq!(jar.eval("add(3)").unwrap().as_str(), "6");
    jar.run(&runtime().compile("host.on('add', n => add(n))").unwrap()).unwrap();
    assert_eq!(jar.dispatch("add", &4).unwrap().as_str(), "7");
}

#[test]
fn an_error_in_a_program_names_the_script_and_the_line() {
    let program = runtime().compile(Script::new("\n\nnull.x").named("rules.js")).unwrap();
    let program = Program::from_bytes(&program.to_bytes()).unwrap();
    for error in [thrown(jar().run(&program)), thrown(block_on(jar().run_async(&program)))] {
        assert_eq!(error.name, "TypeError");
        assert!(error.stack.unwrap().contains("rules.js:3:"));
    }
}

#[test]
fn a_script_that_does_not_parse_does_not_compile() {
    let Err(Error::Js(error)) = runtime().compile(Script::new("let a;\nlet b = ;").named("rules.js")) else {
        panic!("it should not compile")
    };
    assert_eq!(error.name, "SyntaxError");
    assert!(error.stack.unwrap().contains("rules.js:2:9"));
    // A syntax error in one script does not affect the next.
    runtime().compile("1").unwrap();
}

#[test]
fn a_program_is_bound_by_the_limits_of_the_instance() {
    let limits = Limits { cpu_time: std::time::Duration::from_millis(30), ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    assert_eq!(jar.run(&runtime().compile("for (;;);").unwrap()).unwrap_err().code(), "cpu_limit_exceeded");
    assert_usable(&mut jar);
}

#[test]
fn a_program_of_another_build_is_refused_before_it_runs() {
    let mut bytes = runtime().compile("globalThis.ran = 1").unwrap().to_bytes();
    bytes[IDENTITY] ^= 1;
    // Bytes of another build are valid, but not for this one.
    forge_program(&mut bytes);
    let foreign = Program::from_bytes(&bytes).unwrap();
    let mut jar = jar();
    assert_eq!(jar.run(&foreign).unwrap_err().code(), "invalid_program");
    assert_eq!(block_on(jar.run_async(&foreign)).unwrap_err().code(), "invalid_program");
    assert_eq!(jar.eval("typeof ran").unwrap().as_str(), r#""undefined""#);
}

#[test]
fn bytes_with_any_field_changed_are_refused() {
    let bytes = runtime().compile("1 + 2").unwrap().to_bytes();
    for at in [
        0,
        7,
        FORMAT,
        FLAGS,
        FLAGS + 3,
        IDENTITY,
        IDENTITY + 31,
        LENGTH,
        LENGTH + 7,
        CHECKSUM,
        CHECKSUM + 31,
        BODY,
        bytes.len() - 1,
    ] {
        let mut changed = bytes.clone();
        changed[at] ^= 0x80;
        assert_eq!(Program::from_bytes(&changed).unwrap_err().code(), "invalid_program", "byte {at}");
    }
}

#[test]
fn every_other_length_is_refused() {
    let bytes = runtime().compile("1 + 2").unwrap().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(Program::from_bytes(&bytes[..length]).unwrap_err().code(), "invalid_program", "{length} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Program::from_bytes(&longer).unwrap_err().code(), "invalid_program");
}

#[test]
fn each_refusal_says_something_else() {
    let bytes = runtime().compile("1 + 2").unwrap().to_bytes();
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = bytes.clone();
        change(&mut changed);
        let Err(Error::Program { message }) = Program::from_bytes(&changed) else { panic!("it should be refused") };
        message
    };
    let mut refusals = vec![
        refusal(&|bytes| bytes.truncate(10)),
        refusal(&|bytes| bytes[0] ^= 1),
        refusal(&|bytes| bytes[FORMAT] ^= 1),
        refusal(&|bytes| bytes[FLAGS] ^= 1),
        refusal(&|bytes| bytes.push(0)),
        refusal(&|bytes| bytes[CHECKSUM] ^= 1),
    ];
    refusals.sort();
    refusals.dedup();
    assert_eq!(refusals.len(), 6);
}
