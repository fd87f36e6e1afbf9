//! Calls that a script waits for while nobody is at work on them: their names, and what becomes of them.
//!
//! It owns the form of a name. It must never know a handler, nor where calls are kept.

use std::fmt;
use std::process;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::json::Json;
use crate::reply::RpcError;

/// Names a pending call, in this process and wherever its question is kept: it is text of at most 37 characters, a string in JSON.
///
/// No other call has it, so an answer that comes too late meets no other call. An instance numbers the calls that it pauses, before and
/// after it was restored, and sets in front of the number 64 bits of its own: twins of one snapshot draw other ones, and so does a forked
/// process. What was pending
/// in a snapshot keeps its id in all of them. An instance with a [seed](crate::InstanceBuilder::seed) has its bits from there, so that a
/// run with the same seed gives the same ids; then twins need seeds of their own to differ, and a reset begins the ids anew.
///
/// ```
/// use belljar::CallId;
///
/// let id: CallId = "00c0ffee00c0ffee-7".parse()?;
/// assert_eq!(id.to_string(), "00c0ffee00c0ffee-7");
/// assert!("7".parse::<CallId>().is_err());
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    nonce: u64,
    number: u64,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.nonce, self.number)
    }
}

impl FromStr for CallId {
    type Err = Error;

    fn from_str(text: &str) -> Result<CallId> {
        let id = text.split_once('-').and_then(|(nonce, number)| {
            Some(CallId { nonce: u64::from_str_radix(nonce, 16).ok()?, number: number.parse().ok()? })
        });
        // A call has one name and not several: no capitals, no sign, no zero in front.
        id.filter(|id| id.to_string() == text)
            .ok_or_else(|| Error::input("not the id of a call; `PendingCall::id` as text is one"))
    }
}

impl Serialize for CallId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<CallId, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = CallId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of a call")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<CallId, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Gives ids to the calls that one instance pauses.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// Drawn when the first call is paused, so that an instance that never pauses pays nothing, and the process that drew it: an instance that
    /// lives on in a forked child is another one there.
    nonce: Option<(u64, u32)>,
    next: u64,
}

impl Ids {
    /// For an instance that goes on from a snapshot: its numbers go on, its nonce is its own.
    pub(crate) fn after(next: u64) -> Ids {
        Ids { nonce: None, next }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.next
    }

    /// The next id.
    pub(crate) fn draw(&mut self, nonce: impl FnOnce() -> Result<u64>) -> Result<CallId> {
        let here = process::id();
        let nonce = match self.nonce {
            Some((nonce, process)) if process == here => nonce,
            _ => nonce()?,
        };
        self.nonce = Some((nonce, here));
        let number = self.next;
        // A number near the end comes out of a forged snapshot.
        self.next = self.next.wrapping_add(1);
        Ok(CallId { nonce, number })
    }
}

/// A call that a script waits for: its handler has paused it, or let itself be dropped when another one did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingCall {
    /// What an answer names it by.
    pub id: CallId,
    /// The guest's own number for it, which is used again.
    pub(crate) slot: u32,
    /// The method.
    pub method: String,
    /// The parameters.
    #[serde(default, skip_serializing_if = "Json::is_undefined")]
    pub params: Json,
}

/// What becomes of a [`PendingCall`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The call has this result.
    Result(Json),
    /// The call has failed.
    Error(RpcError),
    /// The handler is asked again. If it pauses again, the call is pending under a new id, behind the others.
    CallAgain,
}
