//! The wire between the belljar host and its guest: every number and name that both sides must agree on.
//!
//! The guest exports one function, [`export::CALL`], and imports at most six. Bytes cross in one
//! direction at a time and never by one side entering the other: the host announces a length, the guest
//! makes room and pulls with [`import::TAKE`]; the guest hands out a pointer and a length, the host
//! checks them, copies, and only then parses.
//!
//! This crate holds constants and plain enums. It must never know an allocator, an I/O handle or a
//! dependency, so that the guest and the host read the same file.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

/// The version of this contract. A guest image says which one it speaks through [`export::ABI`].
pub const VERSION: u32 = 1;

/// Names of the functions that the host gives to the guest. There are no others.
pub mod import {
    /// The one module name that imports are looked up under.
    pub const MODULE: &str = "belljar";
    /// `ask(what) -> i64`: one number from the host; see [`super::Ask`].
    pub const ASK: &str = "ask";
    /// `poll() -> i32`: called by the interpreter every so often; not zero means unwind now.
    pub const POLL: &str = "poll";
    /// `send(kind, detail, pointer, length) -> i32`: bytes for the host; see [`super::Send`].
    /// Not zero means unwind now.
    pub const SEND: &str = "send";
    /// `rpc(id, method, method_length, params, params_length) -> i32`: starts a call that will be
    /// answered by [`super::Op::Answer`]. Not zero means unwind now.
    pub const RPC: &str = "rpc";
    /// `rpc_sync(method, method_length, params, params_length) -> i64`: makes a call and waits. The
    /// low 32 bits are the length of the reply, the high ones a [`super::Reply`]; the reply is pulled with [`TAKE`].
    pub const RPC_SYNC: &str = "rpc_sync";
    /// `take(pointer, length)`: copies the message that the host announced, exactly once.
    pub const TAKE: &str = "take";
    /// All imports, in the order of this list.
    pub const ALL: [&str; 6] = [ASK, POLL, SEND, RPC, RPC_SYNC, TAKE];
}

/// Names of what the guest gives to the host.
pub mod export {
    /// The linear memory.
    pub const MEMORY: &str = "memory";
    /// `call(op, flags, split, length) -> i32`: see [`super::Op`] and [`super::Status`].
    pub const CALL: &str = "call";
    /// Runs once, under Wizer, and is gone from the finished image.
    pub const INIT: &str = "belljar_init";
    /// The C stack pointer, the only mutable global of the image; a snapshot holds its value.
    pub const STACK_POINTER: &str = "__stack_pointer";
    /// An immutable global: the address of [`super::vitals`].
    pub const VITALS: &str = "belljar_vitals";
    /// An immutable global: the address of a `u32` that holds [`super::VERSION`].
    pub const ABI: &str = "belljar_abi";
}

/// Builds an enum that crosses the boundary as a number, with a checked way back.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$item_meta:meta])* $item:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum $name { $($(#[$item_meta])* $item = $value,)* }

        impl $name {
            /// The item with this number, if there is one.
            #[must_use]
            pub const fn from_wire(value: u32) -> Option<Self> {
                match value {
                    $($value => Some(Self::$item),)*
                    _ => None,
                }
            }
        }
    };
}

/// Fails to compile when a number of the protocol changes, because stored images, programs and snapshots hold the
/// numbers.
macro_rules! settled {
    ($($settled:expr),+ $(,)?) => {
        $(const _: () = assert!(
            $settled,
            "images and stored bytes hold this number: change VERSION with it, and say in CHANGELOG.md what becomes of \
             old ones"
        );)+
    };
}

pub mod values;

wire_enum! {
    /// What the host asks of the guest: the first argument of `call`. The guest pulls the payload. The number 8 was an
    /// operation of older guests, and stays free.
    Op {
        /// Payload: script name, NUL, source. `split` is the length of the name.
        Eval = 1,
        /// Payload: event name, then a value as JSON or in the binary form of [`values`]. `split` is the length of the name.
        Dispatch = 2,
        /// Payload: bytecode.
        Run = 3,
        /// Payload as for [`Op::Eval`]; the result is bytecode.
        Compile = 4,
        /// Payload: any number of answers; see [`answer`].
        Answer = 5,
        /// Payload: [`configure`].
        Configure = 6,
        /// Ends the call in progress for good: its queued jobs are dropped, and its promises are never settled.
        Abandon = 7,
        /// Clears free memory, before a snapshot copies the memory. Payload: a bit for each page of memory that may
        /// have been written to, the lowest page first. Older guests refuse this operation.
        Clear = 9,
        /// Which events scripts have registered handlers for. The result is a JSON array of their names, of no more
        /// than [`events::MOST`] and none longer than [`events::NAME_BYTES`].
        Events = 10,
    }
}

