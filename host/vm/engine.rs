//! The configuration of a wasmtime engine.

use wasmtime::{Config, Engine};

use super::code::Place;
use super::{pool, tuning};
use crate::error::{Error, Result};

/// What happens to the memory of a dropped instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// It is cleaned and kept for a later instance, in a pool of this size: fast.
    Pool { instances: u32 },
    /// It is unmapped, and the next instance gets new memory: slower.
    OnDemand,
}

impl Allocation {
    /// How many idle slots are kept for later instances.
    pub(crate) fn most_idle(self) -> usize {
        match self {
            Allocation::Pool { instances } => usize::try_from(instances).unwrap_or(usize::MAX),
            Allocation::OnDemand => 0,
        }
    }
}

/// Builds an engine. The settings of `tuning::shape` must equal those that `build.rs` compiled with; the others are
/// free.
pub(crate) fn build(allocation: Allocation, place: Place) -> Result<Engine> {
    let mut config = Config::new();
    tuning::shape(&mut config);
    place.configure(&mut config);
    config.concurrency_support(false);
    pool::configure(&mut config, allocation);
    Engine::new(&config).map_err(|error| Error::host(format!("cannot set up the engine: {error:#}")))
}
