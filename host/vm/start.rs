//! What instances that start from one frozen memory share. The first few have its pages copied; what is started from
//! more often becomes an image that instances map.
//!
//! It must never know who froze the memory.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::engine::Allocation;
use super::frozen::Frozen;
use super::pool::MemoryImage;
use crate::error::{Error, Result};

/// Instances that are started by copying. To make an image takes a millisecond and a copy of the whole memory, which
/// one start does not earn back.
const COPIED: u32 = 3;
/// Images that a process makes by itself at the same time. Each holds a file descriptor and its memory, which the
/// process may need for something else; what is started from beyond that is copied.
const MOST_BY_ITSELF: usize = 64;
/// Images that there can be at the same time, with those that the embedder asked for.
const MOST_IMAGES: usize = 1024;
/// Idle slots that such an image keeps.
const MOST_IDLE: usize = 16;

#[derive(Default)]
pub(crate) struct Start {
    starts: AtomicU32,
    /// None where the machine refused; then instances are copied as before.
    image: OnceLock<Option<Mapped>>,
}

/// An image, which counts until it is gone.
struct Mapped {
    image: Arc<MemoryImage>,
    _place: Place,
}

/// A place among the images that may be there at once.
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

/// How many images there are.
pub(crate) fn images() -> usize {
    IMAGES.load(Ordering::Relaxed)
}

impl Start {
    /// Counts a start, and gives the image to map for it if there is one by now. `bare` is the guest's own.
    pub(crate) fn image(
        &self,
        frozen: &Frozen,
        bare: &MemoryImage,
        allocation: Allocation,
    ) -> Option<&Arc<MemoryImage>> {
        if self.image.get().is_none() && self.starts.fetch_add(1, Ordering::Relaxed) >= COPIED {
            let place = Place::take(MOST_BY_ITSELF)?;
            self.make(frozen, bare, allocation.most_idle().min(MOST_IDLE), place);
        }
        self.image.get()?.as_ref().map(|mapped| &mapped.image)
    }

    /// Makes the image at once, unless there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] where there are too many images, or the machine refuses.
    pub(crate) fn make_image(&self, frozen: &Frozen, bare: &MemoryImage, allocation: Allocation) -> Result<()> {
        if self.image.get().is_none() {
            let place = Place::take(MOST_IMAGES).ok_or_else(|| {
                Error::host(format!("there are {MOST_IMAGES} images of snapshots already; drop the snapshots of some"))
            })?;
            self.make(frozen, bare, allocation.most_idle(), place);
        }
        match self.image.get() {
            Some(Some(_)) => Ok(()),
            _ => Err(Error::host(
                "the machine has no room for an image of the snapshot: its memory, and a file descriptor",
            )),
        }
    }

    fn make(&self, frozen: &Frozen, bare: &MemoryImage, most_idle: usize, place: Place) {
        self.image.get_or_init(|| {
            let length = usize::try_from(frozen.memory_bytes).ok()?;
            let mut bytes = bare.bytes().to_vec();
            bytes.resize(length, 0);
            if !frozen.write(bare.bytes(), &mut bytes) {
                return None;
            }
            let image = MemoryImage::new(&bytes, length, most_idle).ok()?;
            Some(Mapped { image: Arc::new(image.differing(&frozen.pages)), _place: place })
        });
    }
}
