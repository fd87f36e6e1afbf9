//! Sessions: scripts that redeclare names of earlier ones, as at a prompt.

use belljar::{Instance, Limits, Router};

use crate::support::{assert_usable, block_on, runtime, thrown};

fn session() -> Instance {
    runtime().build_instance().session().start(&Router::new(), &Limits::default()).unwrap()
}

#[track_caller]
fn assert_gives(jar: &mut Instance, steps: &[(&str, &str)]) {
    for (script, expected) in steps {
        let result = jar.eval(*script);
        let shown = match &result {
            Ok(json) => json.as_str().to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(&shown, expected, "{script}");
    }
    assert_usable(jar);
}

#[test]
fn let_const_and_class_may_be_declared_again() {
    assert_gives(
        &mut session(),
        &[
            ("let a = 1; const b = 2; class C { m() { return 1 } } [a, b, new C().m()]", "[1,2,1]"),
            ("let a = 3; const b = 4; class C { m() { return 2 } } [a, b, new C().m()]", "[3,4,2]"),
            ("const a = 5; let b = 6; let C = 7; [a, b, C]", "[5,6,7]"),
            ("b = 8; [a, b]", "[5,8]"),
            ("a = 9", "TypeError: 'a' is read-only"),
            ("let a = 10; a = 11; a", "11"),
        ],
    );
}

#[test]
fn var_and_function_take_the_place_of_let_and_the_other_way_round() {
    assert_gives(
        &mut session(),
        &[
            ("let x = 1; x", "1"),
            ("var x = 2; x", "2"),
            ("const x = 3; x", "3"),
            ("function x() { return 4 } x()", "4"),
            ("class x { static y = 5 } x.y", "5"),
            ("var x = 6; x", "6"),
        ],
    );
}

#[test]
fn functions_made_before_see_the_new_binding() {
    assert_gives(
        &mut session(),
        &[
            ("const rate = 1; const twice = () => rate * 2; function thrice() { return rate * 3 }", "undefined"),
            ("const rate = 10; [twice(), thrice()]", "[20,30]"),
            ("{ let rate = 100; var inner = () => rate } let rate = 5; [twice(), thrice(), inner()]", "[10,15,100]"),
        ],
    );
}

#[test]
fn a_declaration_that_failed_can_be_mended() {
    assert_gives(
        &mut session(),
        &[
            ("const x = missing()", "ReferenceError: missing is not defined"),
            ("x", "ReferenceError: x is not initialized"),
            ("const x = 1; x", "1"),
            ("class K extends missing {}", "ReferenceError: missing is not defined"),
            ("class K {} typeof K", "\"function\""),
            ("let y = y + 1", "ReferenceError: y is not initialized"),
            ("let y = 1; y", "1"),
        ],
    );
}

#[test]
fn within_one_script_a_name_is_declared_once() {
    let mut jar = session();
    jar.eval("let x = 1").unwrap();
    for script in ["let x = 2; let x = 3", "let x = 2; var x = 3", "const x = 2; class x {}"] {
        assert_eq!(thrown(jar.eval(script)).name, "SyntaxError", "{script}");
    }
    assert_eq!(jar.eval("x").unwrap().as_str(), "1");
    assert_usable(&mut jar);
}

#[test]
fn what_is_locked_cannot_be_declared() {
    let mut jar = session();
    for script in ["let host = 1", "const undefined = 1", "class NaN {}", "let Infinity = 2"] {
        assert_eq!(thrown(jar.eval(script)).name, "SyntaxError", "{script}");
    }
    assert_eq!(jar.eval("typeof host.rpc + typeof undefined").unwrap().as_str(), "\"functionundefined\"");
}

#[test]
fn async_scripts_and_programs_declare_again_too() {
    let mut jar = session();
    let program = runtime().compile("const n = (globalThis.count ?? 0) + 1; globalThis.count = n; n").unwrap();
    for round in 1..4 {
        assert_eq!(jar.run(&program).unwrap().get::<u32>().unwrap(), round);
        let script = format!("const n = await {round}0; n");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().get::<u32>().unwrap(), round * 10);
        assert_eq!(jar.eval("n").unwrap().get::<u32>().unwrap(), round * 10);
    }
}

#[test]
fn a_session_goes_on_after_a_snapshot_and_a_reset() {
    let mut jar = session();
    jar.eval("const x = 1").unwrap();
    let snapshot = jar.snapshot().unwrap();
    let (router, limits) = (Router::new(), Limits::default());
    let bytes = snapshot.to_bytes();
    let mut restored = runtime().restore(&belljar::Snapshot::from_bytes(&bytes).unwrap(), &router, &limits).unwrap();
    let mut prelude = runtime().build_instance().begin_from(&snapshot).start(&router, &limits).unwrap();
    for jar in [&mut jar, &mut restored, &mut prelude] {
        assert_eq!(jar.eval("const x = 2; x").unwrap().as_str(), "2");
        jar.reset().unwrap();
        jar.eval("const x = 3").unwrap();
        assert_eq!(jar.eval("const x = 4; x").unwrap().as_str(), "4");
    }
}

#[test]
fn an_instance_becomes_a_session_when_its_snapshot_is_restored_as_one() {
    let mut plain = runtime().instance(&Router::new(), &Limits::default()).unwrap();
    plain.eval("let x = 1").unwrap();
    assert_eq!(thrown(plain.eval("let x = 2")).name, "SyntaxError");
    let snapshot = plain.snapshot().unwrap();
    let builder = runtime().build_instance().restore(&snapshot).session();
    let mut jar = builder.start(&Router::new(), &Limits::default()).unwrap();
    assert_eq!(jar.eval("let x = 2; x").unwrap().as_str(), "2");
}

#[test]
fn a_session_without_code_generation_has_none() {
    let builder = runtime().build_instance().session().without_code_generation();
    let mut jar = builder.start(&Router::new(), &Limits::default()).unwrap();
    jar.eval("let x = 1").unwrap();
    assert_eq!(thrown(jar.eval("let x = eval('2')")).name, "EvalError");
    assert_eq!(jar.eval("let x = 3; x").unwrap().as_str(), "3");
}

#[test]
fn thousands_of_declarations_leave_nothing_behind() {
    let mut jar = session();
    let mut eval = |round: u32| {
        jar.eval(format!("const big = '{}'.repeat(1000); let n = {round}; class C {{}} n", round % 10).as_str())
            .unwrap();
        jar.stats().heap_bytes
    };
    // Classes are cycles, which wait for the collector.
    let early = (0..1000).map(&mut eval).max().unwrap();
    let late = (0..3000).map(&mut eval).max().unwrap();
    assert!(late < early + 32 * 1024, "{early} and then {late}");
}
