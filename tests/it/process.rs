//! Changes of a test's process: forking, and giving up the right to start threads.
//!
//! Only a test that runs alone may use it. It must never know what the child is for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How long a child may take, in seconds. The kernel ends one that takes longer.
const PATIENCE: u32 = 60;

/// A running child process.
pub(crate) struct Child {
    pid: libc::pid_t,
    said: std::io::PipeReader,
}

/// Forks this process without starting another program, and runs some work in the child.
pub(crate) fn fork(work: impl FnOnce() -> String) -> Child {
    let (said, mut says) = std::io::pipe().unwrap();
    // SAFETY: the child has only this thread. The C library keeps its own locks consistent, `work` only does what the
    // test is about, and the child leaves through `_exit`, so no destructor of the parent runs twice.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", std::io::Error::last_os_error()),
        0 => {
            // SAFETY: the call only requests a signal, whose default action ends the child.
            unsafe { libc::alarm(PATIENCE) };
            let text = catch_unwind(AssertUnwindSafe(work));
            let code = i32::from(text.is_err() || says.write_all(text.unwrap_or_default().as_bytes()).is_err());
            // SAFETY: the call ends the child at once.
            unsafe { libc::_exit(code) }
        }
        pid => Child { pid, said },
    }
}

impl Child {
    /// Waits for the child; returns the result of its work.
    #[track_caller]
    pub(crate) fn join(mut self) -> String {
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        let mut status = 0;
        // SAFETY: the pid is that of a child of this process that has not been waited for.
        let waited = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        assert_eq!((waited, status), (self.pid, 0), "the child did not end well; 14 is the signal for one that hangs");
        text
    }
}

/// Whether this process may start threads.
pub(crate) fn allow_threads(are_allowed: bool) {
    const NOBODY: libc::uid_t = 65_534;
    // SAFETY: the calls change rights of this process and access no memory except the limit that is passed.
    unsafe {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::getrlimit(libc::RLIMIT_NPROC, &raw mut limit), 0);
        limit.rlim_cur = if are_allowed { limit.rlim_max } else { 0 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit), 0);
        // The limit does not apply to root, so the user id is changed; the saved id allows root to return.
        let is_root = libc::getuid() == 0 || libc::geteuid() == 0;
        if is_root && !are_allowed {
            assert_eq!(libc::setresuid(NOBODY, NOBODY, 0), 0);
        } else if are_allowed && libc::getuid() == NOBODY {
            libc::setresuid(0, 0, 0);
        }
    }
}
