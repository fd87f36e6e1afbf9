//! `TextEncoder` and `TextDecoder`, as the Encoding Standard has them, for UTF-8; the decoder also for UTF-16 and
//! windows-1252, which is what the standard takes Latin-1 for.
//!
//! Code of the script runs only where the standard converts an argument, and bytes are looked at after that.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use crate::natives;
use crate::qjs::{self, Arguments, Integers, Value, class, functions, heap, throw_range, throw_type};

functions! {
    NewEncoder => new_encoder,
    Encode => encode,
    EncodeInto => encode_into,
    NewDecoder => new_decoder,
    Decode => decode,
    Encoding => encoding,
    IsFatal => is_fatal,
    IgnoresBom => ignores_bom,
}

/// What a `TextEncoder` is. It holds nothing.
pub struct Encoder;

/// What a `TextDecoder` is.
pub struct Decoder {
    encoding: Encoding,
    is_fatal: bool,
    ignores_bom: bool,
    stream: Cell<Stream>,
}

/// Where a decoder is in a stream of bytes.
#[derive(Clone, Copy, Default)]
struct Stream {
    /// The last call has said that more bytes follow.
    goes_on: bool,
    /// Text has come, so that a byte order mark is one no more.
    has_begun: bool,
    /// The start of a character whose other bytes have not come yet, and how much of it there is.
    rest: [u8; 3],
    rest_bytes: u8,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
/// What a Uint8Array holds.
const UINT8: Integers = Integers { bits: 8, is_signed: false };

/// What a decoder decodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
    Windows1252,
}

impl Encoding {
    fn name(self) -> &'static [u8] {
        match self {
            Encoding::Utf8 => b"utf-8",
            Encoding::Utf16Little => b"utf-16le",
            Encoding::Utf16Big => b"utf-16be",
            Encoding::Windows1252 => b"windows-1252",
        }
    }

    /// The encoding that has this label.
    fn of(label: &[u8]) -> Option<Encoding> {
        let has = |(_, labels): &(Encoding, &str)| {
            labels.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(label))
        };
        LABELS.iter().find(|labels| has(labels)).map(|(encoding, _)| *encoding)
    }
}

/// The names that the standard has for each.
const LABELS: [(Encoding, &str); 4] = [
    (Encoding::Utf8, "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8"),
    (Encoding::Utf16Little, "utf-16le utf-16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff"),
    (Encoding::Utf16Big, "utf-16be unicodefffe"),
    (
        Encoding::Windows1252,
        "windows-1252 latin1 l1 iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 iso-ir-100 csisolatin1 ascii \
         us-ascii ansi_x3.4-1968 cp1252 x-cp1252 cp819 ibm819",
    ),
];

/// What windows-1252 has from 0x80 to 0x9f; the other characters have the number of their byte.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Puts both classes on the global object.
pub fn install() -> qjs::Result<()> {
    let encoder = class::define::<Encoder>(Function::NewEncoder, c"TextEncoder")?;
    encoder.define_getter(c"encoding", Value::function(Function::Encoding, c"get encoding", 0, 0)?)?;
    encoder.define_member(c"encode", Value::function(Function::Encode, c"encode", 0, 0)?)?;
    encoder.define_member(c"encodeInto", Value::function(Function::EncodeInto, c"encodeInto", 2, 0)?)?;
    let decoder = class::define::<Decoder>(Function::NewDecoder, c"TextDecoder")?;
    decoder.define_getter(c"encoding", Value::function(Function::Encoding, c"get encoding", 0, 0)?)?;
    decoder.define_getter(c"fatal", Value::function(Function::IsFatal, c"get fatal", 0, 0)?)?;
    decoder.define_getter(c"ignoreBOM", Value::function(Function::IgnoresBom, c"get ignoreBOM", 0, 0)?)?;
    decoder.define_member(c"decode", Value::function(Function::Decode, c"decode", 0, 0)?)
}

fn wrong_receiver() -> qjs::Thrown {
    throw_type(c"called on an object of another class")
}

fn require_encoder(arguments: &Arguments<'_>) -> qjs::Result<()> {
    arguments.this().payload::<Encoder>().map(|_| ()).ok_or_else(wrong_receiver)
}

fn new_encoder(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    arguments.construct(Encoder)
}

/// The getter `encoding` of both classes.
fn encoding(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let this = arguments.this();
    if let Some(decoder) = this.payload::<Decoder>() {
        return Value::string(decoder.encoding.name());
    }
    require_encoder(arguments)?;
    Value::string(b"utf-8")
}

fn encode(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    require_encoder(arguments)?;
    let input = arguments.get(0);
    if input.is_undefined() {
        return Value::uint8_array(&[]);
    }
    let text = input.text()?;
    let array = Value::uint8_array(text.bytes())?;
    if has_lone_surrogate(text.bytes())
        && let Some(bytes) = natives::bytes(&array)
    {
        bytes.write(replace_lone_surrogates);
    }
    Ok(array)
}

