//! The binary form of a value that JSON has no form for. `docs/internals/values.md` describes the bytes.
//!
//! A message is [`MAGIC`] and one node. A node is a [`Tag`], one byte, and what belongs to it. Objects are numbered in
//! the order in which they begin, and [`Tag::Reference`] names one of them by its number, which is below that of the
//! next object. So nothing refers forward, and a message can be read from its start to its end without recursion.

/// The first byte of a message. JSON text never begins with it.
pub const MAGIC: u8 = 1;
/// The most objects that may be open at once: a message that is nested deeper is refused.
pub const DEPTH: usize = 10_000;
/// The most bytes of a number with seven bits in each byte, the lowest first.
pub const NUMBER_BYTES: usize = 5;
/// The largest time of a Date, in milliseconds from the epoch on, either way.
pub const TIME: f64 = 8.64e15;
/// Tags from here on are of the guest alone, and no host reads them.
pub const FIRST_OWN_TAG: u8 = 64;

wire_enum! {
    /// What a node is. A *number* has seven bits in each byte, the lowest first; the highest bit says that more follow.
    /// A *text* is a [`Tag::Text`] or a [`Tag::Wide`] with its tag.
    Tag {
        /// Ends an object whose members are not counted.
        End = 0,
        /// `undefined`.
        Undefined = 1,
        /// `null`.
        Null = 2,
        /// `false`.
        False = 3,
        /// `true`.
        True = 4,
        /// A number: an integer of 32 bits, of which the lowest bit is the sign: 0, -1, 1, -2.
        Int = 5,
        /// Eight bytes: a double.
        Float = 6,
        /// A length and decimal digits, perhaps behind a minus: a BigInt.
        BigInt = 7,
        /// A length and UTF-8: a string.
        Text = 8,
        /// A length and twice as many bytes: a string as UTF-16, which may have lone surrogates.
        Wide = 9,
        /// A number: an object that has begun before.
        Reference = 10,
        /// Texts, each with a node, up to an end: an object.
        Object = 16,
        /// Nodes up to an end: an array.
        Array = 17,
        /// The length, then as an object: an array with holes or with names.
        Sparse = 18,
        /// Eight bytes: the time of a Date, a double.
        Date = 19,
        /// Two texts: the source of a regular expression and its flags.
        RegExp = 20,
        /// Pairs of nodes up to an end: a Map.
        Map = 21,
        /// Nodes up to an end: a Set.
        Set = 22,
        /// A length and bytes: an ArrayBuffer.
        Buffer = 23,
        /// A length, the largest length, and bytes: an ArrayBuffer that can be resized.
        Resizable = 24,
        /// A byte of [`Elements`], the number of the first byte, and the number of elements plus one, or 0 where the
        /// length follows that of the buffer. Then a node: the buffer, or a reference to it.
        View = 25,
        /// A byte of [`Kind`], then as an object. Members called `name`, `message`, `stack`, `cause` and `errors` are
        /// hidden, as an error has them.
        Error = 26,
        /// A node that is no object: that primitive in a box.
        Boxed = 27,
    }
}

wire_enum! {
    /// What a view shows of its buffer.
    Elements {
        /// Uint8ClampedArray.
        Uint8Clamped = 0,
        /// Int8Array.
        Int8 = 1,
        /// Uint8Array.
        Uint8 = 2,
        /// Int16Array.
        Int16 = 3,
        /// Uint16Array.
        Uint16 = 4,
        /// Int32Array.
        Int32 = 5,
        /// Uint32Array.
        Uint32 = 6,
        /// BigInt64Array.
        BigInt64 = 7,
        /// BigUint64Array.
        BigUint64 = 8,
        /// Float16Array.
        Float16 = 9,
        /// Float32Array.
        Float32 = 10,
        /// Float64Array.
        Float64 = 11,
        /// DataView, which counts bytes.
        Bytes = 12,
    }
}

