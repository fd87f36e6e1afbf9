//! The serialized form of a moment: milliseconds since the Unix epoch. It must never know what the moment means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serializer};

/// Stands for a time that older builds did not store.
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
