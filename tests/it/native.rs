//! The same QuickJS without a sandbox, for comparison. It runs only trusted scripts of the tests.

use rquickjs::context::EvalOptions;
use rquickjs::{Coerced, Context, Runtime, Value};

/// A native context that runs scripts one after the other.
pub(crate) struct Native {
    context: Context,
}

impl Native {
    pub(crate) fn new() -> Native {
        let runtime = Runtime::new().unwrap();
        runtime.set_max_stack_size(512 << 10);
        Native { context: Context::full(&runtime).unwrap() }
    }

    /// Runs a script and all its jobs. Returns its value as text, or the name and the message of its error.
    pub(crate) fn eval(&self, script: &str) -> Result<String, String> {
        self.context.with(|context| {
            let mut options = EvalOptions::default();
            options.strict = false;
            let ended = match context.eval_with_options::<Coerced<String>, _>(script, options) {
                Ok(text) => Ok(text.0),
                Err(_) => {
                    let thrown: Value<'_> = context.catch();
                    let text = |name: &str| {
                        let value = thrown.as_object().and_then(|object| object.get::<_, Coerced<String>>(name).ok());
                        value.map_or_else(String::new, |text| text.0)
                    };
                    Err(format!("{}: {}", text("name"), text("message")))
                }
            };
            while context.execute_pending_job() {}
            ended
        })
    }
}
