//! One instance of the guest, and one operation of it at a time, on a separate stack.
//!
//! Metered code calls the import `poll` whenever its fuel is used up. There the host continues it, yields to other
//! tasks, or traps. This is the only mechanism of interruption: no epochs, no ticker thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use belljar_abi::{Op, configure, export, vitals};
use wasmtime::{Global, Instance, Memory, Store, Trap, TypedFunc, Val};

use super::frozen::{Frozen, PAGE_BYTES};
use super::image::{Image, wrong};
use super::pool::{Lease, MemoryImage};
use super::state::{Ceiling, Desk, Host, Refusal};
use super::tuning::FUEL_EXPORT;
use crate::error::{Error, Result};
use crate::limits::{LimitKind, Limits};

const WASM_PAGE: u64 = 64 << 10;
/// An upper bound of the frame of a leaf function in C, which need not lower the stack pointer by what it uses.
const FRAME_BYTES: u32 = 4 << 10;
/// How an operation ended without a status.
#[derive(Debug, PartialEq)]
pub(crate) enum Crash {
    /// A limit that is enforced by a trap.
    Limit(LimitKind),
    /// The guest aborted because memory was refused.
    Memory(Refusal),
    /// Any other trap.
    Trap(String),
}

impl Crash {
    pub(crate) fn into_error(self, limits: &Limits) -> Error {
        match self {
            Crash::Limit(kind) => kind.error(limits),
            Crash::Memory(refusal) => refusal.error(limits),
            Crash::Trap(trap) => Error::guest(format!("it trapped: {trap}")),
        }
    }
}

/// A running instance of the guest.
pub(crate) struct Vm {
    store: Store<Host>,
    call: TypedFunc<(u32, u32, u32, u32), u32>,
    memory: Memory,
    fuel: Global,
    stack_pointer: Global,
    vitals: u32,
    /// Whether an operation has been started. Then memory may hold data that a script has freed.
    has_run: bool,
    #[cfg_attr(
        not(feature = "compiler"),
        allow(dead_code, reason = "only images that are not ours are asked for their version")
    )]
    instance: Instance,
    /// Declared last, so that nothing uses the slot when it is returned.
    lease: Lease,
}

