//! The virtual machine: the only place that names wasmtime.
//!
//! [`engine`] sets it up, [`code`] says where native code lies, [`image`] holds a guest image ready to stamp out, [`state`] is what a store carries,
//! [`touched`] knows which pages of memory may have changed,
//! [`imports`] is everything that the guest can reach, [`memory`] reads and writes what the guest points at, and
//! [`fibre`] runs one operation of the guest on a stack of its own. It must never know JSON, handlers or policy.

pub(crate) mod code;
pub(crate) mod engine;
pub(crate) mod fibre;
pub(crate) mod frozen;
pub(crate) mod image;
mod imports;
mod memory;
#[cfg(feature = "compiler")]
mod meter;
pub(crate) mod state;
mod touched;
mod tuning;
