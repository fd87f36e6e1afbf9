//! What a build is made of, for whoever has to say so: a `--version`, a health page, a report of a fault.
//!
//! It owns the list. It must never know how any of it works, nor measure anything.

use std::fmt::Write as _;

use crate::runtime::Runtime;

/// The crate that binds the guest to QuickJS, as `runtime-guest/Cargo.lock` has it.
const BINDINGS: &str = "rquickjs-sys 0.14.0";
/// The QuickJS inside that crate. It changes only with the line above, and its version is in that crate's
/// `quickjs.h`.
const SCRIPT_ENGINE: &str = "QuickJS-ng 0.16.2";

/// What [`Runtime::facts`] tells.
///
/// ```
/// let facts = belljar::Runtime::new()?.facts();
/// assert_eq!(facts.guest_sha256.len(), 64);
/// assert!(facts.engine.starts_with("wasmtime "));
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The version of this crate.
    pub version: &'static str,
    /// The machine that the guest was compiled for, as Rust names it.
    pub target: &'static str,
    /// The checksum of `runtime-guest/guest.wasm`, which `make verify-guest` rebuilds.
    pub guest_sha256: &'static str,
    /// What programs and snapshots carry and are refused by when it differs: the checksum of the guest that runs,
    /// which need not be the one inside.
    pub identity: String,
    /// What runs WebAssembly, and its version.
    pub engine: &'static str,
    /// What runs JavaScript, and its version.
    pub script_engine: &'static str,
    /// What binds the two, and its version.
    pub bindings: &'static str,
    /// What the native code wants of a processor beyond the least that every one of its kind has.
    pub processor_features: Vec<&'static str>,
    /// How many instances there may be at once.
    pub max_instances: u32,
    /// How the memory of an instance that is gone is made fresh for the next one. `page scan` and `page map`: the
    /// kernel names the pages that have changed, by a system call of Linux 6.7 or by `/proc/self/pagemap`, and they
    /// are written back. `discard`: every page is given back to the system. `unmap`: nothing is used again, as with
    /// [`RuntimeBuilder::on_demand`](crate::RuntimeBuilder::on_demand). `clear`: wasmtime's pool does it, on systems
    /// other than Linux. Which of them works is tried out and not inferred.
    pub memory_reset: &'static str,
}

impl Runtime {
    /// What this runtime is made of.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let identity = self.shared().identity().iter().fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        Facts {
            version: env!("CARGO_PKG_VERSION"),
            target: env!("BELLJAR_TARGET"),
            guest_sha256: env!("BELLJAR_GUEST_SHA256"),
            identity,
            engine: env!("BELLJAR_ENGINE"),
            script_engine: SCRIPT_ENGINE,
            bindings: BINDINGS,
            processor_features: env!("BELLJAR_FEATURES").split_terminator(' ').collect(),
            max_instances: self.shared().max_instances(),
            memory_reset: self.shared().image().memory().reset(),
        }
    }
}