/// Whether this is the second byte of half of a surrogate pair, behind the first one.
fn is_surrogate(bytes: &[u8]) -> bool {
    matches!(bytes, [0xed, second, ..] if *second >= 0xa0)
}

fn has_lone_surrogate(bytes: &[u8]) -> bool {
    bytes.windows(2).any(is_surrogate)
}

/// Half of a surrogate pair takes three bytes, and so does what replaces it.
fn replace_lone_surrogates(bytes: &mut [u8]) {
    for at in 0..bytes.len() {
        let rest = bytes.get_mut(at..at + 3);
        if let Some(rest) = rest.filter(|rest| is_surrogate(rest)) {
            rest.copy_from_slice(REPLACEMENT);
        }
    }
}

fn encode_into(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    require_encoder(arguments)?;
    let text = arguments.get(0).text()?;
    let array = arguments.get(1);
    let Some(bytes) = natives::bytes(&array).filter(|_| array.integers() == Some(UINT8)) else {
        return Err(throw_type(c"the destination is not a Uint8Array"));
    };
    let Some((read, written)) = bytes.write(|bytes| fill(text.bytes(), bytes)) else {
        return Err(throw_type(c"ArrayBuffer is immutable"));
    };
    let result = Value::object()?;
    result.define_member(c"read", Value::number(read as f64))?;
    result.define_member(c"written", Value::number(written as f64))?;
    Ok(result)
}

