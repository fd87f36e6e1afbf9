//! The virtual machine: the only place that names wasmtime.
//!
//! [`engine`] configures it, [`code`] says where native code lies, [`image`] holds a guest image from which instances
//! are made, [`state`] is the data of a wasmtime store, [`pool`] has the slots that instances live in, [`frozen`] is
//! the memory of an instance as a difference from its image, [`start`] makes instances from frozen memory, `data`
//! splits a guest image into code and memory, `meter` adds the fuel counter to it, [`imports`] has every function
//! that the guest can call, [`memory`] reads and writes the guest's memory, and [`fibre`] runs one operation of the
//! guest on a separate stack. It must never know JSON, handlers or policy.

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
