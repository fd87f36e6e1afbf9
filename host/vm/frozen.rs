//! An instance's memory as what differs from its image. Plain bytes; it must never know a running instance.

/// Memory is compared and copied in pieces of this size.
pub(crate) const PAGE_BYTES: usize = 4096;

/// The pages that differ, and the one global that can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frozen {
    pub(crate) stack_pointer: i32,
    pub(crate) memory_bytes: u64,
    /// Numbers of the pages, rising.
    pub(crate) pages: Vec<u32>,
    /// By which bits each differs from the image's, one page after the other. A script changes a few bytes of most,
    /// so this is nearly all zeros, and small once it is compressed.
    pub(crate) contents: Vec<u8>,
}

static ZERO: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// A page of an image; memory beyond an image began as zeros.
pub(crate) fn page(image: &[u8], number: u32) -> &[u8] {
    let start = number as usize * PAGE_BYTES;
    image.get(start..start + PAGE_BYTES).unwrap_or(&ZERO)
}

impl Frozen {
    /// What differs between an image and the memory that has become of it. Only these pages may, which are in order.
    pub(super) fn between(image: &[u8], memory: &[u8], stack_pointer: i32, changed: &[u32]) -> Frozen {
        let mut frozen = Frozen { stack_pointer, memory_bytes: memory.len() as u64, ..Frozen::default() };
        for &number in changed {
            let start = number as usize * PAGE_BYTES;
            let (Some(now), was) = (memory.get(start..start + PAGE_BYTES), page(image, number)) else { continue };
            if now != was {
                frozen.pages.push(number);
                frozen.contents.extend(now.iter().zip(was).map(|(now, was)| now ^ was));
            }
        }
        frozen
    }

    /// Writes the pages into fresh memory; false when one does not lie inside. What a page was is read from the image
    /// and not from that memory, whose page would otherwise be looked up twice: to be read and to be written to.
    pub(super) fn write(&self, image: &[u8], memory: &mut [u8]) -> bool {
        self.pages.len() * PAGE_BYTES == self.contents.len()
            && self.pages.iter().zip(self.contents.chunks_exact(PAGE_BYTES)).all(|(&number, contents)| {
                let start = number as usize * PAGE_BYTES;
                let place = memory.get_mut(start..start + PAGE_BYTES);
                place.is_some_and(|place| {
                    for ((byte, was), bits) in place.iter_mut().zip(page(image, number)).zip(contents) {
                        *byte = was ^ bits;
                    }
                    true
                })
            })
    }
}
