//! What the command asks of a system like Unix: modes and owners of files, process groups, signals, the modes of a
//! terminal.
//!
//! It owns the calls that other systems do not have; `elsewhere.rs` has the same face for those. It must never know
//! what a file holds or what a process is for.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Signal, WaitId, WaitIdOptions, getrlimit, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Gives a file that is created this mode, as far as the umask allows.
pub(crate) fn with_mode(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    options.mode(mode)
}

/// Creates a folder, and those above it, that only this user may enter.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Gives a file the owner and the mode of the one that it replaces, as far as the system permits.
pub(crate) fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    let has_group = fchown(file, None, Some(old.gid())).is_ok();
    let _ = fchown(file, Some(old.uid()), None);
    // The rights of one group are not passed to another.
    let kept = if has_group { 0o777 } else { 0o707 };
    file.set_permissions(Permissions::from_mode(old.mode() & kept))
}

/// Whether standard output is this very file.
pub(crate) fn is_open_as_stdout(path: &Path) -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
    let (Ok(stdout), Ok(path)) = (stdout, fs::metadata(path)) else { return false };
    (path.dev(), path.ino()) == (stdout.dev(), stdout.ino())
}

/// Why others can read or change a file, with its mode and what closes it. A file of another user may be open to a
/// group, because only its owner could change that: so are the rules of ssh.
pub(crate) struct Exposure {
    /// The mode of the file.
    pub(crate) mode: u32,
    /// The number of its owner, if that is somebody else.
    pub(crate) owner: Option<u32>,
}

/// How others can get at a file, if they can.
pub(crate) fn exposure(about: &Metadata) -> Option<Exposure> {
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    let others = if is_ours { 0o077 } else { 0o007 };
    // A terminal stores nothing that others could read.
    if about.mode() & others == 0 || about.file_type().is_char_device() {
        return None;
    }
    Some(Exposure { mode: about.mode() & 0o777, owner: (!is_ours).then_some(about.uid()) })
}

/// A command of the shell, as a process group of its own.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).process_group(0);
    shell
}

/// A process that `shell` started, and everything that it started.
#[derive(Clone, Copy)]
pub(crate) struct Group(Pid);

impl Group {
    pub(crate) fn of(child: &Child) -> Group {
        Group(Pid::from_child(child))
    }

    /// Ends all of it. Until the first process is reaped, its number belongs to nobody else.
    pub(crate) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// Waits for the end of the first process, and does not reap it.
    pub(crate) fn wait(self) {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.0), ended).is_err_and(|error| error == Errno::INTR) {}
    }
}

/// What asks the process to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Ctrl-C: what runs should stop.
    Interrupt,
    /// The process should end.
    End,
}

/// Hears requests from now on. What it gives waits for them on the thread that calls it, for ever.
pub(crate) fn requests() -> io::Result<impl FnOnce(&dyn Fn(Request)) + Send> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    Ok(move |hear: &dyn Fn(Request)| {
        for signal in signals.forever() {
            hear(if signal == SIGINT { Request::Interrupt } else { Request::End });
        }
    })
}

/// What puts the terminal back as it is now.
pub(crate) fn terminal_modes() -> Option<impl Fn() + Send> {
    let modes = rustix::termios::tcgetattr(io::stdin()).ok()?;
    Some(move || {
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes);
    })
}

/// The most address space that this process may have; None where there is no limit.
pub(crate) fn address_space() -> Option<u64> {
    getrlimit(Resource::As).current
}

/// The name, release and processor of the system.
pub(crate) fn name() -> String {
    let kernel = rustix::system::uname();
    let [name, release, machine] =
        [kernel.sysname(), kernel.release(), kernel.machine()].map(|part| part.to_string_lossy());
    format!("{name} {release} {machine}")
}

/// Whether the kernel gives out memory that is a file without a name, from which an image is mapped; None where there
/// is no such thing.
#[cfg(target_os = "linux")]
pub(crate) fn memfd() -> Option<io::Result<()>> {
    let made = rustix::fs::memfd_create("belljar-doctor", rustix::fs::MemfdFlags::CLOEXEC);
    Some(made.map(drop).map_err(io::Error::from))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn memfd() -> Option<io::Result<()>> {
    None
}
