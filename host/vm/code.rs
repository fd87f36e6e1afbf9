//! Where native code lies: either directly in this program's pages, so that a process starts without copying the code
//! and loads only the pages that it runs, or in a copy.

use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::Config;

/// Where the native code of an engine lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the pages of the program.
    InProgram,
    /// In a separate copy.
    Copied,
}

impl Place {
    /// The place for a new engine. wasmtime identifies code by its address, so only one engine of a process, the
    /// first, can run it in the program's pages.
    pub(crate) fn take() -> Place {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        // Other processors may need an instruction cache flush when data becomes code.
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
            // constant of this program, or a mapping of wasmtime's. They were readable before and stay so.
            #[allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]
            unsafe {
                mprotect(pointer.cast_mut().cast(), length, MprotectFlags::READ | MprotectFlags::EXEC)?;
            }
            Ok(())
        }

        fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
            // A constant needs no change, and wasmtime unmaps its own mapping.
            Ok(())
        }
    }
}
