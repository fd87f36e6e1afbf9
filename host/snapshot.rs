//! Snapshots: the state of an instance as bytes, taken between calls or at an `await`, and restored.
//!
//! It owns the format and rejects bytes that are not in it. It must never know how memory is read or written.

mod index;

use std::fmt;
use std::sync::{Arc, OnceLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

pub(crate) use self::index::About;
use self::index::Index;
use crate::error::{Error, Result};
use crate::excerpt;
use crate::limits::{LimitKind, Limits};
use crate::packed::Packed;
use crate::pending::PendingCall;
use crate::random;
use crate::value::Value;
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

/// The saved state of an instance. Restoring it twice makes two independent instances.
///
/// A clone costs three reference counts; it shares the memory.
///
/// | | in a snapshot |
/// |---|---|
/// | everything that scripts made: globals, closures, generators, promises, suspended functions, event handlers | yes, as the pages of memory that differ from the guest image |
/// | the calls that wait for an answer | yes: [`Snapshot::pending`] |
/// | what the paused call has used of its limits | yes. Under a clock of the embedder its times are computed from its fuel, at two million units per millisecond, so that the bytes do not depend on the machine. This is five to twelve times what most scripts take: give such calls a fuel limit, and generous time limits. [`Instance::renew_budget`](crate::Instance::renew_budget) resets it |
/// | the seed that the embedder chose, and the state of `Math.random` | yes; without a seed of the embedder, a restored instance draws new random numbers, and new [ids](crate::CallId) for its next calls |
/// | the clock that the embedder chose, or the age of the instance by the system's clock | yes |
/// | whether code generation was turned off | yes, and it stays off |
/// | a label | yes: [`Snapshot::labelled`] |
/// | handlers, the console, limits, [`InstanceBuilder::data`](crate::InstanceBuilder::data), statistics | no: they are given again, or start from zero |
/// | running handlers | no: a pause waits until they have answered, or drops those that allow it; see [`Call::allow_drop`](crate::Call::allow_drop) |
///
/// It is bound to the guest image, and any process with the same image can restore it. Its size depends on what
/// scripts keep: one to ten kilobytes for a small script, about a third of the memory for a large one full of objects
/// and strings. What a prelude left is part of it.
///
/// Memory that a script has freed is cleared before a snapshot is taken. Three kinds of data can remain: objects that
/// only a cycle keeps alive, until the engine collects them; a few bytes at the end of blocks that were reused or
/// shortened; and short property names.
///
/// A snapshot that was read from bytes stays compressed until it is first restored, and is decompressed only if it
/// fits under the limits of that restore. So reading takes memory in proportion to the bytes. The decompressed memory
/// is kept for the next restore as long as a clone of the snapshot exists.
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
    memory: Arc<Memory>,
    start: Arc<Start>,
    pub(crate) about: Arc<About>,
}

/// The memory of a snapshot.
enum Memory {
    /// As it was taken from an instance.
    Taken(Frozen),
    /// As it was read from bytes.
    Read(Stored),
}

/// Memory as stored bytes contain it; the bytes may be forged.
struct Stored {
    stack_pointer: i32,
    memory_bytes: u64,
    pages: Vec<u32>,
    /// The contents of these pages, in order.
    contents: Packed,
    /// Set by the first restore whose limits allow it; None if the pages cannot be decompressed.
    unpacked: OnceLock<Option<Frozen>>,
}

impl Stored {
    fn unpack(&self) -> Option<Frozen> {
        Some(Frozen {
            stack_pointer: self.stack_pointer,
            memory_bytes: self.memory_bytes,
            pages: self.pages.clone(),
            contents: self.contents.unpack()?,
        })
    }
}

impl Snapshot {
    pub(crate) fn new(identity: [u8; 32], frozen: Frozen, about: About) -> Snapshot {
        Snapshot { identity, memory: Arc::new(Memory::Taken(frozen)), start: Arc::default(), about: Arc::new(about) }
    }

    /// Refuses a snapshot of another guest, or one that does not fit under these limits. Nothing is decompressed for
    /// the check.
    pub(crate) fn check(&self, identity: &[u8; 32], limits: &Limits) -> Result<()> {
        if self.identity != *identity {
            return refuse(&format!(
                "it was taken from the guest {}, and this build has the guest {}",
                excerpt::identity(&self.identity),
                excerpt::identity(identity)
            ));
        }
        let held = match &*self.memory {
            Memory::Taken(frozen) => frozen.memory_bytes,
            Memory::Read(stored) => stored.memory_bytes,
        };
        if held > limits.memory_bytes {
            return Err(LimitKind::Memory.too_low(limits, held));
        }
        let calls = self.about.pending.len() as u64;
        if calls > limits.pending_rpcs.into() {
            return Err(LimitKind::PendingRpcs.too_low(limits, calls));
        }
        Ok(())
    }