/// Bits of the `flags` argument of `call`.
pub mod flag {
    /// The script may await; a result that is a promise is waited for across turns.
    pub const ASYNC: u32 = 1;
    /// The host listens to the console. Without this flag the guest formats nothing.
    pub const CONSOLE: u32 = 2;
    /// The host wants the result as the console shows it, so any result crosses; see [`super::Shape`].
    pub const INSPECT: u32 = 4;
    /// With [`INSPECT`]: a result that is not undefined becomes the value of the global `_`.
    pub const KEEP: u32 = 8;
    /// The call ends when its result is there and no call of a handler is in flight. [`super::Op::Answer`] without this bit ends the wait:
    /// the result that is there is all that matters.
    pub const DRAIN: u32 = 16;
    /// The source is an ES module, and the result is its `default` export.
    pub const MODULE: u32 = 32;
    /// The source is the body of a function, and the result is what it returns.
    pub const BODY: u32 = 64;
}

wire_enum! {
    /// What `call` returns.
    Status {
        /// The result was sent.
        Done = 0,
        /// The result is a promise that waits for answers, or it is there and calls are in flight; see [`flag::DRAIN`].
        Pending = 1,
        /// The script threw; a failure was sent.
        Threw = 2,
        /// There is a result, but it cannot cross; the reason was sent.
        NotSerializable = 3,
        /// An import said stop, and the guest unwound.
        Stopped = 4,
        /// No handler is registered for this event.
        NoSuchEvent = 5,
        /// The payload did not fit in the guest's memory, or was not what the operation takes.
        Refused = 6,
        /// This guest has no such operation. Older guests answer [`Status::Refused`].
        Unsupported = 7,
    }
}

wire_enum! {
    /// What the bytes of `send` are.
    Send {
        /// The result; `detail` is its [`Shape`].
        Result = 1,
        /// The result is undefined; no bytes.
        Undefined = 2,
        /// A failure report: JSON with `name`, `message`, `stack`, `code`, `method`, `properties`, `errors`, `cause`,
        /// `thrown`, `native`.
        Failure = 3,
        /// Why the result cannot cross: text.
        NotSerializable = 4,
        /// A console line; `detail` is a [`Level`].
        Console = 5,
        /// A promise was rejected and has no handler: a failure report.
        Rejection = 6,
        /// Compiled bytecode.
        Bytecode = 7,
    }
}

wire_enum! {
    /// What the bytes of a result are. Only a host that said [`flag::INSPECT`] gets any but the first.
    Shape {
        /// JSON text, or the binary form of [`values`]; the first byte tells.
        Json = 0,
        /// The text of a string, all of it. Half of a surrogate pair is three bytes, which are no UTF-8.
        Text = 1,
        /// What the console shows for a value that is no string.
        Console = 2,
    }
}

wire_enum! {
    /// How a synchronous call ended: the high half of what `rpc_sync` returns.
    Reply {
        /// The reply is JSON text, the binary form of [`values`], or empty for undefined.
        Value = 0,
        /// The reply is JSON `[code, message]`.
        Error = 1,
        /// Unwind now.
        Stop = 2,
    }
}

wire_enum! {
    /// The numbers that `ask` can be asked for.
    Ask {
        /// Microseconds since the Unix epoch.
        WallMicros = 1,
        /// Nanoseconds since the instance began.
        MonotonicNanos = 2,
        /// 64 random bits, or the embedder's seed.
        Seed = 3,
    }
}

wire_enum! {
    /// The level of a console line.
    Level {
        /// `console.debug`.
        Debug = 0,
        /// `console.log`.
        Log = 1,
        /// `console.info`.
        Info = 2,
        /// `console.warn`.
        Warn = 3,
        /// `console.error`.
        Error = 4,
        /// `console.trace`.
        Trace = 5,
    }
}

/// The layout of one answer in the payload of [`Op::Answer`]: a header of three little-endian `u32`, then the body.
pub mod answer {
    /// Bytes of a header: id, [`super::Reply`], length of the body.
    pub const HEADER_BYTES: usize = 12;
}

/// The calls that the guest makes for an import, with a list of texts as parameters. Both are synchronous.
pub mod load {
    /// What the names of these methods begin with. No embedder registers a handler for such a name.
    pub const PREFIX: &str = "belljar:";
    /// `[specifier, importer, kind]`; the reply is the name of the module.
    pub const RESOLVE: &str = "belljar:resolve";
    /// `[name, specifier, importer, kind]`; the reply is the text of the module.
    pub const LOAD: &str = "belljar:load";
    /// What a kind may be: empty for code, else the value of the import attribute `type`.
    pub const KINDS: [&str; 3] = ["", "json", "text"];
}

/// The first byte of a program that is more than the bytecode of one script. Bytecode itself begins with its version.
pub mod program {
    /// A module with everything that it imports.
    pub const GRAPH: u8 = 0xf1;
    /// The body of a function.
    pub const BODY: u8 = 0xf2;
}

/// The bounds of what [`Op::Events`] sends.
pub mod events {
    /// The most names.
    pub const MOST: usize = 1000;
    /// The longest name, in bytes.
    pub const NAME_BYTES: usize = 1000;
}