/// Copies characters as long as there is room for them: how many units of UTF-16 were read, and bytes written.
fn fill(text: &[u8], into: &mut [u8]) -> (usize, usize) {
    let (mut read, mut written) = (0, 0);
    while let Some(&first) = text.get(written) {
        let length = match first {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
        let end = written + length;
        let (Some(from), Some(to)) = (text.get(written..end), into.get_mut(written..end)) else { break };
        to.copy_from_slice(if is_surrogate(from) { REPLACEMENT } else { from });
        read += if length == 4 { 2 } else { 1 };
        written = end;
    }
    (read, written)
}

fn new_decoder(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let label = arguments.get(0);
    let encoding = if label.is_undefined() {
        Encoding::Utf8
    } else {
        let label = label.text()?;
        let name = label.bytes().trim_ascii();
        Encoding::of(name).ok_or_else(|| {
            throw_range(c"the encoding is not supported; utf-8, utf-16le, utf-16be and windows-1252 are")
        })?
    };
    let options = arguments.get(1);
    let is_fatal = option(&options, c"fatal")?;
    let ignores_bom = option(&options, c"ignoreBOM")?;
    arguments.construct(Decoder { encoding, is_fatal, ignores_bom, stream: Cell::default() })
}

/// One of the options, which are an object or nothing.
fn option(options: &Value, name: &core::ffi::CStr) -> qjs::Result<bool> {
    match options {
        options if options.is_undefined() || options.is_null() => Ok(false),
        options if options.is_object() => Ok(options.get(name)?.is_truthy()),
        _ => Err(throw_type(c"the options are not an object")),
    }
}

fn is_fatal(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let this = arguments.this();
    this.payload::<Decoder>().map(|decoder| Value::boolean(decoder.is_fatal)).ok_or_else(wrong_receiver)
}

fn ignores_bom(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let this = arguments.this();
    this.payload::<Decoder>().map(|decoder| Value::boolean(decoder.ignores_bom)).ok_or_else(wrong_receiver)
}

fn decode(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let this = arguments.this();
    let decoder = this.payload::<Decoder>().ok_or_else(wrong_receiver)?;
    let (input, options) = (arguments.get(0), arguments.get(1));
    let mut bytes = natives::bytes(&input);
    if bytes.is_none() && !input.is_undefined() {
        return Err(throw_type(c"the input is not a buffer or a view of one"));
    }
    let goes_on = option(&options, c"stream")?;
    if options.is_object() {
        // The script may have resized the buffer while it was asked.
        bytes = natives::bytes(&input);
    }
    match bytes {
        Some(bytes) => bytes.read(|bytes| decoder.decode(bytes, goes_on)),
        None => decoder.decode(&[], goes_on),
    }
}

impl Decoder {
    /// The text of these bytes and of those that the last call has left over.
    fn decode(&self, bytes: &[u8], goes_on: bool) -> qjs::Result<Value> {
        let before = Some(self.stream.get()).filter(|stream| stream.goes_on).unwrap_or_default();
        let mut after = Stream { goes_on, has_begun: before.has_begun, ..Stream::default() };
        self.stream.set(after);
        let joined;
        let mut text = bytes;
        if let Some(rest @ [_, ..]) = before.rest.get(..before.rest_bytes.into()) {
            joined = join(rest, bytes)?;
            text = &joined;
        }
        if goes_on {
            let (whole, rest) = text.split_at(text.len() - self.unfinished(text));
            if let Some(place) = after.rest.get_mut(..rest.len()) {
                place.copy_from_slice(rest);
                after.rest_bytes = rest.len() as u8;
            }
            text = whole;
        }
        if !text.is_empty() && !after.has_begun {
            after.has_begun = true;
            if !self.ignores_bom {
                text = text.strip_prefix(self.mark()).unwrap_or(text);
            }
        }
        self.stream.set(after);
        if self.encoding != Encoding::Utf8 {
            return self.transcode(text);
        }
        if core::str::from_utf8(text).is_ok() {
            return Value::string(text);
        }
        if self.is_fatal {
            return Err(throw_type(c"the bytes are not UTF-8"));
        }
        Value::string(lossy(text)?.as_bytes())
    }
}

impl Decoder {
    /// The byte order mark.
    fn mark(&self) -> &'static [u8] {
        match self.encoding {
            Encoding::Utf8 => BYTE_ORDER_MARK,
            Encoding::Utf16Little => b"\xff\xfe",
            Encoding::Utf16Big => b"\xfe\xff",
            // Nothing that a text begins with: it has none.
            Encoding::Windows1252 => &[0; 0],
        }
    }

    fn unit(&self, bytes: &[u8]) -> u16 {
        let [first, second] = [0, 1].map(|at| bytes.get(at).copied().unwrap_or_default());
        u16::from_be_bytes(if self.encoding == Encoding::Utf16Big { [first, second] } else { [second, first] })
    }

    /// How many bytes at the end wait for others.
    fn unfinished(&self, bytes: &[u8]) -> usize {
        match self.encoding {
            Encoding::Utf8 => unfinished(bytes),
            Encoding::Windows1252 => 0,
            Encoding::Utf16Little | Encoding::Utf16Big => {
                let odd = bytes.len() % 2;
                let last = bytes.get(..bytes.len() - odd).and_then(|whole| whole.last_chunk::<2>());
                let is_half = last.is_some_and(|last| (0xd800..0xdc00).contains(&self.unit(last)));
                odd + if is_half { 2 } else { 0 }
            }
        }
    }

    /// The text of bytes that are not UTF-8.
    fn transcode(&self, bytes: &[u8]) -> qjs::Result<Value> {
        let mut text = String::new();
        // A byte takes three bytes of UTF-8 at most, and so does a unit of two bytes.
        if bytes.len().saturating_mul(3) > heap::room() || text.try_reserve_exact(bytes.len() * 3).is_err() {
            return Err(qjs::throw_out_of_memory());
        }
        if self.encoding == Encoding::Windows1252 {
            let character = |byte: &u8| match byte {
                0x80..0xa0 => WINDOWS_1252[usize::from(byte - 0x80)],
                byte => char::from(*byte),
            };
            text.extend(bytes.iter().map(character));
            return Value::string(text.as_bytes());
        }
        // What is cut off at the end is one mistake, be it a byte, half of a pair, or both.
        let (whole, rest) = bytes.split_at(bytes.len() - self.unfinished(bytes));
        let mut is_wrong = !rest.is_empty();
        for one in char::decode_utf16(whole.chunks_exact(2).map(|unit| self.unit(unit))) {
            is_wrong |= one.is_err();
            text.push(one.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !rest.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        if is_wrong && self.is_fatal {
            return Err(throw_type(c"the bytes are not UTF-16"));
        }
        Value::string(text.as_bytes())
    }
}

/// How many bytes at the end begin a character without ending it.
fn unfinished(text: &[u8]) -> usize {
    (1..=3.min(text.len()))
        .find(|count| {
            let end = text.get(text.len() - count..).unwrap_or_default();
            // An error without a length is a character that the end has cut off.
            core::str::from_utf8(end).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

fn join(rest: &[u8], bytes: &[u8]) -> qjs::Result<Vec<u8>> {
    let mut joined = Vec::new();
    if rest.len() + bytes.len() > heap::room() || joined.try_reserve_exact(rest.len() + bytes.len()).is_err() {
        return Err(qjs::throw_out_of_memory());
    }
    joined.extend_from_slice(rest);
    joined.extend_from_slice(bytes);
    Ok(joined)
}

/// The text with each wrong sequence replaced. The standard and Rust agree on where such a sequence ends.
fn lossy(text: &[u8]) -> qjs::Result<String> {
    let replaced = |invalid: &[u8]| if invalid.is_empty() { 0 } else { REPLACEMENT.len() };
    let length = text.utf8_chunks().map(|chunk| chunk.valid().len() + replaced(chunk.invalid())).sum();
    let mut lossy = String::new();
    if length > heap::room() || lossy.try_reserve_exact(length).is_err() {
        return Err(qjs::throw_out_of_memory());
    }
    for chunk in text.utf8_chunks() {
        lossy.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            lossy.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Ok(lossy)
}
