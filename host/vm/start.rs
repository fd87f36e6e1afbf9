//! What instances that start from one frozen memory share. The first few have its pages copied; what is started from more often becomes an
//! image that instances map.
//!
//! It must never know who froze the memory.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::engine::Allocation;
use super::frozen::Frozen;
use super::pool::MemoryImage;

/// Instances that are started by copying. To make an image takes a millisecond and a copy of the whole memory, which one start does not
/// earn back.
const COPIED: u32 = 3;
/// Images that a process makes by itself at the same time. Each holds a file descriptor and its memory, which the process may need for
/// something else; what is started from beyond that is copied.
const MOST_IMAGES: usize = 64;
/// Idle slots that such an image keeps.
const MOST_IDLE: usize = 16;

#[derive(Default)]
pub(crate) struct Start {
    starts: AtomicU32,
    /// None where the machine refused; then instances are copied as before.
    image: OnceLock<Option<Mapped>>,
}

/// An image, and whether it counts as one of the few.
struct Mapped {
    image: Arc<MemoryImage>,
    _place: Option<Place>,
}

/// A place among the images that may be there at once.
struct Place;

static IMAGES: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take() -> Option<Place> {
        let one_more = |images| (images < MOST_IMAGES).then_some(images + 1);
        IMAGES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        IMAGES.fetch_sub(1, Ordering::Relaxed);
    }
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
            let place = Place::take()?;
            self.make(frozen, bare, allocation.most_idle().min(MOST_IDLE), Some(place));
        }
        self.image.get()?.as_ref().map(|mapped| &mapped.image)
    }

    /// Makes the image at once, for what every instance of a runtime starts from.
    pub(crate) fn make_image(&self, frozen: &Frozen, bare: &MemoryImage, allocation: Allocation) {
        self.make(frozen, bare, allocation.most_idle(), None);
    }

    fn make(&self, frozen: &Frozen, bare: &MemoryImage, most_idle: usize, place: Option<Place>) {
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
