//! The list of modules whose functions scripts can call, and of native classes. A module declares its functions itself,
//! with [`functions!`](crate::qjs::functions), and stands here with the number of its table. A class stands here with
//! the number of its kind.

use crate::qjs::class::{Class, Freed};
use crate::qjs::{self, Arguments, Functions, Listed, Place, Value};
use crate::{atomics, bridge, console, dispatch, intrinsics, json, structured_clone, text_coding, web, wire};

macro_rules! tables {
    ($($number:literal => $($module:ident)::+,)*) => {
        $(impl Listed for $($module)::+::Function {
            const TABLE: u8 = $number;
        })*

        /// Calls the function at a place.
        pub fn call(place: Place, arguments: &Arguments<'_>) -> qjs::Result<Value> {
            match place.table {
                $($number => $($module)::+::Function::call(place.function, place.detail, arguments),)*
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
    6 => text_coding,
    7 => wire,
    8 => structured_clone,
    10 => web,
    11 => web::url,
    12 => web::bytes,
    13 => web::mime,
    14 => web::crypto,
}

macro_rules! classes {
    ($($number:literal => $class:path,)*) => {
        $(impl Class for $class {
            const KIND: u8 = $number;
        })*

        /// Drops the payload of an object that is freed.
        pub fn free(payload: Freed) {
            match payload.kind() {
                $($number => payload.drop_as::<$class>(),)*
                _ => {}
            }
        }
    };
}

classes! {
    0 => text_coding::Encoder,
    1 => text_coding::Decoder,
}
