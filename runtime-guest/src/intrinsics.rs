//! Built-ins that a snapshot must not freeze (`Math.random`, `performance`), or that an embedder can turn off (code
//! generation).

use core::cell::Cell;

use belljar_abi::Ask;

use crate::qjs::{self, Arguments, Value, functions};
use crate::single::Single;
use crate::{abi, natives};

functions! {
    Random => random,
    Now => now,
    Forbidden => forbidden,
}

/// The state of `Math.random`; zero until the first call asks the host for a seed.
static RANDOM: Single<Cell<u64>> = Single::new(Cell::new(0));

/// Replaces the built-ins that would be the same in every instance.
pub fn install() -> qjs::Result<()> {
    let global = Value::global();
    global.get(c"Math")?.define(c"random", Value::function(Function::Random, c"random", 0, 0)?)?;
    let performance = Value::object()?;
    performance.define(c"now", Value::function(Function::Now, c"now", 0, 0)?)?;
    global.define(c"performance", performance)
}

/// Makes the next random number come from a new seed.
pub fn reseed() {
    RANDOM.set(0);
}

/// `Math.random`.
fn random(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let mut state = RANDOM.get();
    if state == 0 {
        // One round of SplitMix64 turns any seed, zero included, into a state with its bits spread.
        let mut seed = (abi::ask(Ask::Seed) as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state = (seed ^ (seed >> 31)).max(1);
    }
    // xorshift64*, the generator that QuickJS itself uses.
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    RANDOM.set(state);
    let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
    Ok(Value::number(bits as f64 / (1_u64 << 53) as f64))
}

/// `performance.now`.
fn now(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    Ok(Value::number(abi::ask(Ask::MonotonicNanos) as f64 / 1e6))
}

/// The constructors that make functions from text, each with an expression that has the constructor's prototype.
const FUNCTION_KINDS: [(&core::ffi::CStr, &[u8]); 4] = [
    (c"Function", b"(function () {})\0"),
    (c"AsyncFunction", b"(async function () {})\0"),
    (c"GeneratorFunction", b"(function* () {})\0"),
    (c"AsyncGeneratorFunction", b"(async function* () {})\0"),
];

/// Makes `eval` and the function constructors throw an EvalError.
pub fn forbid_code_generation() -> qjs::Result<()> {
    let global = Value::global();
    global.define(c"eval", Value::function_or_constructor(Function::Forbidden, c"eval", 1, 0)?)?;
    for (name, source) in FUNCTION_KINDS {
        let prototype = qjs::eval(b"<init>\0", source, false)?.prototype()?;
        let constructor = Value::function_or_constructor(Function::Forbidden, name, 1, 0)?;
        constructor.define_locked(c"prototype", prototype.clone())?;
        if name == c"Function" {
            global.define(name, constructor.clone())?;
        }
        prototype.define(c"constructor", constructor)?;
    }
    Ok(())
}

/// What stands in the place of `eval` and of the function constructors.
fn forbidden(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let message = Value::string(b"code generation is turned off for this instance")?;
    Err(qjs::throw(natives::eval_error(&message)?))
}
