//! The engine: how guest code is run, and the pool that instances come from.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::code::Place;
use super::tuning;
use crate::error::{Error, Result};

/// Table elements that an image may have; QuickJS has a few hundred C functions.
const TABLE_ELEMENTS: usize = 20_000;

/// Where instances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// Slots reserved ahead: fast.
    Pool { instances: u32 },
    /// Mapped when needed: slower, and no address space is held.
    OnDemand,
}

/// The compiler's part of the set-up must equal what `build.rs` used; the rest is ours to choose.
pub(crate) fn build(allocation: Allocation, place: Place) -> Result<Engine> {
    let mut config = Config::new();
    tuning::shape(&mut config);
    place.configure(&mut config);
    config.concurrency_support(false);
    match allocation {
        Allocation::Pool { instances } => {
            // One more than the embedder asked for, for work of our own.
            let instances = instances.saturating_add(1);
            let mut pool = PoolingAllocationConfig::new();
            pool.total_core_instances(instances)
                .total_memories(instances)
                .total_tables(instances)
                .total_stacks(instances)
                .max_memory_size(u32::MAX as usize + 1)
                .max_memories_per_module(1)
                .max_tables_per_module(1)
                .table_elements(TABLE_ELEMENTS)
                .table_keep_resident(TABLE_ELEMENTS * size_of::<usize>())
                // A page that is swapped out or being moved counts as clean in wasmtime's scan, and would keep what the instance
                // before wrote: https://github.com/bytecodealliance/wasmtime/pull/14357. Without the scan all of a slot is given back.
                .pagemap_scan(Enabled::No);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        Allocation::OnDemand => {
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        }
    }
    Engine::new(&config).map_err(|error| {
        Error::host(format!(
            "cannot set up the engine: {error:#}; if address space is short, lower `max_instances` or use `on_demand`"
        ))
    })
}
