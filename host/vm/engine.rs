//! The engine: how guest code is run.

use wasmtime::{Config, Engine};

use super::code::Place;
use super::{pool, tuning};
use crate::error::{Error, Result};

/// What becomes of the memory of an instance that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// It is cleaned and kept for one of so many later instances: fast.
    Pool { instances: u32 },
    /// It is unmapped, and the next instance has new memory: slower.
    OnDemand,
}

impl Allocation {
    /// How many places are kept for later instances.
    pub(crate) fn most_idle(self) -> usize {
        match self {
            Allocation::Pool { instances } => usize::try_from(instances).unwrap_or(usize::MAX),
            Allocation::OnDemand => 0,
        }
    }
}

/// The compiler's part of the set-up must equal what `build.rs` used; the rest is ours to choose.
pub(crate) fn build(allocation: Allocation, place: Place) -> Result<Engine> {
    let mut config = Config::new();
    tuning::shape(&mut config);
    place.configure(&mut config);
    config.concurrency_support(false);
    pool::configure(&mut config, allocation);
    Engine::new(&config).map_err(|error| Error::host(format!("cannot set up the engine: {error:#}")))
}
