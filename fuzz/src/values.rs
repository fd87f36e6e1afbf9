//! The target for values in the binary form, which a hostile guest could send.

use belljar::{Error, Recording, Value};

use crate::allocation::within;
use crate::{assert_comes_back, limits, router, runtime};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of a message. A recording is a public way to one.
fn decode(message: &[u8]) -> Option<Value> {
    let mut text = String::new();
    for chunk in message.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { letter.into() });
        }
    }
    let call = format!(r#"{{"call":{{"method":"m","binary_params":"{text}"}}}}"#);
    let recording = format!(r#"{{"belljar_recording":2,"events":[{call}],"open":{{}}}}"#);
    let recording = within(64 * recording.len() + (1 << 16), || Recording::from_bytes(recording.as_bytes())).ok()?;
    recording.calls().pop().map(|call| call.params)
}

/// Bytes of a message in the binary form: read in every way, and sent through a jar twice. After the first time nothing
/// may change any more.
pub fn value(data: &[u8]) {
    let Some(value) = decode(data) else { return };
    // Text and types may be many times as long as a value that refers to its parts, up to a fixed size.
    const MOST: usize = 200 << 20;
    within(64 * data.len() + (1 << 16), || value.as_str().len());
    let exact = within(MOST, || value.to_json().map(std::borrow::Cow::into_owned));
    if let Ok(text) = &exact {
        assert!(Value::from_json(text.as_str()).is_ok(), "{text} is not JSON");
    }
    if let Ok(text) = within(MOST, || value.to_json_lossy().map(std::borrow::Cow::into_owned)) {
        assert!(Value::from_json(text.as_str()).is_ok(), "{text} is not JSON");
    }
    let _ = within(MOST, || value.get::<serde_json::Value>());
    let _ = within(MOST, || value.get::<Vec<Option<f64>>>());
    let _ = within(MOST, || value.get::<belljar::js::Bytes>());
    let _ = within(MOST, || value.get::<belljar::js::Map<String, Vec<u128>>>());
    assert_eq!(value.get::<Value>().as_ref(), Ok(&value));
    let mut jar = runtime().instance(&router(), &limits()).expect("there is room");
    jar.eval("host.on('same', value => host.rpcSync('echo', value))").expect("it registers");
    match jar.dispatch("same", &value) {
        Ok(once) => match jar.dispatch("same", &once) {
            Ok(twice) => assert_eq!(once, twice),
            Err(error) => assert!(matches!(error, Error::Limit { .. } | Error::Js(_) | Error::Poisoned), "{error}"),
        },
        Err(error) => assert!(!matches!(error, Error::Guest { .. } | Error::Host { .. }), "{error}"),
    }
    assert_comes_back(&mut jar);
}
