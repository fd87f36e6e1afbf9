//! The permit for an instance, and what all instances of a runtime share.
//!
//! It must never know what an instance does.

use std::ops::Deref;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::lanes::Lanes;
use crate::limits::Limits;
use crate::queue::Queue;
use crate::snapshot::Snapshot;
use crate::tally::{Count, Tally};
use crate::vm::fibre::Vm;
use crate::vm::image::Image;
use crate::vm::state::Desk;

/// What all instances of a runtime share.
pub(crate) struct Shared {
    permits: Queue,
    instances: u32,
    prelude: Option<Snapshot>,
    lanes: Lanes,
    tally: Tally,
}

impl Shared {
    pub(crate) fn new(instances: u32, lanes: Lanes) -> Shared {
        Shared { permits: Queue::new(instances), instances, prelude: None, lanes, tally: Tally::default() }
    }

    /// The same, with the memory that the preludes left.
    pub(crate) fn with_prelude(self, prelude: Snapshot) -> Shared {
        Shared { prelude: Some(prelude), ..self }
    }

    pub(crate) fn image(&self) -> &Image {
        self.lanes.image()
    }

    /// The memory that the preludes left.
    pub(crate) fn prelude(&self) -> Option<&Snapshot> {
        self.prelude.as_ref()
    }

    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.lanes.image().identity
    }

    /// Counts what happens to instances.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Permits that are free, and callers that wait for one.
    pub(crate) fn queue(&self) -> (usize, usize) {
        self.permits.figures()
    }

    /// Makes an image of a snapshot, which instances map.
    pub(crate) fn make_image(&self, snapshot: &Snapshot) -> Result<()> {
        snapshot.start().make_image(snapshot.frozen()?, self.image().memory(), self.lanes.allocation())
    }

    pub(crate) fn max_instances(&self) -> u32 {
        self.instances
    }
}

/// The permit for one instance of a runtime, and the runtime itself.
pub(crate) struct Permit {
    shared: Arc<Shared>,
    lane: usize,
}

impl Permit {
    /// Takes a permit if one is free.
    pub(crate) fn take(shared: Arc<Shared>) -> Result<Permit> {
        let instances = shared.instances;
        if shared.permits.try_enter() {
            return Ok(Permit::new(shared));
        }
        shared.tally.add(Count::Refused);
        Err(Error::Capacity { instances })
    }

    /// Takes a permit; waits in the queue.
    pub(crate) async fn wait(shared: Arc<Shared>) -> Permit {
        shared.permits.enter().await;
        Permit::new(shared)
    }

    fn new(shared: Arc<Shared>) -> Permit {
        let lane = shared.lanes.mine();
        Permit { shared, lane }
    }

    /// The virtual machine of a fresh instance that starts from a snapshot, or from the bare guest.
    pub(crate) fn vm(&self, snapshot: Option<&Snapshot>, desk: &Arc<Desk>, limits: &Limits) -> Result<Vm> {
        let lanes = &self.shared.lanes;
        let bare = lanes.image().memory();
        let Some(snapshot) = snapshot else { return lanes.vm(self.lane, bare, desk, limits) };
        let frozen = snapshot.frozen()?;
        let mapped = snapshot.start().image(frozen, bare, lanes.allocation());
        let mut vm = lanes.vm(self.lane, mapped.unwrap_or(bare), desk, limits)?;
        vm.thaw(bare, frozen, mapped.is_some())?;
        Ok(vm)
    }
}

impl Deref for Permit {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.permits.leave();
    }
}
