//! The two engines that run a test: native QuickJS, and the same QuickJS in a jar.
//!
//! Both get the same scripts in the same order. An engine reports how the last one ended, and what the scripts
//! printed. Whether that is correct is decided elsewhere.

use std::time::{Duration, Instant};

use belljar::{Error, Limits, Router, Runtime};
use rquickjs as native;

/// Longer than any terminating test takes, even on a busy machine.
const TIME: Duration = Duration::from_secs(20);
/// Some tests allocate buffers and strings of hundreds of megabytes.
const MEMORY_BYTES: u64 = 1 << 30;

/// How the scripts ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All scripts ran to their end.
    Done,
    /// A script threw: the name and the message of the error.
    Threw(String, String),
    /// A script was stopped, and the reason.
    Stopped(String),
}

/// The report of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) ending: Ending,
    pub(crate) printed: String,
}

/// The host functions that test262 requires, as far as a script can define them. Both engines get the same.
const HOST: &str = r"{
    const { join, push } = Array.prototype, { apply } = Reflect, lines = [];
    const define = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    define('$262', {
        global: globalThis,
        gc() {},
        evalScript: source => (0, eval)(source),
        detachArrayBuffer: buffer => { buffer.transfer(); return null; },
    });
    define('$printed', () => apply(join, lines, ['\n']));
    define('print', line => { apply(push, lines, [`${line}`]); });
}";

/// Runs the scripts in native QuickJS.
pub(crate) fn in_native(scripts: &[&str]) -> Run {
    let failed = |error: native::Error| Run { ending: Ending::Stopped(error.to_string()), printed: String::new() };
    let runtime = match native::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(error),
    };
    let deadline = Instant::now() + TIME;
    runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > deadline)));
    runtime.set_memory_limit(usize::try_from(MEMORY_BYTES).unwrap_or(usize::MAX));
    runtime.set_max_stack_size(768 << 10);
    let context = match native::Context::full(&runtime) {
        Ok(context) => context,
        Err(error) => return failed(error),
    };
    let ending = context.with(|context| {
        for script in [HOST].iter().chain(scripts) {
            let mut options = native::context::EvalOptions::default();
            options.strict = false;
            let ended = context.eval_with_options::<native::Value<'_>, _>(*script, options);
            if ended.is_err() {
                return thrown(&context);
            }
            while context.execute_pending_job() {}
            if Instant::now() > deadline {
                return Ending::Stopped("time".into());
            }
        }
        Ending::Done
    });
    let printed = context.with(|context| context.eval::<String, _>("$printed()").unwrap_or_default());
    Run { ending, printed }
}

fn thrown(context: &native::Ctx<'_>) -> Ending {
    let value = context.catch();
    let Some(object) = value.as_object() else { return Ending::Threw(String::new(), format!("{value:?}")) };
    let text =
        |name: &str| object.get::<_, native::Coerced<String>>(name).map_or_else(|_| String::new(), |text| text.0);
    let name = match text("name") {
        // Errors that test262 itself throws have their name only on their constructor.
        name if name.is_empty() || name == "undefined" => object
            .get::<_, native::Object<'_>>("constructor")
            .and_then(|constructor| constructor.get::<_, String>("name"))
            .unwrap_or_default(),
        name => name,
    };
    // QuickJS throws this error when its interrupt handler stops a script.
    if name == "InternalError" && text("message") == "interrupted" {
        return Ending::Stopped("time".into());
    }
    Ending::Threw(name, text("message"))
}

/// The limits of a jar: the same as for native QuickJS, except the stack, which is as large as a guest allows.
pub(crate) fn limits() -> Limits {
    Limits {
        cpu_time: TIME,
        wall_time: 3 * TIME,
        js_heap_bytes: MEMORY_BYTES,
        memory_bytes: MEMORY_BYTES + (MEMORY_BYTES >> 1),
        stack_bytes: 768 << 10,
        message_bytes: 64 << 20,
        source_bytes: 64 << 20,
        ..Limits::default()
    }
}

/// Runs the scripts in a jar.
pub(crate) fn in_jar(runtime: &Runtime, scripts: &[&str]) -> Run {
    let stopped = |error: &Error| Run { ending: Ending::Stopped(error.code().into()), printed: String::new() };
    let mut jar = match runtime.instance(&Router::new(), &limits()) {
        Ok(jar) => jar,
        Err(error) => return stopped(&error),
    };
    let mut ending = Ending::Done;
    for script in [HOST].iter().chain(scripts) {
        // The result of a script is ignored here, and often has no JSON form.
        match jar.eval(*script) {
            Ok(_) | Err(Error::NotSerializable { .. } | Error::NeverSettled { .. }) => {}
            Err(Error::Js(error)) => {
                ending = Ending::Threw(error.name, error.message);
                break;
            }
            Err(error) => return stopped(&error),
        }
    }
    let printed = jar.eval("$printed()").and_then(|json| json.get::<String>()).unwrap_or_default();
    Run { ending, printed }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
    use super::*;

    #[test]
    fn both_engines_end_alike() {
        let runtime = Runtime::builder().max_instances(1).build().unwrap();
        for (script, ending) in [
            ("print('a'); Promise.resolve().then(() => print('b')); 1", Ending::Done),
            ("print('a'); print('b'); throw new TypeError('no')", Ending::Threw("TypeError".into(), "no".into())),
            ("var x = () => 1; x; print('a'), print('b'); x", Ending::Done),
        ] {
            let expected = Run { ending, printed: "a\nb".into() };
            assert_eq!(in_native(&[script]), expected, "{script}");
            assert_eq!(in_jar(&runtime, &[script]), expected, "{script}");
        }
    }
}
