//! The key of sealed snapshots.
//!
//! It owns where a key comes from and who may read its file. It must never know what is sealed with it.

use std::env::{self, VarError};
use std::fs::Metadata;
use std::path::Path;

use crate::arguments;
use crate::ending::Refusal;
use crate::source;
use crate::system::{self, Exposure};

/// The environment variable that holds the key. Processes that belljar starts do not inherit it.
pub(crate) const VARIABLE: &str = "BELLJAR_KEY";

/// What seals and opens snapshots.
pub(crate) type Key = [u8; 32];

/// The key that was given. No flag takes the key itself, because other users of the machine can read arguments.
pub(crate) fn read(from: &arguments::Key) -> Result<Option<Key>, Refusal> {
    let (text, origin) = match (&from.key_file, env::var(VARIABLE)) {
        (Some(path), _) => (read_file(path)?, path.display().to_string()),
        (None, Ok(text)) => (text, VARIABLE.to_owned()),
        (None, Err(VarError::NotPresent)) => return Ok(None),
        (None, Err(VarError::NotUnicode(_))) => (String::new(), VARIABLE.to_owned()),
    };
    let digits = text.trim().as_bytes().chunks(2).map(|pair| {
        let [high, low] = pair else { return None };
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        Some(value(*high)? << 4 | value(*low)?)
    });
    let bytes = digits.collect::<Option<Vec<u8>>>().and_then(|bytes| Key::try_from(bytes).ok());
    match bytes {
        Some(key) => Ok(Some(key)),
        None => Err(Refusal::usage(format!("{origin} holds no key: it should be 64 hexadecimal digits"))),
    }
}

fn read_file(path: &Path) -> Result<String, Refusal> {
    let bytes = source::file_that(path, |about| check(path, about))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Refuses a file that others can read or change, where the system tells.
fn check(path: &Path, about: &Metadata) -> Result<(), Refusal> {
    match system::exposure(about) {
        None => Ok(()),
        Some(exposure) => Err(Refusal::usage(format!(
            "{} holds a key, but with mode {:o} others can read or change it; {}",
            path.display(),
            exposure.mode,
            advice(path, &exposure)
        ))),
    }
}

fn advice(path: &Path, exposure: &Exposure) -> String {
    let path = path.display().to_string();
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    let quoted = if is_plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) };
    // After two dashes, a name that begins with one is not read as a flag.
    let dashes = if quoted.starts_with(['-', '\'']) { "-- " } else { "" };
    match exposure.owner {
        None => format!("chmod 600 {dashes}{quoted}"),
        Some(owner) => format!("user {owner} owns it and can close it with: chmod o= {dashes}{quoted}"),
    }
}
