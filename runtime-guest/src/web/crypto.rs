//! What `js/crypto.js` is made of: random bytes, digests and HMAC.

use alloc::vec::Vec;

use crate::natives;
use crate::qjs::{self, Arguments, Value, functions, throw_type};
use crate::random;
use crate::web::bytes;
use crate::web::digest::Hash;

functions! {
    Fill => fill,
    Random => random_bytes,
    Name => random_name,
    Uuid => uuid,
    Digest => digest,
    Hmac => hmac,
    AreEqual => are_equal,
}

/// Gives the scripts their functions.
pub fn install(kit: &Value) -> qjs::Result<()> {
    kit.define(c"fillRandom", Value::function(Function::Fill, c"", 1, 0)?)?;
    kit.define(c"randomBytes", Value::function(Function::Random, c"", 1, 0)?)?;
    kit.define(c"randomName", Value::function(Function::Name, c"", 0, 0)?)?;
    kit.define(c"randomUuid", Value::function(Function::Uuid, c"", 0, 0)?)?;
    kit.define(c"digest", Value::function(Function::Digest, c"", 2, 0)?)?;
    kit.define(c"hmac", Value::function(Function::Hmac, c"", 3, 0)?)?;
    kit.define(c"areEqual", Value::function(Function::AreEqual, c"", 2, 0)?)
}

/// The most bytes that one call fills.
const MOST: usize = 65_536;

/// Fills a typed array of integers: true; false if it is too long, and undefined if it is none.
fn fill(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let array = arguments.get(0);
    let Some(bytes) = natives::bytes(&array).filter(|_| array.holds_integers()) else {
        return Ok(Value::undefined());
    };
    if bytes.read(|bytes| bytes.len() > MOST) {
        return Ok(Value::boolean(false));
    }
    match bytes.write(random::fill) {
        Some(()) => Ok(Value::boolean(true)),
        None => Err(throw_type(c"ArrayBuffer is immutable")),
    }
}

/// So many bytes.
fn random_bytes(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let count = arguments.get(0).as_number().map_or(0, |count| count as usize);
    crate::web::room(count)?;
    let mut bytes = alloc::vec![0; count];
    random::fill(&mut bytes);
    Value::uint8_array(&bytes)
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
}

/// A name that nothing else has.
fn random_name(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    Value::string(&hex(&bytes).collect::<Vec<u8>>())
}

/// A UUID of version 4.
fn uuid(_: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = Vec::with_capacity(36);
    for (at, digit) in hex(&bytes).enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push(b'-');
        }
        text.push(digit);
    }
    Value::string(&text)
}

/// The hash that has this number in `js/crypto.js`.
fn hash(value: &Value) -> qjs::Result<Hash> {
    const HASHES: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let hash = value.as_int().and_then(|number| HASHES.get(number as usize));
    hash.copied().ok_or_else(|| throw_type(c"there is no such hash"))
}

/// The digest of bytes, as an array.
fn digest(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let hash = hash(&arguments.get(0))?;
    let digest = bytes::with(&arguments.get(1), |bytes| hash.digest(&[bytes]))?;
    Value::uint8_array(&digest)
}

/// The code of a key for a message, as an array.
fn hmac(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let hash = hash(&arguments.get(0))?;
    let key = bytes::with(&arguments.get(1), <[u8]>::to_vec)?;
    let code = bytes::with(&arguments.get(2), |message| hash.hmac(&key, message))?;
    Value::uint8_array(&code)
}

/// Whether two arrays hold the same. It looks at all bytes, wherever they differ.
fn are_equal(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let one = bytes::with(&arguments.get(0), <[u8]>::to_vec)?;
    let differ = bytes::with(&arguments.get(1), |other| {
        one.len() != other.len() || one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other)) != 0
    })?;
    Ok(Value::boolean(!differ))
}