/// The payload of [`Op::Configure`]: little-endian `u32` each, in this order.
pub mod configure {
    /// Index of the JS heap limit in bytes.
    pub const HEAP_BYTES: usize = 0;
    /// Index of the JS stack limit in bytes.
    pub const STACK_BYTES: usize = 1;
    /// Index of the switches: [`NO_CODE_GENERATION`], [`RESEED`], [`SESSION`], [`NO_WEB_APIS`].
    pub const SWITCHES: usize = 2;
    /// How many words there are.
    pub const WORDS: usize = 3;
    /// The switch that makes `eval` and the function constructors throw.
    pub const NO_CODE_GENERATION: u32 = 1;
    /// The switch that makes `Math.random` and `crypto` ask for a seed again.
    pub const RESEED: u32 = 2;
    /// The switch that lets a script declare names again that an earlier script has declared.
    pub const SESSION: u32 = 4;
    /// The switch that takes the web APIs away for good. Guests without any have no such switch.
    pub const NO_WEB_APIS: u32 = 8;
    /// The JS heap limit of the image, before the first [`Op::Configure`](super::Op::Configure).
    pub const IMAGE_HEAP_BYTES: u32 = 32 << 20;
    /// The JS stack limit of the image, before the first [`Op::Configure`](super::Op::Configure).
    pub const IMAGE_STACK_BYTES: u32 = 512 << 10;
    /// The C stack of the guest. The JS limit stays under it by [`STACK_RESERVE_BYTES`].
    pub const C_STACK_BYTES: u32 = 1 << 20;
    /// The part of the C stack that the JS limit leaves to native code.
    pub const STACK_RESERVE_BYTES: u32 = 128 << 10;
}

/// Numbers that the guest keeps about itself: little-endian `u32` words at [`export::VITALS`].
/// The host does not trust them: they serve as hints and statistics, never as limits.
pub mod vitals {
    /// Index of the bytes that QuickJS holds now.
    pub const HEAP_BYTES: usize = 0;
    /// Index of the most that it ever held.
    pub const HEAP_PEAK_BYTES: usize = 1;
    /// How many words there are. Older guests have a third.
    pub const WORDS: usize = 2;
}

settled!(
    VERSION == 1,
    Op::Eval as u32 == 1 && Op::Dispatch as u32 == 2 && Op::Run as u32 == 3 && Op::Compile as u32 == 4,
    Op::Answer as u32 == 5 && Op::Configure as u32 == 6 && Op::Abandon as u32 == 7 && Op::from_wire(8).is_none(),
    Op::Clear as u32 == 9 && Op::Events as u32 == 10 && Op::from_wire(0).is_none() && Op::from_wire(11).is_none(),
    flag::ASYNC == 1 && flag::CONSOLE == 2 && flag::INSPECT == 4 && flag::KEEP == 8 && flag::DRAIN == 16,
    flag::MODULE == 32 && flag::BODY == 64 && program::GRAPH == 0xf1 && program::BODY == 0xf2,
    Status::Done as u32 == 0 && Status::Pending as u32 == 1 && Status::Threw as u32 == 2,
    Status::NotSerializable as u32 == 3 && Status::Stopped as u32 == 4 && Status::NoSuchEvent as u32 == 5,
    Status::Refused as u32 == 6 && Status::Unsupported as u32 == 7 && Status::from_wire(8).is_none(),
    Send::Result as u32 == 1 && Send::Undefined as u32 == 2 && Send::Failure as u32 == 3,
    Send::NotSerializable as u32 == 4 && Send::Console as u32 == 5 && Send::Rejection as u32 == 6,
    Send::Bytecode as u32 == 7 && Send::from_wire(0).is_none() && Send::from_wire(8).is_none(),
    Shape::Json as u32 == 0 && Shape::Text as u32 == 1 && Shape::Console as u32 == 2 && Shape::from_wire(3).is_none(),
    Reply::Value as u32 == 0 && Reply::Error as u32 == 1 && Reply::Stop as u32 == 2 && Reply::from_wire(3).is_none(),
    Ask::WallMicros as u32 == 1 && Ask::MonotonicNanos as u32 == 2 && Ask::Seed as u32 == 3,
    Ask::from_wire(0).is_none() && Ask::from_wire(4).is_none(),
    Level::Debug as u32 == 0 && Level::Log as u32 == 1 && Level::Info as u32 == 2 && Level::Warn as u32 == 3,
    Level::Error as u32 == 4 && Level::Trace as u32 == 5 && Level::from_wire(6).is_none(),
    answer::HEADER_BYTES == 12,
    configure::HEAP_BYTES == 0 && configure::STACK_BYTES == 1 && configure::SWITCHES == 2 && configure::WORDS == 3,
    configure::NO_CODE_GENERATION == 1 && configure::RESEED == 2 && configure::SESSION == 4,
    configure::NO_WEB_APIS == 8,
    events::MOST == 1000 && events::NAME_BYTES == 1000,
    vitals::HEAP_BYTES == 0 && vitals::HEAP_PEAK_BYTES == 1 && vitals::WORDS == 2,
);
