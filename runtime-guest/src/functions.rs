//! The functions that scripts can call, and what each of them does.
//!
//! The engine keeps the number of a function and calls all of them through one entry of the module's table. An entry each would make
//! the table longer than a page, and a table of one page is what the host clears without asking the kernel (`benches/NOTES.md`).

use crate::qjs::{self, Arguments, Native, Value};
use crate::{atomics, bridge, console, intrinsics, json};

macro_rules! functions {
    ($($name:ident => $body:path,)*) => {
        /// One of them, or several that share a body and are told apart by a detail.
        #[derive(Clone, Copy)]
        #[repr(u8)]
        pub enum Function {
            $($name,)*
        }

        impl Native for Function {
            fn number(self) -> u8 {
                self as u8
            }

            fn is_constructor(self) -> bool {
                matches!(self, Function::Forbidden)
            }

            fn call(number: u8, detail: u8, arguments: &Arguments<'_>) -> qjs::Result<Value> {
                match number {
                    $(name if name == Function::$name as u8 => $body(arguments, detail),)*
                    _ => Err(qjs::throw_type(c"there is no such function")),
                }
            }
        }
    };
}

functions! {
    Parse => json::parse,
    Stringify => json::stringify,
    Rpc => bridge::rpc,
    RpcSync => bridge::rpc_sync,
    On => bridge::on,
    Console => console::call,
    Found => console::found,
    Random => intrinsics::random,
    Now => intrinsics::now,
    Forbidden => intrinsics::forbidden,
    Change => atomics::change,
    CompareExchange => atomics::compare_exchange,
    Load => atomics::load,
    Store => atomics::store,
    IsLockFree => atomics::is_lock_free,
    Pause => atomics::pause,
    Wait => atomics::wait,
    Notify => atomics::notify,
}
