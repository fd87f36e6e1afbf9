//! The bytes of a memory image, in a sealed memory file that slots map.
//!
//! It must never know where the file is mapped, nor what the bytes mean.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::census;
use crate::error::{Error, Result};

/// Size of one write: large for few system calls, small to skip most zeros.
const PIECE_BYTES: usize = 64 << 10;

/// A sealed file, and a read-only mapping of it.
pub(super) struct Contents {
    file: File,
    view: NonNull<u8>,
    length: usize,
}

// SAFETY: the view is read-only, and the seals prevent all writes to the file.
unsafe impl Send for Contents {}
// SAFETY: as above.
unsafe impl Sync for Contents {}

impl Contents {
    /// A file of this length that starts with these bytes; the rest is zeros. The length must be a multiple of every
    /// page size.
    pub(super) fn new(bytes: &[u8], length: usize) -> Result<Contents> {
        let failed = |error: std::io::Error| {
            Error::host(format!(
                "cannot keep a memory image: {error}; the process needs `memfd_create`, a file descriptor and {length} bytes"
            ))
        };
        // A system can require that memory files are not executable. Linux before 6.3 does not know the flag, so the
        // second attempt is without it.
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("belljar", flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| memfd_create("belljar", flags))
            .map_err(|error| failed(error.into()))?;
        ftruncate(&file, length as u64).map_err(|error| failed(error.into()))?;
        let file = File::from(file);
        let mut place = 0;
        for piece in bytes.chunks(PIECE_BYTES) {
            // Pages that are not written take no memory until they are read.
            if piece.iter().any(|byte| *byte != 0) {
                file.write_all_at(piece, place).map_err(failed)?;
            }
            place += piece.len() as u64;
        }
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        fcntl_add_seals(&file, seals).map_err(|error| failed(error.into()))?;
        // SAFETY: a new mapping at an address that the kernel chooses, of a file of this length that can neither
        // shrink nor change.
        let view = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &file, 0) };
        let view = view.map_err(|error| failed(error.into()))?;
        match NonNull::new(view.cast()) {
            Some(view) => {
                census::add_image(length);
                Ok(Contents { file, view, length })
            }
            None => Err(Error::host("the system mapped a memory image at address zero")),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has this length and lives as long as this value, and its file cannot change.
        unsafe { std::slice::from_raw_parts(self.view.as_ptr(), self.length) }
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        census::remove_image(self.length);
        // SAFETY: this value made the mapping, and no reference into it can outlive the value.
        let _ = unsafe { munmap(self.view.as_ptr().cast(), self.length) };
    }
}
