//! Statics of a module that has one thread. It must never know what they hold.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use core::ops::Deref;

#[cfg(target_feature = "atomics")]
compile_error!("a module with threads cannot share a Single");

/// A static that needs no lock, because there is one thread.
pub struct Single<T>(T);

// SAFETY: wasm32-unknown-unknown without the threads proposal has exactly one thread, which the check above stands for.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    /// Holds this from the start.
    pub const fn new(value: T) -> Single<T> {
        Single(value)
    }
}

impl<T> Deref for Single<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
