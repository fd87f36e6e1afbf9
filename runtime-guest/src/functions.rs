//! The list of modules whose functions scripts can call. A module declares its functions itself, with
//! [`functions!`](crate::qjs::functions), and stands here with the number of its table.

use crate::qjs::{self, Arguments, Functions, Listed, Place, Value};
use crate::{atomics, bridge, console, dispatch, intrinsics, json};

macro_rules! tables {
    ($($number:literal => $module:ident,)*) => {
        $(impl Listed for $module::Function {
            const TABLE: u8 = $number;
        })*

        /// Calls the function at a place.
        pub fn call(place: Place, arguments: &Arguments<'_>) -> qjs::Result<Value> {
            match place.table {
                $($number => $module::Function::call(place.function, place.detail, arguments),)*
                _ => Err(qjs::throw_type(c"there is no such function")),
            }
        }
    };
}

tables! {
    0 => json,
    1 => atomics,
    2 => intrinsics,
    3 => dispatch,
    4 => bridge,
    5 => console,
}
