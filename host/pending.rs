//! The ids of handler calls, and the calls that a paused script waits for.
//!
//! It owns the format of an id. It must never know a handler, nor where calls are kept.

use std::fmt;
use std::process;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::millis;
use crate::random;
use crate::reply::RpcError;
use crate::value::{Stored, Value};

/// The id of a handler call, valid in every process. It is a string of at most 37 characters, also in JSON.
///
/// It is unique across restored copies: 64 random bits of the instance, and a counter of its calls. So a late answer
/// cannot reach another call. Instances restored from one snapshot draw different bits, and so does a forked process.
/// Calls that were pending in a snapshot keep their ids in all of its copies, and so does a call that is [made
/// again](crate::Answer::CallAgain).
///
/// An instance with a [seed](crate::InstanceBuilder::seed) derives the bits from the seed, so that runs with the same
/// seed have the same ids. Then copies of one snapshot need different seeds to have different ids, and a reset starts
/// the same ids again.
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
        // An id has exactly one spelling: no capitals, no sign, no leading zeros in the number.
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

/// Gives ids to the calls that one instance makes. Its running handlers share it.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// The embedder's seed.
    seed: Option<u64>,
    /// The random bits, and the id of the process that drew them. They are drawn for the first id, so that most
    /// instances pay nothing, and again in a forked child, where the instance is a different one.
    nonce: Mutex<Option<(u64, u32)>>,
    next: AtomicU64,
}

impl Ids {
    /// For an instance that has made `calls` calls, counted by its snapshot. It draws its own random bits.
    pub(crate) fn after(calls: u64, seed: Option<u64>) -> Ids {
        Ids { seed, nonce: Mutex::default(), next: AtomicU64::new(calls) }
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The number of the next call. A forged snapshot can start near the largest number; the counter wraps then.
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

    /// The bits that make the ids of this instance unique. Ids are shown to others, so the seed must not be
    /// computable from one.
    fn draw(&self) -> Result<u64> {
        const PURPOSE: &str = "belljar call ids";
        match self.seed {
            Some(seed) => Ok(random::derive(PURPOSE, &seed.to_le_bytes())),
            None => Ok(random::derive(PURPOSE, &random::draw::<32>()?)),
        }
    }
}

/// A call that a script waits for: its handler paused it, or allowed belljar to drop it when another handler paused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
#[non_exhaustive]
pub struct PendingCall {
    /// The id, by which an answer names the call.
    pub id: CallId,
    /// The number by which the guest knows the call. The guest reuses these numbers.
    pub(crate) slot: u32,
    /// The method.
    pub method: String,
    /// The parameters.
    pub params: Value,
    /// When the script made the call, in whole milliseconds: by the system's clock, or by the clock that the embedder
    /// gave the instance.
    pub made_at: SystemTime,
}

/// The serialized form of a call: its parameters are JSON, or base64 where JSON has no form for them.
#[derive(Serialize, Deserialize)]
struct Written {
    id: CallId,
    slot: u32,
    method: String,
    #[serde(default, skip_serializing_if = "Value::is_undefined")]
    params: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary_params: Option<Stored>,
    #[serde(default = "millis::unknown", with = "millis")]
    made_at: SystemTime,
}

impl From<PendingCall> for Written {
    fn from(PendingCall { id, slot, method, params, made_at }: PendingCall) -> Written {
        let (params, binary_params) = params.split();
        Written { id, slot, method, params, binary_params, made_at }
    }
}

impl From<Written> for PendingCall {
    fn from(Written { id, slot, method, params, binary_params, made_at }: Written) -> PendingCall {
        PendingCall { id, slot, method, params: Value::join(params, binary_params), made_at }
    }
}

/// The answer to a [`PendingCall`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The call has this result; see [`Answer::result`].
    Result(Value),
    /// The call has failed.
    Error(RpcError),
    /// The handler is called again. If it pauses again, the call moves to the end of the pending calls. Its id stays
    /// the same.
    CallAgain,
}

impl Answer {
    /// The call has this result.
    ///
    /// ```
    /// use belljar::Answer;
    ///
    /// assert_eq!(Answer::result(&[1, 2])?, Answer::Result(belljar::Value::from_json("[1,2]")?));
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the value has no form in JavaScript.
    pub fn result(value: &(impl Serialize + ?Sized)) -> Result<Answer> {
        Ok(Answer::Result(Value::write(value).map_err(|why| Error::no_form(&why))?))
    }
}
