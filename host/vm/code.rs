//! Where native code is run: on the pages of this very program that hold it, so that a process starts without copying
//! it and reads in what it runs; or in a copy.

use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::Config;

/// Where the code of an engine's image lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the program itself.
    InProgram,
    /// In memory of its own.
    Copied,
}

impl Place {
    /// The place for a new engine. wasmtime knows code by its address, so only one engine can run it where it lies:
    /// the first.
    pub(crate) fn take() -> Place {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        // Elsewhere a processor may have to be told that data has become code.
        let is_supported = cfg!(all(target_os = "linux", target_arch = "x86_64"));
        if is_supported && !TAKEN.swap(true, Ordering::Relaxed) { Place::InProgram } else { Place::Copied }
    }

    pub(super) fn configure(self, config: &mut Config) {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        if self == Place::InProgram {
            config.with_custom_code_memory(Some(std::sync::Arc::new(in_program::Pages)));
        }
        #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
        let _ = config;
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod in_program {
    use rustix::mm::{MprotectFlags, mprotect};
    use wasmtime::CustomCodeMemory;

    pub(super) struct Pages;

    impl CustomCodeMemory for Pages {
        fn required_alignment(&self) -> usize {
            rustix::param::page_size()
        }

        fn publish_executable(&self, pointer: *const u8, length: usize) -> wasmtime::Result<()> {
            // SAFETY: wasmtime passes pages of code that it has just loaded and that nothing writes to: those of a
            // constant, or a mapping of its own. They were readable before and stay so.
            #[allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]
            unsafe {
                mprotect(pointer.cast_mut().cast(), length, MprotectFlags::READ | MprotectFlags::EXEC)?;
            }
            Ok(())
        }

        fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
            // A constant stays what it is, and a mapping goes away by itself.
            Ok(())
        }
    }
}
