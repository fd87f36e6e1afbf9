//! ES modules: what scripts can import, from where, and what goes wrong.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belljar::{
    Call, Error, Import, Instance, Limits, Module, ModuleKind, Modules, Program, Recording, Router, RpcError, Runtime,
    Script, Snapshot, Turn,
};

use crate::forgery::forge_program;
use crate::support::{block_on, poll_until_waiting, runtime};

fn jar(modules: &Modules) -> Instance {
    jar_within(modules, &Limits::default())
}

fn jar_within(modules: &Modules, limits: &Limits) -> Instance {
    runtime().build_instance().modules(modules).start(&Router::new(), limits).unwrap()
}

fn module(source: &str) -> Script<'_> {
    Script::module(source).named("main.js")
}

/// The message of the error that a module ends with.
#[track_caller]
fn refusal(jar: &mut Instance, source: &str) -> String {
    let message = message(jar.eval(module(source)).unwrap_err());
    assert_eq!(jar.eval("6 * 7").unwrap().as_str(), "42", "the instance is usable");
    message
}

#[track_caller]
fn message(error: Error) -> String {
    match error {
        Error::Js(error) => match error.code() {
            Some(code) => format!("{}: {} [{code}]", error.name, error.message),
            None => format!("{}: {}", error.name, error.message),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_value_of_a_module_is_its_default_export() {
    let mut jar = jar(&Modules::new());
    assert_eq!(jar.eval(module("export default { n: 6 * 7 }")).unwrap().as_str(), r#"{"n":42}"#);
    assert!(jar.eval(module("export const n = 1")).unwrap().is_undefined());
    assert_eq!(
        jar.eval(module("export default function f() {}\nexport let n = 1")).unwrap_err().code(),
        "not_serializable"
    );
    assert_eq!(block_on(jar.eval_async(module("const n = await 5; export default n + 1"))).unwrap().as_str(), "6");
    assert_eq!(block_on(jar.eval_async(module("export default Promise.resolve([1])"))).unwrap().as_str(), "[1]");
    assert_eq!(jar.inspect(module("export default new Map([[1, 2]])")).unwrap().as_str(), "Map { 1 => 2 }");
}

#[test]
fn a_module_that_runs_again_runs_anew() {
    let mut jar = jar(&Modules::new());
    jar.eval("var runs = 0").unwrap();
    for run in 1..=3 {
        assert_eq!(jar.eval(module("export default ++globalThis.runs")).unwrap().as_str(), run.to_string());
    }
}

#[test]
fn imports_are_found_by_their_paths() {
    let modules = Modules::new()
        .source(
            "lib/tax.js",
            "import { rates } from './data/rates.js'; export const tax = (n, c) => n * rates[c]; export default 'tax'",
        )
        .source("./lib/data/rates.js", "export { rates } from '../../other.js'")
        .source("other.js", "export const rates = { DE: 0.19 }; export * as self from './other.js'")
        .source("https://cdn.example/x/a.js", "export { b } from './b.js'")
        .source("https://cdn.example/x/b.js", "export const b = import.meta.url");
    let script = "import word, { tax } from './lib/tax.js'; import * as other from './x/../other.js';
                  import { b } from 'https://cdn.example/x/a.js';
                  export default [word, tax(100, 'DE'), other.self === other, Object.keys(other), b]";
    let value = jar(&modules).eval(module(script)).unwrap();
    assert_eq!(value.as_str(), r#"["tax",19,true,["rates","self"],"https://cdn.example/x/b.js"]"#);
}

#[test]
fn json_and_text_are_imported_by_attribute() {
    let modules = Modules::new()
        .json("data.json", r#"{ "a": [1, { "__proto__": null }], "b": "x" }"#)
        .text("page.html", "<p>\u{1f980}</p>\n")
        .json("word.json", r#""a text in JSON""#)
        .source("code.js", "export default 1");
    let mut jar = jar(&modules);
    let script = "import data from './data.json' with { type: 'json' }; import page from './page.html' with { type: 'text' };
                  import word from './word.json' with { type: 'json' }; import raw from './word.json' with { type: 'text' };
                  import code from './code.js' with { type: 'text' }; import one from './code.js';
                  export default [data.b, Object.keys(data.a[1]), page, word, raw, code, one]";
    let value = jar.eval(module(script)).unwrap();
    assert_eq!(
        value.as_str(),
        r#"["x",["__proto__"],"<p>🦀</p>\n","a text in JSON","\"a text in JSON\"","export default 1",1]"#
    );
    assert_eq!(
        refusal(&mut jar, "import data from './data.json'"),
        r#"Error: cannot import "./data.json" from "main.js": it is JSON; import it with { type: "json" } [wrong_module_type]"#
    );
    assert_eq!(
        refusal(&mut jar, "import code from './code.js' with { type: 'json' }"),
        r#"Error: cannot import "./code.js" from "main.js": it is JavaScript; import it without the attribute `type` [wrong_module_type]"#
    );
    for attributes in ["{ type: 'css' }", "{ kind: 'json' }", "{ type: 'json', lang: 'en' }"] {
        let message = refusal(&mut jar, &format!("import code from './code.js' with {attributes}"));
        assert_eq!(message, "TypeError: the attribute of an import must be type: \"json\" or type: \"text\"");
    }
    let broken = Modules::new().json("data.json", "{ \"a\": }");
    let message = message(self::jar(&broken).eval(module("import './data.json' with { type: 'json' }")).unwrap_err());
    assert!(message.starts_with("SyntaxError: "), "{message}");
}

#[test]
fn scripts_and_bodies_import_too() {
    let modules =
        Modules::new().source("n.js", "export const n = 42").source("lib/deep.js", "export default import('../n.js')");
    let mut jar = jar(&modules);
    assert_eq!(block_on(jar.eval_async("(await import('./n.js')).n")).unwrap().as_str(), "42");
    let body = Script::body("const { n } = await import('./n.js'); return n + 1");
    assert_eq!(block_on(jar.eval_async(body)).unwrap().as_str(), "43");
    assert_eq!(
        block_on(jar.eval_async("import('./lib/deep.js').then(deep => deep.default).then(({ n }) => n)"))
            .unwrap()
            .as_str(),
        "42"
    );
    // Loading does not wait, so this works where nothing can wait.
    assert_eq!(jar.eval("import('./n.js').then(({ n }) => n)").unwrap().as_str(), "42");
    let caught = "let code; try { await import('./none.js') } catch (e) { code = e.code } code";
    assert_eq!(block_on(jar.eval_async(caught)).unwrap().as_str(), r#""module_not_found""#);
}

#[test]
fn a_body_returns_and_keeps_its_declarations_to_itself() {
    let mut jar = jar(&Modules::new());
    assert_eq!(jar.eval(Script::body("const a = 1; if (a) return [a]; return 2")).unwrap().as_str(), "[1]");
    assert_eq!(jar.eval(Script::body("const a = 2; return a // the end")).unwrap().as_str(), "2");
    assert!(jar.eval(Script::body("var a = 3")).unwrap().is_undefined());
    assert_eq!(jar.eval("typeof a").unwrap().as_str(), r#""undefined""#);
    assert_eq!(block_on(jar.eval_async(Script::body("return await 5"))).unwrap().as_str(), "5");
    let error = jar.eval(Script::body("const a = 1;\n  a.b.c").named("rule.js")).unwrap_err();
    let Error::Js(error) = error else { panic!("{error}") };
    let frame = error.frame().unwrap();
    assert_eq!((frame.line, frame.column, frame.text.as_str()), (2, 3, "  a.b.c"));
    let error = jar.eval(Script::body("return 1 +")).unwrap_err();
    assert!(matches!(&error, Error::Js(error) if error.name == "SyntaxError"), "{error:?}");
    let program = runtime().compile(Script::body("return await 6 * 7")).unwrap();
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), "42");
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), "42");
}

#[test]
fn one_name_is_one_module_and_cycles_work() {
    let modules = Modules::new()
        .source("count.js", "globalThis.runs = (globalThis.runs ?? 0) + 1; export const list = []")
        .source("a.js", "import { list } from './count.js'; import { b } from './b.js'; export const a = () => 'a' + b(); list.push('a')")
        .source("b.js", "import { list } from './x/../count.js'; import { a } from './a.js'; export const b = () => 'b' + typeof a; list.push('b')");
    let mut jar = jar(&modules);
    let script = "import { a } from './a.js'; import { list } from './count.js'; export default [a(), list.join(), globalThis.runs]";
    assert_eq!(jar.eval(module(script)).unwrap().as_str(), r#"["abfunction","b,a",1]"#);
    assert_eq!(jar.eval(module(script)).unwrap().as_str(), r#"["abfunction","b,a",1]"#);
}

#[test]
fn import_meta_has_the_url() {
    let modules = Modules::new()
        .source("lib/a b.js", "export default import.meta.url")
        .source("c.js", "export default Object.keys(import.meta)");
    let script =
        "import lib from './lib/a b.js'; import keys from './c.js'; export default [lib, keys, import.meta.url]";
    assert_eq!(
        jar(&modules).eval(module(script)).unwrap().as_str(),
        r#"["file:///lib/a%20b.js",["url"],"file:///main.js"]"#
    );
}

#[test]
fn top_level_await_waits_in_async_calls_only() {
    let modules = Modules::new()
        .source("late.js", "export const n = await Promise.resolve(5)")
        .source("never.js", "await new Promise(() => {})");
    let mut jar = jar(&modules);
    let script = "import { n } from './late.js'; export default n * 2";
    assert_eq!(block_on(jar.eval_async(module(script))).unwrap().as_str(), "10");
    assert_eq!(jar.eval(module(script)).unwrap().as_str(), "10", "promises that need nobody settle in every call");
    for mode in ["sync", "async"] {
        let script = module("import './never.js'");
        let ended = if mode == "sync" { jar.eval(script) } else { block_on(jar.eval_async(script)) };
        assert_eq!(ended.unwrap_err().code(), "never_settled", "{mode}");
    }
    assert_eq!(jar.eval("1").unwrap().as_str(), "1");
}

#[test]
fn a_handler_answers_the_top_level_await_of_an_import() {
    let router = Router::new().handle_async("rate", |_: Call, country: String| async move {
        tokio::task::yield_now().await;
        format!("{country} 19")
    });
    let modules = Modules::new().source("rates.js", "export const rate = await host.rpc('rate', 'DE')");
    let mut jar = runtime().build_instance().modules(&modules).start(&router, &Limits::default()).unwrap();
    let value = block_on(jar.eval_async(module("import { rate } from './rates.js'; export default rate")));
    assert_eq!(value.unwrap().as_str(), r#""DE 19""#);
}

#[test]
fn what_cannot_be_imported_says_which_import_of_which_module() {
    let modules = Modules::new()
        .source("lib/a.js", "import './none.js'")
        .source("b.js", "import { nope } from './lib/c.js'")
        .source("lib/c.js", "export const yes = 1")
        .source("d.js", "let = 1 +")
        .source("thrower.js", "\n  throw new TypeError('of d')");
    let mut jar = jar(&modules);
    assert_eq!(
        refusal(&mut jar, "import './lib/a.js'"),
        r#"Error: cannot import "./none.js" from "lib/a.js": there is no module "lib/none.js" [module_not_found]"#
    );
    assert_eq!(
        refusal(&mut jar, "import x from 'lodash'"),
        r#"Error: cannot import "lodash" from "main.js": there is no module "lodash" [module_not_found]"#
    );
    let message = refusal(&mut jar, "import './b.js'");
    assert!(
        message.starts_with("SyntaxError: ") && message.contains("nope") && message.contains("lib/c.js"),
        "{message}"
    );
    let Error::Js(error) = jar.eval(module("import './d.js'")).unwrap_err() else { panic!() };
    assert!(error.name == "SyntaxError" && error.stack.as_deref().unwrap_or_default().contains("d.js:1"), "{error:?}");
    let Error::Js(error) = jar.eval(module("import './thrower.js'")).unwrap_err() else { panic!() };
    assert!(
        error.message == "of d" && error.stack.as_deref().unwrap_or_default().contains("thrower.js:2:"),
        "{error:?}"
    );
    assert_eq!(
        refusal(&mut self::jar(&Modules::new()), "import './a.js'"),
        r#"Error: cannot import "./a.js" from "main.js": the host provides no modules [no_modules]"#
    );
}

#[test]
fn a_graph_that_failed_can_be_loaded_once_it_is_whole() {
    let is_there = Arc::new(AtomicU32::new(0));
    let flag = is_there.clone();
    let modules = Modules::new()
        .source("a.js", "import './b.js'; import { n } from './late.js'; export { n }; globalThis.ran = 'a'")
        .source("b.js", "import './a.js'; globalThis.ran = 'b'")
        .loader_sync(move |_: &Import| (flag.load(Ordering::SeqCst) > 0).then(|| "export const n = 5".to_owned()));
    let mut jar = jar(&modules);
    for _ in 0..3 {
        assert!(refusal(&mut jar, "import './a.js'").contains("late.js"));
        assert!(refusal(&mut jar, "import './b.js'").contains("late.js"));
    }
    assert_eq!(jar.eval("typeof ran").unwrap().as_str(), r#""undefined""#);
    is_there.store(1, Ordering::SeqCst);
    assert_eq!(
        jar.eval(module("import { n } from './a.js'; export default [n, globalThis.ran]")).unwrap().as_str(),
        r#"[5,"a"]"#
    );
}

#[test]
fn hostile_specifiers_are_refused_by_name() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let names = asked.clone();
    let modules = Modules::new().source("ok.js", "").loader_sync(move |import: &Import| {
        names.lock().unwrap().push(import.name().to_owned());
        None::<Module>
    });
    let mut jar = jar(&modules);
    for (specifier, why) in [
        ("../../etc/passwd", "it leaves the folder in which the modules are"),
        ("./a/../../b.js", "it leaves the folder in which the modules are"),
        ("..", "it leaves the folder in which the modules are"),
        ("/etc/passwd", "an absolute path cannot be imported; begin it with `./`"),
        ("./a\\u0001b", "it holds a control character"),
        ("", "it is empty"),
        ("..\\\\..\\\\x", "a path has slashes, and no backslashes"),
    ] {
        let message = refusal(&mut jar, &format!("await import('{specifier}')"));
        assert!(message.contains(why) && message.ends_with("[invalid_specifier]"), "{specifier}: {message}");
    }
    for script in ["await import('./a\\0b')", "import './a\\0b'"] {
        assert_eq!(refusal(&mut jar, script), "TypeError: the specifier of an import holds NUL");
    }
    assert_eq!(refusal(&mut jar, "await import('./\\ud800')"), "TypeError: the specifier of an import is not text");
    let message = refusal(&mut jar, "await import('x'.repeat(9 << 20))");
    assert!(message.contains("its 9437184 bytes are over the limit of 4096") && message.len() < 400, "{message}");
    // These name what a loader must know how to refuse: nothing is decoded on the way.
    for specifier in ["file:///etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "node:fs"] {
        assert!(refusal(&mut jar, &format!("await import('{specifier}')")).contains("module_not_found"));
    }
    let asked: Vec<_> = asked.lock().unwrap().drain(..).collect();
    assert_eq!(asked, ["file:///etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "node:fs"]);
}

#[test]
fn a_script_cannot_ask_the_loader_for_names_that_no_import_has() {
    let modules = Modules::new()
        .source("a.js", "export default 1")
        .loader_sync(|import: &Import| -> Option<Module> { panic!("{}", import.name()) });
    let mut jar = jar(&modules);
    let ask = |params: &str| format!("try {{ host.rpcSync('belljar:load', {params}) }} catch (e) {{ e.code }}");
    for name in ["../x", "a/../b", "./a.js", "", "a\\nb"] {
        assert_eq!(
            jar.eval(&*ask(&format!("['{name}', 'x', 'y', '']"))).unwrap().as_str(),
            r#""invalid_specifier""#,
            "{name}"
        );
    }
    assert_eq!(jar.eval(&*ask("['x', 'x', 'y', 'wasm']")).unwrap().as_str(), r#""wrong_module_type""#);
    assert_eq!(jar.eval(&*ask("['x']")).unwrap().as_str(), r#""invalid_params""#);
    assert_eq!(jar.eval(&*ask("['a.js', '', '', '']")).unwrap().as_str(), r#""export default 1""#);
}

#[test]
fn a_loader_may_wait_and_sees_who_imports_what() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let imports = seen.clone();
    let modules = Modules::new().source("given.js", "export default 'given'").loader(move |import: Import| {
        let who = format!("{} {} {} {:?}", import.importer(), import.specifier(), import.name(), import.kind());
        imports.lock().unwrap().push(who);
        async move {
            tokio::task::yield_now().await;
            match import.kind() {
                ModuleKind::Json => Ok(Some(Module::json("[1]"))),
                _ if import.name() == "lib/x.js" => {
                    Ok(Some(Module::source("export { default } from '../given.js'; export * from './y.js'")))
                }
                _ if import.name() == "lib/y.js" => {
                    Ok(Some(Module::source("import l from './z.json' with { type: 'json' }; export const y = l")))
                }
                _ => Err(RpcError::new("offline", "the registry does not answer")),
            }
        }
    });
    let mut jar = jar(&modules);
    let script = "import given, { y } from './lib/x.js'; import './lib/y.js'; export default [given, y]";
    assert_eq!(block_on(jar.eval_async(module(script))).unwrap().as_str(), r#"["given",[1]]"#);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "main.js ./lib/x.js lib/x.js Source",
            "main.js ./lib/y.js lib/y.js Source",
            "lib/y.js ./z.json lib/z.json Json"
        ]
    );
    let error = block_on(jar.eval_async(module("import 'left-pad'"))).unwrap_err();
    assert_eq!(
        message(error),
        r#"Error: cannot import "left-pad" from "main.js": the registry does not answer [offline]"#
    );
    assert_eq!(
        refusal(&mut jar, "import 'other'"),
        r#"Error: cannot import "other" from "main.js": the loader of modules is async, and this script cannot wait for it [needs_async]"#
    );
}

#[test]
fn a_loader_that_panics_or_never_answers_ends_the_import_and_not_the_host() {
    let modules = Modules::new().loader(|import: Import| async move {
        match import.name() {
            "panics" => panic!("of the loader"),
            _ => pending::<Option<Module>>().await,
        }
    });
    let limits = Limits { wall_time: Duration::from_millis(300), ..Limits::default() };
    let mut jar = jar_within(&modules, &limits);
    let error = block_on(jar.eval_async(module("import 'panics'"))).unwrap_err();
    assert_eq!(
        message(error),
        r#"Error: cannot import "panics" from "main.js": the handler panicked [handler_panicked]"#
    );
    assert_eq!(block_on(jar.eval_async(module("import 'hangs'"))).unwrap_err().code(), "wall_limit_exceeded");
    assert_eq!(jar.eval("1").unwrap().as_str(), "1");
}

#[test]
fn a_cancelled_call_drops_its_loader() {
    struct Dropped(Arc<AtomicU32>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let count = dropped.clone();
    let modules = Modules::new().loader(move |_: Import| {
        let guard = Dropped(count.clone());
        async move {
            let _guard = guard;
            pending::<Option<Module>>().await
        }
    });
    let mut jar = jar(&modules);
    let cancel = jar.cancel_handle();
    let mut call = Box::pin(jar.eval_async(module("import 'hangs'")));
    assert!(poll_until_waiting(&mut call).is_pending());
    cancel.cancel();
    assert_eq!(block_on(call).unwrap_err().code(), "cancelled");
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(jar.eval("1").unwrap().as_str(), "1");
}

/// A loader whose modules import the next one, up to a number.
fn chain(length: u32, is_cycle: bool) -> Modules {
    Modules::new().loader_sync(move |import: &Import| {
        let number: u32 = import.name().strip_suffix(".js")?.parse().ok()?;
        let next = match number + 1 {
            next if next < length => Some(next),
            _ if is_cycle => Some(0),
            _ => None,
        };
        Some(next.map_or("export const n = 1".into(), |next| format!("export * from './{next}.js'")))
    })
}

#[test]
fn deep_graphs_load_and_too_deep_ones_are_an_error() {
    let limits = Limits { rpc_calls: 100_000, ..Limits::default() };
    let mut jar = jar_within(&chain(1000, false), &limits);
    assert_eq!(jar.eval(module("import { n } from './0.js'; export default n")).unwrap().as_str(), "1");
    for is_cycle in [false, true] {
        let mut jar = jar_within(&chain(10_000, is_cycle), &limits);
        let error = jar.eval(module("import './0.js'")).unwrap_err();
        assert!(matches!(&error, Error::Js(error) if error.name == "RangeError"), "{error:?}");
        assert_eq!(jar.eval("6 * 7").unwrap().as_str(), "42");
    }
}

#[test]
fn an_endless_graph_ends_at_a_limit() {
    let mut jar = jar_within(&chain(u32::MAX, false), &Limits::default());
    assert_eq!(jar.eval(module("import './0.js'")).unwrap_err().code(), "rpc_limit_exceeded");
    assert_eq!(jar.eval("6 * 7").unwrap().as_str(), "42");
    let limits = Limits { rpc_calls: u32::MAX, js_heap_bytes: 4 << 20, ..Limits::default() };
    let mut jar = jar_within(&chain(u32::MAX, false), &limits);
    let error = jar.eval(module("import './0.js'")).unwrap_err();
    assert_eq!(error.code(), "memory_limit_exceeded");
    assert_eq!(jar.eval("6 * 7").unwrap().as_str(), "42");
}

#[test]
fn the_texts_that_a_call_loads_are_bounded_together() {
    let text = |bytes: usize| format!("export default {}", "1".repeat(bytes - 15));
    let modules = Modules::new().source("a.js", text(600)).source("b.js", text(400)).source("c.js", text(401));
    let limits = Limits { source_bytes: 1000, ..Limits::default() };
    let mut jar = jar_within(&modules, &limits);
    jar.eval(module("import './a.js'; import './b.js'")).unwrap();
    let mut jar = jar_within(&modules, &limits);
    assert_eq!(jar.eval(module("import './a.js'; import './c.js'")).unwrap_err().code(), "source_too_large");
    jar.eval(module("import './a.js'")).unwrap();
    jar.eval(module("import './c.js'")).unwrap();
}

#[test]
fn an_import_counts_as_two_calls_and_a_known_one_as_none() {
    let modules = Modules::new().source("a.js", "import './b.js'").source("b.js", "");
    let limits = Limits { rpc_calls: 4, ..Limits::default() };
    let mut jar = jar_within(&modules, &limits);
    jar.eval(module("import './a.js'")).unwrap();
    assert_eq!(jar.stats().rpc_calls, 4);
    jar.eval(module("import './a.js'; import './b.js'")).unwrap();
    assert_eq!(jar.stats().rpc_calls, 5, "only the second import of the new module is asked for its name");
    let mut jar = jar_within(&modules, &Limits { rpc_calls: 3, ..Limits::default() });
    assert_eq!(jar.eval(module("import './a.js'")).unwrap_err().code(), "rpc_limit_exceeded");
}

#[test]
fn a_recording_replays_without_the_modules() {
    let modules = Modules::new()
        .source("a.js", "export { b } from './b.js'")
        .loader(|_: Import| async { "export const b = await host.rpc('n')" });
    let recording = Recording::new();
    let router = recording.record(&Router::new().handle("n", |_: &Call, (): ()| 5));
    let mut jar = runtime().build_instance().modules(&modules).seed(1).start(&router, &Limits::default()).unwrap();
    let script = "import { b } from './a.js'; export default b";
    assert_eq!(block_on(jar.eval_async(module(script))).unwrap().as_str(), "5");
    let methods: Vec<_> = recording.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["belljar:resolve", "belljar:load", "belljar:resolve", "belljar:load", "n"]);
    let replay = Recording::from_bytes(&recording.to_bytes()).unwrap().replay();
    let mut jar = runtime().build_instance().seed(1).start(&replay.router(), &Limits::default()).unwrap();
    assert_eq!(block_on(jar.eval_async(module(script))).unwrap().as_str(), "5");
}

#[test]
fn modules_survive_a_pause_in_the_middle_of_their_graph() {
    let router = Router::new().handle("ask", |_: &Call, (): ()| belljar::Reply::pause());
    let modules =
        Modules::new().source("a.js", "export const a = await host.rpc('ask')").source("b.js", "export const b = 'b'");
    let mut jar = runtime().build_instance().modules(&modules).start(&router, &Limits::default()).unwrap();
    let script = "import { a } from './a.js'; const { b } = await import('./b.js'); export default [a, b, (await import('./a.js')).a]";
    let Turn::Paused(paused) = block_on(jar.step_eval_async(module(script))).unwrap() else { panic!("it waits") };
    let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
    drop(jar);
    let id = snapshot.pending()[0].id;
    let mut jar =
        runtime().build_instance().modules(&modules).restore(&snapshot).start(&router, &Limits::default()).unwrap();
    let answer = belljar::Answer::result("yes").unwrap();
    let Turn::Done(value) = block_on(jar.resume_async([(id, answer)])).unwrap() else { panic!("nothing is left") };
    assert_eq!(value.as_str(), r#"["yes","b","yes"]"#);
}

#[test]
fn a_loader_in_a_snapshot_is_the_new_instances_own() {
    let first = Modules::new().source("a.js", "export const a = 1");
    let mut jar = jar(&first);
    jar.eval(module("import { a } from './a.js'; globalThis.a = a")).unwrap();
    let snapshot = jar.snapshot().unwrap();
    let second = Modules::new().source("b.js", "export const b = 2");
    let mut jar = runtime()
        .build_instance()
        .modules(&second)
        .begin_from(&snapshot)
        .start(&Router::new(), &Limits::default())
        .unwrap();
    assert_eq!(
        jar.eval(module("import { a } from './a.js'; import { b } from './b.js'; export default [a, b]"))
            .unwrap()
            .as_str(),
        "[1,2]"
    );
}

#[test]
fn a_program_holds_the_whole_graph() {
    let modules = Modules::new()
        .source("a.js", "import data from './data.json' with { type: 'json' }; import text from './t.txt' with { type: 'text' };
                         import word from './w.json' with { type: 'json' };
                         globalThis.loads = (globalThis.loads ?? 0) + 1; export default [data, text, word, import.meta.url]; import './c.js'")
        .source("c.js", "import './a.js'; export const c = 1")
        .json("data.json", "[1, null]").text("t.txt", "\"quoted\"").json("w.json", "\"word\"");
    let entry = module(
        "import a from './a.js'; import { c } from './c.js'; globalThis.runs = (globalThis.runs ?? 0) + 1;
                        export default [...a, c, globalThis.loads, globalThis.runs]",
    );
    let program = runtime().compile_modules(&entry, &modules, &Limits::default()).unwrap();
    let program = Program::from_bytes(&program.to_bytes()).unwrap();
    let mut jar = jar(&Modules::new());
    let value = |runs: u32| format!(r#"[[1,null],"\"quoted\"","word","file:///a.js",1,1,{runs}]"#);
    assert_eq!(jar.run(&program).unwrap().as_str(), value(1));
    assert_eq!(jar.run(&program).unwrap().as_str(), value(2), "what it imports is loaded once, and it runs each time");
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), value(3));
    assert_eq!(jar.stats().rpc_calls, 0);
    let error = runtime().compile_modules(module("import './none.js'"), &modules, &Limits::default()).unwrap_err();
    assert!(message(error).contains("there is no module \"none.js\""));
    let waits = Modules::new().loader(|_: Import| async { Some("export default 5".to_owned()) });
    let entry = module("export { default } from 'five'");
    let program = block_on(runtime().compile_modules_async(&entry, &waits, &Limits::default())).unwrap();
    assert_eq!(jar.run(&program).unwrap().as_str(), "5");
}

#[test]
fn damaged_programs_of_graphs_harm_nobody() {
    let modules = Modules::new().source("a.js", "export default 1").json("b.json", "[1]");
    let entry = module("import a from './a.js'; import b from './b.json' with { type: 'json' }; export default [a, b]");
    let bytes = runtime().compile_modules(&entry, &modules, &Limits::default()).unwrap().to_bytes();
    let mut jar = jar(&modules);
    for end in (100..bytes.len()).step_by(7) {
        let mut cut = bytes[..end].to_vec();
        forge_program(&mut cut);
        let _ = jar.run(&Program::from_bytes(&cut).unwrap());
        if jar.status() == belljar::Status::Poisoned {
            jar.reset().unwrap();
        }
        assert_eq!(jar.eval("6 * 7").unwrap().as_str(), "42");
    }
}

#[test]
fn preludes_import_and_leave_their_modules() {
    let runtime = Runtime::builder()
        .max_instances(4)
        .prelude_modules(
            &Modules::new()
                .source("lib.js", "globalThis.loads = (globalThis.loads ?? 0) + 1; export const lib = 'lib'"),
        )
        .prelude(module("import { lib } from './lib.js'; globalThis.lib = lib"))
        .build()
        .unwrap();
    for _ in 0..2 {
        let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
        let script =
            Script::module("import { lib } from './lib.js'; export default [lib, globalThis.lib, globalThis.loads]");
        let value = jar.eval(script.named("other.js"));
        assert_eq!(value.unwrap().as_str(), r#"["lib","lib",1]"#);
    }
}

#[test]
fn scripts_cannot_change_what_an_import_means() {
    let modules = Modules::new().source("a.js", "export const a = 1").json("d.json", r#"{ "x": 1 }"#);
    let mut jar = jar(&modules);
    jar.eval("Object.prototype.type = 'json'; Array.prototype.toJSON = () => 'forged'; String.prototype.toJSON = () => 'forged'; \
              Object.defineProperty(Object.prototype, 'default', { get() { return 'forged' } }); \
              Object.defineProperty(Object.prototype, 'then', { get() { globalThis.seen = (globalThis.seen ?? 0) + 1 } }); JSON.parse = () => 'forged'; 0").unwrap();
    let script = "import { a } from './a.js'; import d from './d.json' with { type: 'json' }; export default a + d.x";
    assert_eq!(jar.eval(module(script)).unwrap().as_str(), "2");
    assert!(jar.eval(module("export const n = 1")).unwrap().is_undefined(), "a namespace inherits nothing");
}

#[test]
#[should_panic(expected = "is there already")]
fn a_module_is_given_once() {
    let _ = Modules::new().source("a.js", "").text("./a.js", "");
}

#[test]
#[should_panic(expected = "begin with \"belljar:\"")]
fn no_handler_has_a_name_of_belljars_own() {
    let _ = Router::new().handle("belljar:load", |_: &Call, (): ()| 1);
}
