//! The virtual machine: the only place that names wasmtime.
//!
//! [`engine`] sets it up, [`code`] says where native code lies, [`image`] holds a guest image ready to stamp out,
//! [`state`] is what a store carries, [`pool`] has the slots that instances live in, [`start`] is a memory that was
//! frozen for others to begin with, [`data`] takes a guest image apart into code and memory, [`imports`] is
//! everything that the guest can reach, [`memory`] reads and writes what the guest points at, and [`fibre`] runs one
//! operation of the guest on a stack of its own. It must never know JSON, handlers or policy.

pub(crate) mod code;
#[cfg(feature = "compiler")]
mod data;
pub(crate) mod engine;
pub(crate) mod fibre;
pub(crate) mod frozen;
pub(crate) mod image;
mod imports;
mod memory;
#[cfg(feature = "compiler")]
mod meter;
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
pub(crate) mod pool;
pub(crate) mod start;
pub(crate) mod state;
mod tuning;