impl Vm {
    /// Makes a fresh instance whose memory starts as `start`.
    pub(crate) fn new(image: &Image, start: &Arc<MemoryImage>, desk: Arc<Desk>, limits: &Limits) -> Result<Vm> {
        let lease = start.lease()?;
        let failed = |error: wasmtime::Error| Error::host(format!("cannot make an instance: {error:#}"));
        let ceiling = Ceiling { bytes: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX), refusal: None };
        let mut store =
            Store::new(image.pre.module().engine(), Host { desk, memory: None, fuel: None, granted: 0, ceiling });
        store.limiter(|host| &mut host.ceiling);
        let instance = match lease.with(|| ready(image.pre.instantiate_async(&mut store))) {
            Some(Ok(instance)) => instance,
            Some(Err(_)) if store.data().ceiling.refusal == Some(Refusal::Limit) => {
                return Err(LimitKind::Memory.too_low(limits, start.bytes().len() as u64));
            }
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(Error::host("the guest image runs code when it is instantiated")),
        };
        let exports = &image.exports;
        let mut find = |place, name| instance.get_module_export(&mut store, place).ok_or_else(|| wrong(name));
        let memory = find(&exports.memory, export::MEMORY)?.into_memory().ok_or_else(|| wrong(export::MEMORY))?;
        let call = find(&exports.call, export::CALL)?.into_func().ok_or_else(|| wrong(export::CALL))?;
        let vitals = find(&exports.vitals, export::VITALS)?.into_global().ok_or_else(|| wrong(export::VITALS))?;
        let stack_pointer = find(&exports.stack_pointer, export::STACK_POINTER)?;
        let stack_pointer = stack_pointer.into_global().ok_or_else(|| wrong(export::STACK_POINTER))?;
        let fuel = find(&exports.fuel, FUEL_EXPORT)?.into_global().ok_or_else(|| wrong(FUEL_EXPORT))?;
        let call = call.typed(&store).map_err(|_| wrong(export::CALL))?;
        let vitals = vitals.get(&mut store);
        store.data_mut().fuel = Some(fuel);
        store.data_mut().memory = Some(memory);
        let vitals = vitals.i32().ok_or_else(|| wrong(export::VITALS))?.cast_unsigned();
        let mut vm = Vm { store, call, memory, fuel, stack_pointer, vitals, has_run: false, instance, lease };
        vm.grow_to(start.bytes().len())?;
        vm.lease.fill(vm.memory.data_mut(&mut vm.store));
        Ok(vm)
    }

    /// Gives a call its first slice of fuel; `poll` gives it the others.
    pub(crate) fn refuel(&mut self, fuel: u64) {
        let host = self.store.data_mut();
        (host.granted, host.ceiling.refusal) = (fuel, None);
        // The meter declares the counter as a mutable i64, so this cannot fail. If it did, the guest would poll at
        // once.
        let _ = self.fuel.set(&mut self.store, Val::I64(i64::try_from(fuel).unwrap_or(i64::MAX)));
    }

    /// Fuel that the guest has used since [`Vm::refuel`].
    pub(crate) fn fuel_used(&mut self) -> u64 {
        let left = self.fuel.get(&mut self.store).i64().unwrap_or_default();
        used(self.store.data().granted, left)
    }

    /// Starts an operation. The future is pending when the guest yields and while it waits for a synchronous call. It
    /// never wakes its task, so the caller must poll it again.
    pub(crate) async fn start(&mut self, op: Op, flags: u32, split: u32, length: u32) -> Result<u32, Crash> {
        self.has_run = true;
        let lease = &self.lease;
        let ended = {
            let mut call = pin!(self.call.call_async(&mut self.store, (op as u32, flags, split, length)));
            // wasmtime requests the stack from the slot during the poll.
            poll_fn(|context| lease.with(|| call.as_mut().poll(context))).await
        };
        match ended {
            Ok(status) => Ok(status),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn explain(&mut self, error: &wasmtime::Error) -> Crash {
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Crash::Limit(LimitKind::Stack),
            Some(Trap::MemoryOutOfBounds) if self.is_out_of_stack() => Crash::Limit(LimitKind::Stack),
            // The guest aborts when memory that it needs is refused.
            Some(trap) => match &self.store.data().ceiling.refusal {
                Some(refusal) => Crash::Memory(refusal.clone()),
                None => Crash::Trap(trap.to_string()),
            },
            None => Crash::Trap("an import refused what it was given".into()),
        }
    }

    /// Whether the C stack has overflowed. It grows down to address 0, so code that goes below that traps. The stack
    /// pointer has then wrapped around, or is so low that only one more leaf frame fits.
    fn is_out_of_stack(&mut self) -> bool {
        let pointer = self.stack_pointer.get(&mut self.store).i32().unwrap_or_default().cast_unsigned();
        !(FRAME_BYTES..=configure::C_STACK_BYTES).contains(&pointer)
    }

    /// Whether an operation has been started.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run
    }

    /// The pages that may differ from the bare guest's memory, in ascending order.
    fn changed_pages(&self) -> Vec<u32> {
        let pages = |bytes: usize| u32::try_from(bytes / PAGE_BYTES).unwrap_or(u32::MAX);
        // The initial memory may itself differ from the bare guest's, in pages that the instance has not changed.
        let mut changed = self.lease.image().differing_pages().to_vec();
        let is_told = self.lease.changed(|range| changed.extend(pages(range.start)..pages(range.end)));
        if !is_told {
            return (0..pages(self.memory.data_size(&self.store))).collect();
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// A bit for each page of memory, set if the page may differ from the bare guest's.
    pub(crate) fn changed_bits(&self) -> Vec<u8> {
        let mut bits = vec![0_u8; (self.memory.data_size(&self.store) / PAGE_BYTES).div_ceil(8)];
        for number in self.changed_pages() {
            if let Some(byte) = bits.get_mut(number as usize / 8) {
                *byte |= 1 << (number % 8);
            }
        }
        bits
    }

    /// The difference between the guest's state and its image. The guest must not be running.
    pub(crate) fn freeze(&mut self, bare: &MemoryImage) -> Frozen {
        let stack_pointer = self.stack_pointer.get(&mut self.store).i32().unwrap_or_default();
        // The C stack comes first in memory. Bytes below the stack pointer are left over from calls that have
        // returned. They are never read again, and may hold data that the script has freed, so they are left out.
        let dead = stack_pointer.cast_unsigned().min(configure::C_STACK_BYTES) as usize;
        let mut changed = self.changed_pages();
        changed.retain(|number| (*number as usize + 1) * PAGE_BYTES > dead);
        Frozen::between(bare.bytes(), self.memory.data(&self.store), stack_pointer, &changed)
    }

    /// Makes a fresh instance equal to the frozen one. If it started from an image of the frozen memory, its memory
    /// is already equal.
    pub(crate) fn thaw(&mut self, bare: &MemoryImage, frozen: &Frozen, is_mapped: bool) -> Result<()> {
        let refused = || Error::Snapshot { message: "its memory does not fit under the memory limit".into() };
        let _ = self.stack_pointer.set(&mut self.store, Val::I32(frozen.stack_pointer));
        if is_mapped {
            return Ok(());
        }
        self.grow_to(usize::try_from(frozen.memory_bytes).map_err(|_| refused())?)?;
        if frozen.write(bare.bytes(), self.memory.data_mut(&mut self.store)) { Ok(()) } else { Err(refused()) }
    }

    /// Grows memory to at least this size.
    fn grow_to(&mut self, bytes: usize) -> Result<()> {
        let pages = (bytes as u64).div_ceil(WASM_PAGE).saturating_sub(self.memory.size(&self.store));
        if pages == 0 {
            return Ok(());
        }
        // Growing runs no guest code, and the limiter answers at once.
        match ready(self.memory.grow_async(&mut self.store, pages)) {
            Some(Ok(_)) => Ok(()),
            _ => Err(match self.refusal() {
                Some(refusal @ Refusal::System(_)) => refusal.error(&Limits::default()),
                _ => Error::Snapshot { message: "its memory does not fit under the memory limit".into() },
            }),
        }
    }

    /// Why a request of the call in progress for linear memory was refused; None when it was not.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.store.data().ceiling.refusal.clone()
    }

    /// The size of linear memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory.data_size(&self.store) as u64
    }

    /// One word of the figures that the guest reports about itself.
    pub(crate) fn vital(&self, index: usize) -> u64 {
        debug_assert!(index < vitals::WORDS, "there is no such word");
        self.word(self.vitals as usize + index * size_of::<u32>()).map_or(0, u64::from)
    }

    fn word(&self, start: usize) -> Option<u32> {
        let word = self.memory.data(&self.store).get(start..start.checked_add(size_of::<u32>())?)?;
        word.try_into().ok().map(u32::from_le_bytes)
    }

    /// The protocol version that the guest reports.
    #[cfg(feature = "compiler")]
    pub(super) fn abi_version(&mut self) -> Option<u32> {
        let place = self.instance.get_global(&mut self.store, export::ABI)?.get(&mut self.store).i32()?;
        self.word(place.cast_unsigned() as usize)
    }
}

/// The fuel that has been used. The counter may be below zero, because it is checked only after it is decreased.
pub(super) fn used(granted: u64, left: i64) -> u64 {
    granted.saturating_add_signed(left.saturating_neg())
}

/// Polls a future once.
fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