    /// The memory, decompressed if necessary. Call [`Snapshot::check`] first, which ensures that the limits allow its
    /// size.
    pub(crate) fn frozen(&self) -> Result<&Frozen> {
        match &*self.memory {
            Memory::Taken(frozen) => Ok(frozen),
            Memory::Read(stored) => match stored.unpacked.get_or_init(|| stored.unpack()) {
                Some(frozen) => Ok(frozen),
                None => refuse("its pages cannot be unpacked"),
            },
        }
    }

    /// What all instances that start from it share.
    pub(crate) fn start(&self) -> &Start {
        &self.start
    }

    /// The calls that the script waits for.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        &self.about.pending
    }

    /// The label that [`Snapshot::labelled`] set.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.about.label
    }

    /// The same snapshot with a label, to tell stored snapshots apart.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Snapshot {
        Arc::make_mut(&mut self.about).label = label.into();
        self
    }

    /// The size of the memory that differs from the guest image.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match &*self.memory {
            Memory::Taken(frozen) => frozen.contents.len(),
            Memory::Read(stored) => stored.contents.length(),
        }
    }

    /// The snapshot as bytes for trusted storage. They carry a checksum and the identity of the build, but no
    /// protection against forgery; [`Snapshot::seal`] has that.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut bytes = self.header(PLAIN_MAGIC);
        let checksum = Sha256::new().chain_update(&bytes).chain_update(&body).finalize();
        bytes.extend_from_slice(&checksum);
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads what [`Snapshot::to_bytes`] wrote. For any bytes, this takes at most eight times their length and a few
    /// kilobytes of memory.
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

    /// The snapshot as bytes, encrypted and authenticated with a key. The context names, for example, the owner and
    /// the purpose; it is not stored, and [`Snapshot::open`] needs the same context.
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
    /// [`Error::Host`] when the system provides no randomness.
    pub fn seal(&self, key: &[u8; 32], context: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_BYTES] = random::draw()?;
        let mut bytes = self.header(SEALED_MAGIC);
        let associated = [bytes.as_slice(), context].concat();
        let sealed = XChaCha20Poly1305::new(key.into())
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &self.body(), aad: &associated })
            .map_err(|_| Error::host("the snapshot is too large to seal"))?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Decrypts what [`Snapshot::seal`] encrypted. The contents are parsed only after the key, the context and every
    /// byte have been authenticated.
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
        match &*self.memory {
            Memory::Taken(Frozen { stack_pointer, memory_bytes, pages, contents }) => {
                self.body_of((*stack_pointer, *memory_bytes), pages, &Packed::pack(contents))
            }
            Memory::Read(Stored { stack_pointer, memory_bytes, pages, contents, .. }) => {
                self.body_of((*stack_pointer, *memory_bytes), pages, contents)
            }
        }
    }

    fn body_of(&self, (stack_pointer, memory_bytes): (i32, u64), pages: &[u32], contents: &Packed) -> Vec<u8> {
        let index = Index { about: About::clone(&self.about), stack_pointer, memory_bytes, pages: pages.to_vec() };
        // Every field is a number, a string or a list of those, so this cannot fail.
        let index = serde_json::to_vec(&index).unwrap_or_default();
        [&(index.len() as u64).to_le_bytes(), index.as_slice(), contents.as_bytes()].concat()
    }

    fn read_body(identity: [u8; 32], body: &[u8]) -> Result<Snapshot> {
        let Some((length, rest)) = body.split_first_chunk::<8>() else {
            return refuse("it has no index");
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((index, contents)) = rest.split_at_checked(length) else {
            return refuse("its index is cut off");
        };
        let Index { about, stack_pointer, memory_bytes, pages } = match Index::read(index) {
            Ok(index) => index,
            Err(why) => return refuse(&why),
        };
        let Some(contents) = Packed::check(contents, pages.len() * PAGE_BYTES) else {
            return refuse("its pages are not as many as it claims, or cannot be unpacked");
        };
        let stored = Stored { stack_pointer, memory_bytes, pages, contents, unpacked: OnceLock::new() };
        Ok(Snapshot { identity, memory: Arc::new(Memory::Read(stored)), start: Arc::default(), about: Arc::new(about) })
    }
}

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
        (_, format) if format != FORMAT.to_le_bytes() => {
            let found = format.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            return refuse(&format!("it has format {found}, and this build reads format {FORMAT}"));
        }
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

/// How far a step has run a script.
#[derive(Debug)]
#[non_exhaustive]
pub enum Turn<T = Value> {
    /// The script has ended.
    Done(T),
    /// The script waits for calls that the embedder must answer.
    Paused(Paused),
}

/// A paused script, with the snapshot of its instance.
#[derive(Clone, Debug)]
pub struct Paused {
    pub(crate) snapshot: Snapshot,
}

impl Paused {
    /// The calls that the script waits for.
    #[must_use]
    pub fn pending(&self) -> &[PendingCall] {
        self.snapshot.pending()
    }

    /// The snapshot, from which any process of the same build can resume the script.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}
