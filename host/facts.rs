//! Versions and checksums of a build, for `--version`, health pages and bug reports.
//!
//! It owns the list. It must never know how the parts work, nor measure anything.

use std::fmt::Write as _;

use crate::runtime::Runtime;

/// The crate that binds the guest to QuickJS, as in `runtime-guest/Cargo.lock`.
const BINDINGS: &str = "rquickjs-sys 0.14.0";
/// The version of QuickJS inside that crate, from its `quickjs.h`. It changes only together with `BINDINGS`.
const SCRIPT_ENGINE: &str = "QuickJS-ng 0.16.2";

/// The versions, checksums and settings of a runtime: the result of [`Runtime::facts`].
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
    /// The target triple that the guest was compiled for.
    pub target: &'static str,
    /// The checksum of `runtime-guest/guest.wasm`, which `make verify-guest` rebuilds.
    pub guest_sha256: &'static str,
    /// The checksum of the guest that this runtime runs, which is the built-in one unless `RuntimeBuilder::guest`
    /// chose another. Programs and snapshots carry it, and are refused if it differs.
    pub identity: String,
    /// The WebAssembly engine and its version.
    pub engine: &'static str,
    /// The JavaScript engine and its version.
    pub script_engine: &'static str,
    /// The bindings between the guest and the JavaScript engine, and their version.
    pub bindings: &'static str,
    /// The processor features that the native code needs beyond the baseline of the target.
    pub processor_features: Vec<&'static str>,
    /// The maximum number of instances at a time.
    pub max_instances: u32,
    /// How the memory of a dropped instance is cleaned for the next one. `page scan` and `page map`: the kernel
    /// reports the changed pages, through a system call of Linux 6.7 or `/proc/self/pagemap`, and they are restored.
    /// `discard`: every page is returned to the system. `unmap`: slots are not reused, as with
    /// [`RuntimeBuilder::on_demand`](crate::RuntimeBuilder::on_demand). `clear`: wasmtime's pool clears memory, on
    /// systems other than Linux. The method is chosen by a test at run time, not by the kernel's version.
    pub memory_reset: &'static str,
}

impl Runtime {
    /// The versions, checksums and settings of this runtime.
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
