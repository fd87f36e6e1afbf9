//! Compiled scripts, and their format as bytes.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::excerpt;

const MAGIC: &[u8; 8] = b"belljarP";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 8 + 4 + 4 + 32 + 8 + 32;

const _: () = assert!(
    FORMAT == 1 && HEADER_BYTES == 88,
    "programs lie in other people's stores: change FORMAT with the layout, and say in CHANGELOG.md that old ones must be compiled again"
);

/// A script compiled to QuickJS bytecode. Any instance of the same build can run it, in any thread or process. A
/// clone costs one reference count.
///
/// Its bytes are trusted input: they carry the identity of the guest and a checksum, which detect accidents but not
/// forgery. Forged bytes can corrupt the instance that runs them, and nothing else.
///
/// A program belongs to one guest: an update of belljar that changes the guest also invalidates stored programs.
/// Running one then ends with [`Error::Program`]. So store the source next to the program, and on this error compile
/// the source again and replace the stored bytes. [`Facts::identity`](crate::Facts::identity) names the guest of a
/// runtime: store it with the program to see in advance which programs must be compiled again. With the feature
/// `compiler`, `RuntimeBuilder::guest` can run the older guest image instead.
///
/// ```
/// use belljar::{Limits, Program, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let bytes = runtime.compile("6 * 7")?.to_bytes();
/// let program = Program::from_bytes(&bytes)?;
/// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
/// assert_eq!(jar.run(&program)?.get::<i64>()?, 42);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    identity: [u8; 32],
    bytecode: Arc<[u8]>,
}

impl Program {
    pub(crate) fn new(identity: [u8; 32], bytecode: Vec<u8>) -> Program {
        Program { identity, bytecode: bytecode.into() }
    }

    /// Refuses what was compiled for another guest.
    pub(crate) fn check(&self, identity: &[u8; 32]) -> Result<()> {
        if self.identity == *identity {
            return Ok(());
        }
        refuse(&format!(
            "it was compiled for the guest {}, and this build has the guest {}",
            excerpt::identity(&self.identity),
            excerpt::identity(identity)
        ))
    }

    pub(crate) fn bytecode(&self) -> &[u8] {
        &self.bytecode
    }

    /// The program as bytes: magic, format, flags, the guest's identity, the length, a checksum, the bytecode.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.bytecode.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes.extend_from_slice(&self.identity);
        bytes.extend_from_slice(&(self.bytecode.len() as u64).to_le_bytes());
        let checksum = checksum(&bytes, &self.bytecode);
        bytes.extend_from_slice(&checksum);
        bytes.extend_from_slice(&self.bytecode);
        bytes
    }

    /// Reads what [`Program::to_bytes`] wrote. Whether the program belongs to this build is checked when it is run.
    ///
    /// # Errors
    ///
    /// [`Error::Program`], which says what did not match.
    pub fn from_bytes(bytes: &[u8]) -> Result<Program> {
        let Some((header, bytecode)) = bytes.split_at_checked(HEADER_BYTES) else {
            return refuse("it is shorter than its header");
        };
        let field = |from: usize, length: usize| header.get(from..from + length).unwrap_or_default();
        if field(0, 8) != MAGIC {
            return refuse("it does not begin like one");
        }
        if field(8, 4) != FORMAT.to_le_bytes() {
            let found = field(8, 4).iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            return refuse(&format!("it has format {found}, and this build reads format {FORMAT}"));
        }
        if field(12, 4) != [0; 4] {
            return refuse("it has flags that this version does not know");
        }
        if field(48, 8) != (bytecode.len() as u64).to_le_bytes() {
            return refuse("it has not the length that it claims");
        }
        if field(56, 32) != checksum(field(0, 56), bytecode) {
            return refuse("its checksum is wrong");
        }
        let Ok(identity) = field(16, 32).try_into() else { return refuse("it has no identity") };
        Ok(Program { identity, bytecode: bytecode.into() })
    }
}

fn refuse<T>(message: &str) -> Result<T> {
    Err(Error::Program { message: message.into() })
}

fn checksum(header: &[u8], bytecode: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(header).chain_update(bytecode).finalize().into()
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("bytecode_bytes", &self.bytecode.len()).finish_non_exhaustive()
    }
}
