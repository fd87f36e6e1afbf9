//! The system's randomness.
//!
//! Every draw asks the system. No drawn bytes are kept to generate more from, so a forked child shares none with its
//! parent. This file must never know what the numbers are for.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Unpredictable bytes from the system. If the system provides none this fails; there is no weaker fallback.
pub(crate) fn draw<const BYTES: usize>() -> Result<[u8; BYTES]> {
    #[cfg(test)]
    if tests::IS_DENIED.get() {
        return Err(Error::host("the system gives no randomness: this test denies it"));
    }
    let mut bytes = [0; BYTES];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Error::host(format!(
            "the system gives no randomness: {error}; let this process use the system call `getrandom` or read /dev/urandom"
        ))),
    }
}

/// Derives 64 bits for one purpose from a secret, which cannot be computed from them.
pub(crate) fn derive(purpose: &str, secret: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(purpose).chain_update(secret).finalize();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test that cannot go on should stop there")]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::{Call, Instance, Limits, Reply, Router, Runtime, Status};

    thread_local! {
        /// Whether this thread's draws fail.
        pub(super) static IS_DENIED: Cell<bool> = const { Cell::new(false) };
    }

    fn denied<T>(work: impl FnOnce() -> T) -> T {
        IS_DENIED.set(true);
        let result = work();
        IS_DENIED.set(false);
        result
    }

    fn jar() -> Instance {
        let runtime = Runtime::builder().max_instances(2).build().expect("the machine can run belljar");
        let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
        runtime.instance(&router, &Limits::default()).expect("there is room")
    }

    #[test]
    fn no_two_draws_are_equal_and_each_purpose_has_bits_of_its_own() {
        let (one, other) = (draw::<32>().expect("it draws"), draw::<32>().expect("it draws"));
        assert_ne!(one, other);
        assert_ne!(derive("a", &one), derive("b", &one));
        assert_ne!(derive("a", &one), derive("a", &other));
    }

    #[test]
    fn without_randomness_a_script_that_draws_is_stopped_and_one_that_does_not_runs() {
        let mut jar = jar();
        let ended = denied(|| jar.eval("let drawn = 'nothing'; try { drawn = Math.random() } finally { drawn }"));
        assert_eq!(ended.as_ref().map_err(Error::code), Err("host_error"), "{ended:?}");
        // The guest has no seed, so it may not draw any number.
        assert_eq!(jar.status(), Status::Poisoned);
        jar.reset().expect("it comes back");
        assert_eq!(denied(|| jar.eval("1 + 2")).expect("it draws nothing").as_str(), "3");
        assert_eq!(jar.eval("Math.random() < 1").expect("it draws").as_str(), "true");
    }

    #[test]
    fn without_randomness_a_call_that_pauses_ends_and_the_instance_goes_on() {
        let mut jar = jar();
        let mut step = |script: &str| match pin!(jar.step_async(script)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => ended,
            Poll::Pending => panic!("nothing in it waits"),
        };
        let ended = denied(|| step("await host.rpc('ask')"));
        assert_eq!(ended.map_err(|error| error.code()).err(), Some("host_error"));
        assert!(matches!(step("await host.rpc('ask')"), Ok(crate::Turn::Paused(_))));
        assert_eq!(jar.eval("1 + 2").expect("it is usable").as_str(), "3");
    }
}
