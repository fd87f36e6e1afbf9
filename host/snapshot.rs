//! An instance apart from any process: taken between calls or at an `await`, as bytes, and brought back.
//!
//! It owns the format and its refusals. It must never know how memory is read or written.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::driver::{Nanos, Spent};
use crate::error::{Error, Result};
use crate::router::RpcError;
use crate::value::Json;
use crate::vm::frozen::{Frozen, PAGE_BYTES};
use crate::vm::start::Start;

const PLAIN_MAGIC: &[u8; 8] = b"belljarS";
const SEALED_MAGIC: &[u8; 8] = b"belljarX";
const FORMAT: u32 = 2;
const HEADER_BYTES: usize = 8 + 4 + 32;
const CHECKSUM_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

const _: () = assert!(
    FORMAT == 2 && HEADER_BYTES == 44 && PAGE_BYTES == 4096,
    "snapshots lie in other people's stores: change FORMAT with the layout, and say in CHANGELOG.md what becomes of old ones"
);

/// An instance at rest. Restoring it twice makes two instances that share nothing.
///
/// | | in a snapshot |
/// |---|---|
/// | everything that script made: globals, closures, generators, promises, suspended functions, event handlers | yes, as the pages of memory that differ from the guest image |
/// | the calls that wait for an answer | yes: [`Snapshot::pending`] |
/// | what the paused call has used of its limits | yes; under a clock of the embedder's its times are worked out from its fuel, a millisecond for every two million units, so that its bytes do not depend on the machine. That is five to twelve times what most scripts take: give such calls a limit on fuel, and time to spare. [`Instance::renew_budget`](crate::Instance::renew_budget) forgets it |
/// | the seed that the embedder chose, and the state of `Math.random` | yes; without a seed of its own, a restored instance draws anew, and so do the [ids](CallId) of its next calls |
/// | the clock that the embedder chose, or how old the instance is by the system's | yes |
/// | whether code generation was turned off | yes, and it stays off |
/// | a label | yes: [`Snapshot::labelled`] |
/// | handlers, the console, limits, [`InstanceBuilder::data`](crate::InstanceBuilder::data), statistics | no: they are given anew, or begin anew |
/// | handlers at work | no: a pause waits until they have answered, or drops those that allow it; see [`Call::allow_drop`](crate::Call::allow_drop) |
///
/// It is bound to the guest image, and any process with the same one can restore it. Its size is that of what script keeps: one to ten
/// kilobytes for a small one, about a third of the memory that a large one fills with objects and text. A prelude is part of it.
///
/// ```
/// use belljar::{Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let (router, limits) = (Router::new(), Limits::default());
/// let mut jar = runtime.instance(&router, &limits)?;
/// jar.eval("let n = 20")?;
/// let snapshot = jar.snapshot()?;
/// let mut twin = runtime.restore(&snapshot, &router, &limits)?;
/// assert_eq!(twin.eval("++n")?.get::<i64>()?, 21);
/// assert_eq!(jar.eval("n")?.get::<i64>()?, 20);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    identity: [u8; 32],
    start: Arc<Start>,
    pub(crate) about: Arc<About>,
}

/// What a snapshot holds besides memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) label: String,
    pub(crate) configured: Vec<u32>,
    pub(crate) pending: Vec<PendingCall>,
    pub(crate) next_call: u64,
    pub(crate) spent: Option<Spent>,
    pub(crate) age: Nanos,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<u64>,
}

/// The part of the bytes that says how to read the rest.
#[derive(Serialize, Deserialize)]
struct Index {
    about: About,
    stack_pointer: i32,
    memory_bytes: u64,
    pages: Vec<u32>,
}

impl Snapshot {
    pub(crate) fn new(identity: [u8; 32], frozen: Frozen, about: About) -> Snapshot {
        Snapshot { identity, start: Arc::new(Start::new(frozen)), about: Arc::new(about) }
    }

    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    pub(crate) fn frozen(&self) -> &Frozen {
        &self.start.frozen
    }

    pub(crate) fn start(&self) -> &Start {
        &self.start
    }

