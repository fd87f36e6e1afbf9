//! What `mod.rs` asks of a system like Unix, on any other: Windows, where commands run in `cmd` and files have no
//! modes.
//!
//! It must never know more than that file does.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::SIGINT;

/// How often it is asked whether somebody has pressed Ctrl-C, and whether a command has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A new file has the rights of its folder.
pub(crate) fn with_mode(options: &mut OpenOptions, _: u32) -> &mut OpenOptions {
    options
}

/// A new folder has the rights of the one above it, which is in the user's own.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// A file in the same folder has the same rights already.
pub(crate) fn take_over(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// There are no names for what is open.
pub(crate) fn is_open_as_stdout(_: &Path) -> bool {
    false
}

/// Nothing tells of it here.
pub(crate) struct Exposure {
    pub(crate) mode: u32,
    pub(crate) owner: Option<u32>,
}

/// Rights are lists of users here, which are not looked at.
pub(crate) fn exposure(_: &Metadata) -> Option<Exposure> {
    None
}

/// A command of the shell.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/D", "/C", command]);
    shell
}

/// A process that `shell` started, and everything that it started.
#[derive(Clone, Copy)]
pub(crate) struct Group(u32);

impl Group {
    pub(crate) fn of(child: &Child) -> Group {
        Group(child.id())
    }

    /// Ends all of it. As long as its `Child` is kept, its number belongs to nobody else.
    pub(crate) fn kill(self) {
        let mut kill = Command::new("taskkill");
        kill.args(["/T", "/F", "/PID", &self.0.to_string()]);
        let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }

    /// Waiting reaps nothing here, because the `Child` keeps the number: so there is nothing to wait for first.
    pub(crate) fn wait(self) {}
}

/// What asks the process to end.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "nothing but Ctrl-C can be heard here")]
pub(crate) enum Request {
    /// Ctrl-C: what runs should stop.
    Interrupt,
    /// The process should end.
    End,
}

/// Hears requests from now on. What it gives waits for them on the thread that calls it, for ever.
pub(crate) fn requests() -> io::Result<impl FnOnce(&dyn Fn(Request)) + Send> {
    let pressed = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGINT, pressed.clone())?;
    Ok(move |hear: &dyn Fn(Request)| {
        loop {
            if pressed.swap(false, Ordering::Relaxed) {
                hear(Request::Interrupt);
            }
            thread::sleep(PAUSE);
        }
    })
}

/// The editor puts the terminal back by itself.
pub(crate) fn terminal_modes() -> Option<impl Fn() + Send> {
    None::<fn()>
}

/// There is no such limit.
pub(crate) fn address_space() -> Option<u64> {
    None
}

/// The name and processor of the system.
pub(crate) fn name() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// There is no such thing.
pub(crate) fn memfd() -> Option<io::Result<()>> {
    None
}
