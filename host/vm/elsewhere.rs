//! Where instances have their memory on systems other than Linux: wasmtime's pool gives them memory of zeros, into
//! which the image is copied.
//!
//! It has the face of `pool/mod.rs`. It must never know what an instance is for.

use std::ops::Range;
use std::sync::Arc;

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::engine::Allocation;
use super::tuning::RESERVATION_BYTES;
use crate::error::Result;
use crate::stats::Census;

/// Table elements that an image may have; QuickJS has a few hundred C functions.
const TABLE_ELEMENTS: usize = 20_000;

/// The memory that instances begin with.
pub(crate) struct MemoryImage {
    bytes: Box<[u8]>,
    /// Numbers of the pages that differ from the guest's own image, rising.
    differing: Box<[u32]>,
}

impl MemoryImage {
    /// An image of this length that begins with these bytes.
    pub(crate) fn new(bytes: &[u8], length: usize, _: usize) -> Result<MemoryImage> {
        let mut whole = bytes.to_vec();
        whole.resize(length, 0);
        Ok(MemoryImage { bytes: whole.into(), differing: Box::default() })
    }

    /// The same image with a note of the pages in which it differs from the guest's own.
    pub(crate) fn differing(self, pages: &[u32]) -> MemoryImage {
        MemoryImage { differing: pages.into(), ..self }
    }

    /// The pages in which it differs from the guest's own image, rising.
    pub(crate) fn differing_pages(&self) -> &[u32] {
        &self.differing
    }

    /// The bytes of the image.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How the memory of an instance is brought back, for people.
    pub(crate) fn reset(&self) -> &'static str {
        "clear"
    }

    /// The use of the image by one instance.
    pub(crate) fn lease(self: &Arc<Self>) -> Result<Lease> {
        Ok(Lease { image: self.clone() })
    }
}

/// Nobody counts what wasmtime's pool holds.
pub(crate) fn census() -> Census {
    Census::default()
}

/// The use of an image by one instance.
pub(crate) struct Lease {
    image: Arc<MemoryImage>,
}

impl Lease {
    /// What the memory began as.
    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// Does something for which wasmtime may ask for the memory or the stack of this instance.
    pub(super) fn with<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Writes the image into memory that is still all zeros.
    pub(super) fn fill(&self, memory: &mut [u8]) {
        for (place, bytes) in memory.iter_mut().zip(&self.image.bytes) {
            *place = *bytes;
        }
    }

    /// Nobody can tell what has changed.
    pub(super) fn changed(&self, _: impl FnMut(Range<usize>)) -> bool {
        false
    }
}

/// Slots are reserved ahead, or everything is mapped when it is needed.
pub(super) fn configure(config: &mut Config, allocation: Allocation) {
    let Allocation::Pool { instances } = allocation else {
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        return;
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(instances)
        .total_memories(instances)
        .total_tables(instances)
        .total_stacks(instances)
        .max_memory_size(RESERVATION_BYTES as usize)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .table_elements(TABLE_ELEMENTS);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
}
