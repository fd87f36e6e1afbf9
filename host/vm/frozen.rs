//! An instance's memory as a difference from its image. Plain bytes; it must never know a running instance.

/// Memory is compared and copied in pieces of this size.
pub(crate) const PAGE_BYTES: usize = 4096;

/// The pages that differ, and the stack pointer, which is the only global that can differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frozen {
    pub(crate) stack_pointer: i32,
    pub(crate) memory_bytes: u64,
    /// Page numbers, ascending.
    pub(crate) pages: Vec<u32>,
    /// The XOR of each page with the image's page, concatenated. A script changes a few bytes of most pages, so this
    /// is nearly all zeros, and compresses well.
    pub(crate) contents: Vec<u8>,
}

static ZERO: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// A page of an image; memory beyond the image starts as zeros.
pub(crate) fn page(image: &[u8], number: u32) -> &[u8] {
    let start = number as usize * PAGE_BYTES;
    image.get(start..start + PAGE_BYTES).unwrap_or(&ZERO)
}

impl Frozen {
    /// The difference between an image and memory that started as it. `changed` lists all pages that may differ, in
    /// ascending order.
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

    /// Writes the pages into fresh memory; false when one lies outside of it. The original page is read from the
    /// image and not from the fresh memory, where reading and then writing would cause two page faults.
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