impl Elements {
    /// The bytes of one element.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Uint8Clamped | Self::Int8 | Self::Uint8 | Self::Bytes => 1,
            Self::Int16 | Self::Uint16 | Self::Float16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float32 => 4,
            Self::BigInt64 | Self::BigUint64 | Self::Float64 => 8,
        }
    }

    /// The name of the class.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Uint8Clamped => "Uint8ClampedArray",
            Self::Int8 => "Int8Array",
            Self::Uint8 => "Uint8Array",
            Self::Int16 => "Int16Array",
            Self::Uint16 => "Uint16Array",
            Self::Int32 => "Int32Array",
            Self::Uint32 => "Uint32Array",
            Self::BigInt64 => "BigInt64Array",
            Self::BigUint64 => "BigUint64Array",
            Self::Float16 => "Float16Array",
            Self::Float32 => "Float32Array",
            Self::Float64 => "Float64Array",
            Self::Bytes => "DataView",
        }
    }
}

wire_enum! {
    /// Which prototype an error has.
    Kind {
        /// Error, and every class that is not in this list.
        Error = 0,
        /// EvalError.
        EvalError = 1,
        /// RangeError.
        RangeError = 2,
        /// ReferenceError.
        ReferenceError = 3,
        /// SyntaxError.
        SyntaxError = 4,
        /// TypeError.
        TypeError = 5,
        /// URIError.
        UriError = 6,
        /// AggregateError.
        AggregateError = 7,
        /// DOMException.
        DomException = 8,
    }
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Kind; 9] = [
        Kind::Error,
        Kind::EvalError,
        Kind::RangeError,
        Kind::ReferenceError,
        Kind::SyntaxError,
        Kind::TypeError,
        Kind::UriError,
        Kind::AggregateError,
        Kind::DomException,
    ];

    /// The name of the class.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::EvalError => "EvalError",
            Self::RangeError => "RangeError",
            Self::ReferenceError => "ReferenceError",
            Self::SyntaxError => "SyntaxError",
            Self::TypeError => "TypeError",
            Self::UriError => "URIError",
            Self::AggregateError => "AggregateError",
            Self::DomException => "DOMException",
        }
    }
}

settled!(
    MAGIC == 1 && DEPTH == 10_000 && NUMBER_BYTES == 5 && FIRST_OWN_TAG == 64,
    Tag::End as u32 == 0 && Tag::Undefined as u32 == 1 && Tag::Null as u32 == 2 && Tag::False as u32 == 3,
    Tag::True as u32 == 4 && Tag::Int as u32 == 5 && Tag::Float as u32 == 6 && Tag::BigInt as u32 == 7,
    Tag::Text as u32 == 8 && Tag::Wide as u32 == 9 && Tag::Reference as u32 == 10 && Tag::from_wire(11).is_none(),
    Tag::from_wire(15).is_none() && Tag::Object as u32 == 16 && Tag::Array as u32 == 17 && Tag::Sparse as u32 == 18,
    Tag::Date as u32 == 19 && Tag::RegExp as u32 == 20 && Tag::Map as u32 == 21 && Tag::Set as u32 == 22,
    Tag::Buffer as u32 == 23 && Tag::Resizable as u32 == 24 && Tag::View as u32 == 25 && Tag::Error as u32 == 26,
    Tag::Boxed as u32 == 27 && Tag::from_wire(28).is_none() && Tag::from_wire(FIRST_OWN_TAG as u32).is_none(),
    Elements::Uint8Clamped as u32 == 0 && Elements::Int8 as u32 == 1 && Elements::Uint8 as u32 == 2,
    Elements::Int16 as u32 == 3 && Elements::Uint16 as u32 == 4 && Elements::Int32 as u32 == 5,
    Elements::Uint32 as u32 == 6 && Elements::BigInt64 as u32 == 7 && Elements::BigUint64 as u32 == 8,
    Elements::Float16 as u32 == 9 && Elements::Float32 as u32 == 10 && Elements::Float64 as u32 == 11,
    Elements::Bytes as u32 == 12 && Elements::from_wire(13).is_none(),
    Kind::Error as u32 == 0 && Kind::EvalError as u32 == 1 && Kind::RangeError as u32 == 2,
    Kind::ReferenceError as u32 == 3 && Kind::SyntaxError as u32 == 4 && Kind::TypeError as u32 == 5,
    Kind::UriError as u32 == 6 && Kind::AggregateError as u32 == 7 && Kind::DomException as u32 == 8,
    Kind::from_wire(9).is_none(),
);
