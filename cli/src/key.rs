//! The key of sealed snapshots.
//!
//! It owns where a key comes from and who may read its file. It must never know what is sealed with it.

use std::env::{self, VarError};
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use crate::arguments;
use crate::ending::Refusal;
use crate::source;

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

/// Refuses a file that others can read or change, with the rules of ssh: a file of another user may be open to a group,
/// because only its owner could change that.
fn check(path: &Path, about: &Metadata) -> Result<(), Refusal> {
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    let others = if is_ours { 0o077 } else { 0o007 };
    // A terminal stores nothing that others could read.
    if about.mode() & others == 0 || about.file_type().is_char_device() {
        return Ok(());
    }
    Err(Refusal::usage(format!(
        "{} holds a key, but with mode {:o} others can read or change it; {}",
        path.display(),
        about.mode() & 0o777,
        advice(path, about, is_ours)
    )))
}

fn advice(path: &Path, about: &Metadata, is_ours: bool) -> String {
    let path = path.display().to_string();
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    let quoted = if is_plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) };
    // After two dashes, a name that begins with one is not read as a flag.
    let dashes = if quoted.starts_with(['-', '\'']) { "-- " } else { "" };
    if is_ours {
        format!("chmod 600 {dashes}{quoted}")
    } else {
        format!("user {} owns it and can close it with: chmod o= {dashes}{quoted}", about.uid())
    }
}
