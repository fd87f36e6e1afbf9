//! A moment as milliseconds since the Unix epoch, as stored bytes have it. It must never know whose moment it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serializer};

/// What older builds did not write down.
pub(crate) fn unknown() -> SystemTime {
    UNIX_EPOCH
}

pub(crate) fn serialize<S: Serializer>(at: &SystemTime, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<SystemTime, D::Error> {
    let since = Duration::from_millis(u64::deserialize(deserializer)?);
    Ok(UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH))
}
