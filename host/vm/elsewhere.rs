//! The memory of instances on systems other than Linux: wasmtime's pool provides zeroed memory, into which the image
//! is copied.
//!
//! It has the same interface as `pool/mod.rs`. It must never know what an instance is for.

use std::ops::Range;
use std::sync::Arc;

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::engine::Allocation;
use super::tuning::RESERVATION_BYTES;
use crate::error::Result;
use crate::stats::Census;

/// The most table elements that an image may have. QuickJS needs a few hundred, one for each C function.
const TABLE_ELEMENTS: usize = 20_000;

/// The initial memory of instances.
pub(crate) struct MemoryImage {
    bytes: Box<[u8]>,
    /// The pages that differ from the guest's own image, as ascending page numbers.
    differing: Box<[u32]>,
}

impl MemoryImage {
    /// An image of this length that starts with these bytes.
    pub(crate) fn new(bytes: &[u8], length: usize, _: usize) -> Result<MemoryImage> {
        let mut whole = bytes.to_vec();
        whole.resize(length, 0);
        Ok(MemoryImage { bytes: whole.into(), differing: Box::default() })
    }

    /// The same image, with the list of pages that differ from the guest's own image.
    pub(crate) fn differing(self, pages: &[u32]) -> MemoryImage {
        MemoryImage { differing: pages.into(), ..self }
    }

    /// The pages that differ from the guest's own image, in ascending order.
    pub(crate) fn differing_pages(&self) -> &[u32] {
        &self.differing
    }

    /// The bytes of the image.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How the memory of an instance is cleaned, as text for people.
    pub(crate) fn reset(&self) -> &'static str {
        "clear"
    }

    /// Leases the image to one instance.
    pub(crate) fn lease(self: &Arc<Self>) -> Result<Lease> {
        Ok(Lease { image: self.clone() })
    }
}

/// The memory of wasmtime's pool is not counted.
pub(crate) fn census() -> Census {
    Census::default()
}

/// A lease of an image by one instance.
pub(crate) struct Lease {
    image: Arc<MemoryImage>,
}

impl Lease {
    /// The image that the memory started as.
    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// Runs code in which wasmtime may request the memory or the stack of this instance.
    pub(super) fn with<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Copies the image into memory that is still all zeros.
    pub(super) fn fill(&self, memory: &mut [u8]) {
        for (place, bytes) in memory.iter_mut().zip(&self.image.bytes) {
            *place = *bytes;
        }
    }

    /// Always false: changed pages are not tracked here.
    pub(super) fn changed(&self, _: impl FnMut(Range<usize>)) -> bool {
        false
    }
}

/// Configures wasmtime's allocator: a pool, or mapping on demand.
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
