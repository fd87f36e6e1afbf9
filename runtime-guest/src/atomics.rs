//! `Atomics`, which QuickJS leaves out where the target has no threads.
//!
//! The guest has one thread and shares no memory. So an operation is a plain read and a plain write, `notify` finds no
//! waiter, and `wait` throws. The engine reads and writes every element, because it knows the bounds. This file must
//! never touch the memory of an array.

use core::ffi::CStr;

use crate::natives;
use crate::qjs::{self, Arguments, Integers, Value, functions, throw_range, throw_type};

functions! {
    Change => change,
    CompareExchange => compare_exchange,
    Load => load,
    Store => store,
    IsLockFree => is_lock_free,
    Pause => pause,
    Wait => wait,
    Notify => notify,
}

/// The functions that read an element, compute, and write. The index of each name is the detail of its function.
const CHANGES: [&CStr; 6] = [c"add", c"and", c"or", c"sub", c"xor", c"exchange"];

fn changed(detail: u8, old: i64, operand: i64) -> i64 {
    match detail {
        0 => old.wrapping_add(operand),
        1 => old & operand,
        2 => old | operand,
        3 => old.wrapping_sub(operand),
        4 => old ^ operand,
        _ => operand,
    }
}

/// Defines `Atomics`, with the names in QuickJS's order.
pub fn install() -> qjs::Result<()> {
    let atomics = Value::object()?;
    for (detail, name) in (0..).zip(CHANGES) {
        atomics.define(name, Value::function(Function::Change, name, 3, detail)?)?;
    }
    atomics.define(c"compareExchange", Value::function(Function::CompareExchange, c"compareExchange", 4, 0)?)?;
    atomics.define(c"load", Value::function(Function::Load, c"load", 2, 0)?)?;
    atomics.define(c"store", Value::function(Function::Store, c"store", 3, 0)?)?;
    atomics.define(c"isLockFree", Value::function(Function::IsLockFree, c"isLockFree", 1, 0)?)?;
    atomics.define(c"pause", Value::function(Function::Pause, c"pause", 0, 0)?)?;
    atomics.define(c"wait", Value::function(Function::Wait, c"wait", 4, 0)?)?;
    atomics.define(c"notify", Value::function(Function::Notify, c"notify", 3, 0)?)?;
    atomics.define_tag(c"Atomics")?;
    Value::global().define(c"Atomics", atomics)
}

/// One element of a typed array. Script that runs between two accesses may shrink the array, so each access checks the
/// bounds again.
struct Element {
    array: Value,
    of: Integers,
    index: u32,
}

impl Element {
    /// The element that the first two arguments name, if `is_fit` accepts the array.
    fn new(arguments: &Arguments<'_>, is_fit: impl FnOnce(Integers) -> bool) -> qjs::Result<Element> {
        let (array, of) = integers(arguments, is_fit)?;
        natives::typed_buffer(&array)?.require_attached()?;
        Element::at(array, of, &arguments.get(1))
    }

    fn at(array: Value, of: Integers, index: &Value) -> qjs::Result<Element> {
        let index = u32::try_from(index.to_index()?).map_err(|_| out_of_bounds())?;
        let element = Element { array, of, index };
        element.value().map(|_| element)
    }

    /// The element's value, as script sees it.
    fn value(&self) -> qjs::Result<Value> {
        let value = self.array.get_index(self.index)?;
        // No element of a typed array is undefined.
        if value.is_undefined() { Err(out_of_bounds()) } else { Ok(value) }
    }

    /// Converts a value to the bits of such an element. Bits above the element's width mean nothing.
    fn bits_of(&self, value: &Value) -> qjs::Result<i64> {
        if self.of.bits == 64 { value.to_int64() } else { value.to_int32().map(i64::from) }
    }

    /// Writes the bits that fit.
    fn write(&self, bits: i64) -> qjs::Result<()> {
        let value = if self.of.bits == 64 { Value::big_int(bits)? } else { Value::int(bits as i32) };
        if self.array.set_index(self.index, value)? { Ok(()) } else { Err(throw_type(c"ArrayBuffer is immutable")) }
    }
}

fn integers(arguments: &Arguments<'_>, is_fit: impl FnOnce(Integers) -> bool) -> qjs::Result<(Value, Integers)> {
    let array = arguments.get(0);
    match array.integers() {
        Some(of) if is_fit(of) => Ok((array, of)),
        _ => Err(throw_type(c"integer TypedArray expected")),
    }
}

/// Whether `wait` takes such an element.
fn is_waitable(of: Integers) -> bool {
    of.is_signed && of.bits >= 32
}

/// A number without its fraction; zero has no sign then. From 2 to the 53rd on no number has one.
fn whole(number: f64) -> f64 {
    if number.abs() < 9_007_199_254_740_992.0 { number as i64 as f64 } else { number }
}

fn out_of_bounds() -> qjs::Thrown {
    throw_range(c"out-of-bound access")
}

fn change(arguments: &Arguments<'_>, detail: u8) -> qjs::Result<Value> {
    let element = Element::new(arguments, |_| true)?;
    let operand = element.bits_of(&arguments.get(2))?;
    let old = element.value()?;
    element.write(changed(detail, element.bits_of(&old)?, operand))?;
    Ok(old)
}

fn compare_exchange(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let element = Element::new(arguments, |_| true)?;
    let expected = element.bits_of(&arguments.get(2))?;
    let replacement = element.bits_of(&arguments.get(3))?;
    let old = element.value()?;
    if (element.bits_of(&old)? ^ expected) << (64 - element.of.bits) == 0 {
        element.write(replacement)?;
    }
    Ok(old)
}

fn load(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    Element::new(arguments, |_| true)?.value()
}

/// Returns the integer that was given, also when the element keeps only its low bits.
fn store(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let element = Element::new(arguments, |_| true)?;
    let value = arguments.get(2);
    let value = if element.of.bits == 64 {
        natives::to_big_int(value)?
    } else {
        let number = value.to_number()?;
        Value::number(if number.is_nan() { 0.0 } else { whole(number) })
    };
    let bits = element.bits_of(&value)?;
    element.value()?;
    element.write(bits)?;
    Ok(value)
}

fn is_lock_free(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let bytes = arguments.get(0).to_number()? as i32;
    Ok(Value::boolean(matches!(bytes, 1 | 2 | 4 | 8)))
}

fn pause(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let hint = arguments.get(0);
    let is_hint =
        hint.is_undefined() || hint.as_number().is_some_and(|number| number.is_finite() && whole(number) == number);
    if is_hint { Ok(Value::undefined()) } else { Err(throw_type(c"not an integral number")) }
}

/// Throws after all checks, because nobody could wake the only thread.
fn wait(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (array, of) = integers(arguments, is_waitable)?;
    if natives::typed_buffer(&array)?.class_name()?.text()?.bytes() != b"SharedArrayBuffer" {
        return Err(throw_type(c"not a SharedArrayBuffer TypedArray"));
    }
    let element = Element::at(array, of, &arguments.get(1))?;
    element.bits_of(&arguments.get(2))?;
    arguments.get(3).to_number()?;
    Err(throw_type(c"cannot block in this thread"))
}

fn notify(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let element = Element::new(arguments, is_waitable)?;
    let count = arguments.get(2);
    if !count.is_undefined() {
        count.to_number()?;
    }
    element.value()?;
    Ok(Value::int(0))
}
