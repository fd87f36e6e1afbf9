//! Calls of handlers by name, and those that a script waits for while nobody is at work on them.
//!
//! It owns the form of a name. It must never know a handler, nor where calls are kept.

use std::fmt;
use std::process;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::json::Json;
use crate::millis;
use crate::random;
use crate::reply::RpcError;

/// Names a call of a handler, in this process and wherever it is kept: it is text of at most 37 characters, a string
/// in JSON.
///
/// No other call has it, so an answer that comes too late meets no other call. An instance numbers its calls, before
/// and after it was restored, and sets in front of the number 64 random bits of its own. Twins of one snapshot draw
/// other bits, and so does a forked process. What was pending in a snapshot keeps its id in all of them, and a call
/// that is [made again](crate::Answer::CallAgain) keeps it too.
///
/// An instance with a [seed](crate::InstanceBuilder::seed) has its bits from there, so that a run with the same seed
/// gives the same ids; then twins need seeds of their own to differ, and a reset begins the ids anew.
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
        id.filter(|id| id.to_string() == text).ok_or_else(|| Error::input("not the id of a call"))
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

/// Gives ids to the calls that one instance makes. Its handlers at work share it.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// The embedder's seed.
    seed: Option<u64>,
    /// Drawn when the first id is asked for, so that most instances pay nothing, and the process that drew it: an
    /// instance that lives on in a forked child is another one there.
    nonce: Mutex<Option<(u64, u32)>>,
    next: AtomicU64,
}

impl Ids {
    /// For an instance that has made so many calls, which a snapshot counts; its nonce is its own.
    pub(crate) fn after(calls: u64, seed: Option<u64>) -> Ids {
        Ids { seed, nonce: Mutex::default(), next: AtomicU64::new(calls) }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The number of the next call. One near the end comes out of a forged snapshot.
    pub(crate) fn count(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The id of a call.
    pub(crate) fn id(&self, number: u64) -> Result<CallId> {
        let here = process::id();
        let mut drawn = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let nonce = match *drawn {
            Some((nonce, process)) if process == here => nonce,
            _ => self.draw()?,
        };
        *drawn = Some((nonce, here));
        Ok(CallId { nonce, number })
    }

    /// What sets the ids of this instance apart. They are shown to others, so nobody may learn the seed from one.
    fn draw(&self) -> Result<u64> {
        const PURPOSE: &str = "belljar call ids";
        match self.seed {
            Some(seed) => Ok(random::derive(PURPOSE, &seed.to_le_bytes())),
            None => Ok(random::derive(PURPOSE, &random::draw::<32>()?)),
        }
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
    /// When the script made the call: by the system's clock, or by the one that the embedder gave the instance. In
    /// whole milliseconds.
    #[serde(default = "millis::unknown", with = "millis")]
    pub made_at: SystemTime,
}

/// What becomes of a [`PendingCall`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The call has this result; see [`Answer::result`].
    Result(Json),
    /// The call has failed.
    Error(RpcError),
    /// The handler is asked again. If it pauses again, the call is pending behind the others. Its id stays the same.
    CallAgain,
}

impl Answer {
    /// The call has this result.
    ///
    /// ```
    /// use belljar::Answer;
    ///
    /// assert_eq!(Answer::result(&[1, 2])?, Answer::Result(belljar::Json::from_text("[1,2]")?));
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the value has no JSON form.
    pub fn result(value: &(impl Serialize + ?Sized)) -> Result<Answer> {
        Ok(Answer::Result(Json::write(value).map_err(|error| Error::no_json(&error))?))
    }
}
