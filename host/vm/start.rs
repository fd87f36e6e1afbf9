//! The state that all instances started from one frozen memory share. The first few instances copy its pages; after
//! that it becomes an image that instances map.
//!
//! It must never know where the frozen memory comes from.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::engine::Allocation;
use super::frozen::Frozen;
use super::pool::MemoryImage;
use crate::error::{Error, Result};

/// Number of instances that are started by copying. Making an image takes a millisecond and a copy of the whole
/// memory, which a few starts do not earn back.
const COPIED: u32 = 3;
/// The most images that a process makes unasked. Each holds a file descriptor and its memory, which the process may
/// need elsewhere. Beyond this number, instances copy.
const MOST_BY_ITSELF: usize = 64;
/// The most images at a time, including those that the embedder requested.
const MOST_IMAGES: usize = 1024;
/// The most idle slots that an image keeps if it was made unasked.
const MOST_IDLE: usize = 16;

#[derive(Default)]
pub(crate) struct Start {
    starts: AtomicU32,
    image: OnceLock<Mapped>,
    /// The system refused an image that nobody asked for; then instances continue to copy.
    is_refused: AtomicBool,
}

/// An image, which is counted until it is dropped.
struct Mapped {
    image: Arc<MemoryImage>,
    _place: Place,
}

/// Counts one image against the maximum.
struct Place;

static IMAGES: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take(most: usize) -> Option<Place> {
        let one_more = |images| (images < most).then_some(images + 1);
        IMAGES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        IMAGES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The number of images.
pub(crate) fn images() -> usize {
    IMAGES.load(Ordering::Relaxed)
}

impl Start {
    /// Counts a start, and returns the image to map if there is one. `bare` is the guest's own image.
    pub(crate) fn image(
        &self,
        frozen: &Frozen,
        bare: &MemoryImage,
        allocation: Allocation,
    ) -> Option<&Arc<MemoryImage>> {
        if self.image.get().is_none()
            && self.starts.fetch_add(1, Ordering::Relaxed) >= COPIED
            && !self.is_refused.load(Ordering::Relaxed)
        {
            let place = Place::take(MOST_BY_ITSELF)?;
            let made = self.make(frozen, bare, allocation.most_idle().min(MOST_IDLE), place);
            self.is_refused.store(made.is_none(), Ordering::Relaxed);
        }
        self.image.get().map(|mapped| &mapped.image)
    }

    /// Makes the image now, unless it exists.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when there are too many images, or the system refuses a resource.
    pub(crate) fn make_image(&self, frozen: &Frozen, bare: &MemoryImage, allocation: Allocation) -> Result<()> {
        if self.image.get().is_none() {
            let place = Place::take(MOST_IMAGES).ok_or_else(|| {
                Error::host(format!("there are {MOST_IMAGES} images of snapshots already; drop the snapshots of some"))
            })?;
            self.make(frozen, bare, allocation.most_idle(), place).ok_or_else(|| {
                Error::host("the machine has no room for an image of the snapshot: its memory, and a file descriptor")
            })?;
        }
        Ok(())
    }

    fn make(&self, frozen: &Frozen, bare: &MemoryImage, most_idle: usize, place: Place) -> Option<()> {
        let length = usize::try_from(frozen.memory_bytes).ok()?;
        // Memory of zeros takes no room until it is written to, and the image leaves out what is zero.
        let mut bytes = vec![0; length];
        bytes.get_mut(..bare.bytes().len())?.copy_from_slice(bare.bytes());
        if !frozen.write(bare.bytes(), &mut bytes) {
            return None;
        }
        let image = MemoryImage::new(&bytes, length, most_idle).ok()?;
        // Where two threads make it at once, one is enough.
        drop(self.image.set(Mapped { image: Arc::new(image.differing(&frozen.pages)), _place: place }));
        Some(())
    }
}