    /// The calls that the script waits for.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        &self.about.pending
    }

    /// What [`Snapshot::labelled`] said.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.about.label
    }

    /// The same snapshot with a label, for whoever finds it in a store.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Snapshot {
        Arc::make_mut(&mut self.about).label = label.into();
        self
    }

    /// How much memory differs from the image.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.start.frozen.contents.len()
    }

    /// The snapshot as bytes that only storage of your own may hold: they carry a checksum and the identity of the build, and
    /// nothing that keeps a stranger from writing others. [`Snapshot::seal`] does.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut bytes = self.header(PLAIN_MAGIC);
        let checksum = Sha256::new().chain_update(&bytes).chain_update(&body).finalize();
        bytes.extend_from_slice(&checksum);
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads what [`Snapshot::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`], which names what did not match.
    pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot> {
        let (identity, rest) = read_header(bytes, PLAIN_MAGIC)?;
        let Some((checksum, body)) = rest.split_at_checked(CHECKSUM_BYTES) else {
            return refuse("it ends in its header");
        };
        let header = bytes.get(..HEADER_BYTES).unwrap_or_default();
        if Sha256::new().chain_update(header).chain_update(body).finalize().as_slice() != checksum {
            return refuse("its checksum is wrong");
        }
        Snapshot::read_body(identity, body)
    }

    /// The snapshot encrypted and authenticated under a key. The context says whose it is and what for; it is not stored, and
    /// opening wants the same one.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime, Snapshot};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// # let key = [7; 32];
    /// let sealed = jar.snapshot()?.seal(&key, b"tenant 42")?;
    /// assert!(Snapshot::open(&sealed, &key, b"tenant 42").is_ok());
    /// assert!(Snapshot::open(&sealed, &key, b"tenant 43").is_err());
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the system has no randomness to give.
    pub fn seal(&self, key: &[u8; 32], context: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Error::host(format!("no randomness for a nonce: {error}")))?;
        let mut bytes = self.header(SEALED_MAGIC);
        let associated = [bytes.as_slice(), context].concat();
        let sealed = XChaCha20Poly1305::new(key.into())
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &self.body(), aad: &associated })
            .map_err(|_| Error::host("the snapshot is too large to seal"))?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`Snapshot::seal`] closed. Nothing of the contents is looked at before key, context and every byte are proven.
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`], which names what did not match.
    pub fn open(bytes: &[u8], key: &[u8; 32], context: &[u8]) -> Result<Snapshot> {
        let (identity, rest) = read_header(bytes, SEALED_MAGIC)?;
        let Some((nonce, sealed)) = rest.split_at_checked(NONCE_BYTES) else {
            return refuse("it ends in its header");
        };
        let associated = [bytes.get(..HEADER_BYTES).unwrap_or_default(), context].concat();
        match XChaCha20Poly1305::new(key.into())
            .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &associated })
        {
            Ok(body) => Snapshot::read_body(identity, &body),
            Err(_) => refuse("the key or the context is another one, or it was changed"),
        }
    }

    fn header(&self, magic: &[u8; 8]) -> Vec<u8> {
        [magic.as_slice(), &FORMAT.to_le_bytes(), &self.identity].concat()
    }

    fn body(&self) -> Vec<u8> {
        let index = Index {
            about: About::clone(&self.about),
            stack_pointer: self.start.frozen.stack_pointer,
            memory_bytes: self.start.frozen.memory_bytes,
            pages: self.start.frozen.pages.clone(),
        };
        // Every field is a number, a text or a list of those, so this cannot fail.
        let index = serde_json::to_vec(&index).unwrap_or_default();
        let contents = lz4_flex::block::compress(&self.start.frozen.contents);
        let mut body = Vec::with_capacity(8 + index.len() + contents.len());
        body.extend_from_slice(&(index.len() as u64).to_le_bytes());
        body.extend_from_slice(&index);
        body.extend_from_slice(&contents);
        body
    }

    fn read_body(identity: [u8; 32], body: &[u8]) -> Result<Snapshot> {
        let Some((length, rest)) = body.split_first_chunk::<8>() else {
            return refuse("it has no index");
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((index, contents)) = rest.split_at_checked(length) else {
            return refuse("its index is cut off");
        };
        let index: Index = match serde_json::from_slice(index) {
            Ok(index) => index,
            Err(error) => return refuse(&format!("its index cannot be read: {error}")),
        };
        let last_page = index.memory_bytes / PAGE_BYTES as u64;
        let is_rising = index.pages.is_sorted_by(|one, next| one < next);
        if index.memory_bytes > u64::from(u32::MAX) + 1
            || !is_rising
            || index.pages.last().is_some_and(|&page| u64::from(page) >= last_page)
        {
            return refuse("it has pages outside of its memory");
        }
        let size = index.pages.len() * PAGE_BYTES;
        // The compressor cannot do better than this, so a small text cannot claim a large memory.
        if size > contents.len().saturating_mul(MOST_COMPRESSION) {
            return refuse("its pages are not as many as it claims");
        }
        let contents = match lz4_flex::block::decompress(contents, size) {
            Ok(contents) if contents.len() == size => contents,
            _ => return refuse("its pages cannot be unpacked"),
        };
        let frozen = Frozen {
            stack_pointer: index.stack_pointer,
            memory_bytes: index.memory_bytes,
            pages: index.pages,
            contents,
        };
        Ok(Snapshot::new(identity, frozen, index.about))
    }
}

/// One byte of LZ4 stands for at most 255 bytes, and a few more for the first.
const MOST_COMPRESSION: usize = 256;

fn refuse<T>(message: &str) -> Result<T> {
    Err(Error::Snapshot { message: message.into() })
}

fn read_header<'a>(bytes: &'a [u8], magic: &[u8; 8]) -> Result<([u8; 32], &'a [u8])> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return refuse("it is shorter than its header");
    };
    let (begin, identity) = header.split_at(8 + 4);
    match begin.split_at(8) {
        (found, _) if found != magic => return refuse("it does not begin like one"),
        (_, format) if format != FORMAT.to_le_bytes() => return refuse("it has another format version"),
        _ => {}
    }
    match identity.try_into() {
        Ok(identity) => Ok((identity, rest)),
        Err(_) => refuse("it has no identity"),
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("label", &self.about.label)
            .field("pending", &self.about.pending)
            .field("memory_bytes", &self.memory_bytes())
            .finish_non_exhaustive()
    }
}

/// Names a pending call, in this process and wherever its question is kept: it is text of at most 37 characters, a string in JSON.
///
/// No other call has it, so an answer that comes too late meets no other call. An instance numbers the calls that it pauses, before and
/// after it was restored, and sets in front of the number 64 bits of its own: twins of one snapshot draw other ones. What was pending
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
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Gives ids to the calls that one instance pauses.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// Drawn when the first call is paused; an instance that never pauses pays nothing.
    nonce: Option<u64>,
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

    /// The next id. Ids are shown to others, so nobody may learn the seed from one.
    pub(crate) fn draw(&mut self, seed: impl FnOnce() -> u64) -> CallId {
        let nonce = *self.nonce.get_or_insert_with(|| {
            let digest = Sha256::new().chain_update(b"belljar call ids").chain_update(seed().to_le_bytes()).finalize();
            digest.iter().take(8).fold(0, |nonce, byte| nonce << 8 | u64::from(*byte))
        });
        let number = self.next;
        // A number near the end comes out of a forged snapshot.
        self.next = self.next.wrapping_add(1);
        CallId { nonce, number }
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

/// How far a script got.
#[derive(Debug)]
#[non_exhaustive]
pub enum Turn {
    /// To its end.
    Done(Json),
    /// To calls that only the embedder can answer.
    Paused(Paused),
}

/// A script that waits, and the instance that it waits in.
#[derive(Clone, Debug)]
pub struct Paused {
    pub(crate) snapshot: Snapshot,
}

impl Paused {
    /// The calls that it waits for.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        self.snapshot.pending()
    }

    /// Everything that is needed to go on later, elsewhere.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}
