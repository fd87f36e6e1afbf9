//! A frozen memory that instances start from. The first few have its pages copied; what is started from more often becomes an image that
//! instances map.
//!
//! It must never know what kind of start it is.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::engine::Allocation;
use super::frozen::Frozen;
use super::pool::MemoryImage;

/// Instances that are started by copying. To make an image takes a millisecond and a copy of the whole memory, which one start does not
/// earn back.
const COPIED: u32 = 3;

#[derive(Default)]
pub(crate) struct Start {
    pub(crate) frozen: Frozen,
    starts: AtomicU32,
    /// None where the machine refused; then instances are copied as before.
    image: OnceLock<Option<Arc<MemoryImage>>>,
}

impl Start {
    pub(crate) fn new(frozen: Frozen) -> Start {
        Start { frozen, ..Start::default() }
    }

    /// Counts a start, and gives the image to map for it if there is one by now. `bare` is the guest's own.
    pub(crate) fn image(&self, bare: &MemoryImage, allocation: Allocation) -> Option<&Arc<MemoryImage>> {
        if let Some(image) = self.image.get() {
            return image.as_ref();
        }
        if self.starts.fetch_add(1, Ordering::Relaxed) < COPIED {
            return None;
        }
        self.make_image(bare, allocation)
    }

    /// Makes the image at once, for what is certain to be started from often.
    pub(crate) fn make_image(&self, bare: &MemoryImage, allocation: Allocation) -> Option<&Arc<MemoryImage>> {
        let make = || {
            let length = usize::try_from(self.frozen.memory_bytes).ok()?;
            let mut bytes = bare.bytes().to_vec();
            bytes.resize(length, 0);
            if !self.frozen.write(bare.bytes(), &mut bytes) {
                return None;
            }
            let image = MemoryImage::new(&bytes, length, allocation.most_idle()).ok()?;
            Some(Arc::new(image.differing(&self.frozen.pages)))
        };
        self.image.get_or_init(make).as_ref()
    }
}
