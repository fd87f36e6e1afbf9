//! Files that belljar writes where a person says: programs and snapshots.
//!
//! It owns that a path stays what it is. A file is replaced in one step and keeps its mode and its owner, a link goes on leading to
//! its target, a device or a pipe is written to. It must never know what the bytes mean.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::process;

use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::screen;

/// Who may read a file that was not there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everybody whom the umask does not shut out.
    Umask,
    /// Its owner alone.
    Owner,
}

/// How many links are followed, and how many names are tried for what is written first. The system follows as many.
const MOST_TRIES: usize = 40;

/// Whether a path means standard output, as it means standard input where something is read.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file. When that fails, a file that was there before is unchanged, and nothing is left beside it.
pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let shown = if is_stdout(path) { "standard output".into() } else { path.display().to_string() };
    match put(path, bytes, readers, interrupt) {
        Ok(()) => Ok(Ending::Done),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(Refusal::usage(format!("{shown} is a folder; name a file in it")))
        }
        Err(error) => Err(Refusal::usage(format!("{shown} cannot be written: {error}"))),
    }
}

fn put(path: &Path, bytes: &[u8], readers: Readers, interrupt: &Interrupt) -> io::Result<()> {
    let is_descriptor = is_descriptor(path);
    if is_stdout(path) || (is_descriptor && is_open_as_stdout(path)) {
        return send(&mut screen::stdout()?, bytes);
    }
    // Opened for writing even if it is replaced then: the system says whether it may be written, and whether its links may be followed.
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            return interrupt.finish(|| make_target(path, bytes, readers));
        }
        Err(_) => return interrupt.finish(|| replace(path, bytes, readers, None)),
    };
    let old = file.metadata()?;
    if old.is_file() && !is_descriptor {
        return interrupt.finish(|| replace(&fs::canonicalize(path)?, bytes, readers, Some(&old)));
    }
    if old.is_file() {
        file.set_len(0)?;
    }
    send(&mut file, bytes)
}

/// Writes to what is no file that could be replaced.
fn send(output: &mut (impl Write + IsTerminal), bytes: &[u8]) -> io::Result<()> {
    if output.is_terminal() {
        return Err(io::Error::other("it is a terminal, and these bytes are no text; name a file or a pipe"));
    }
    output.write_all(bytes)?;
    output.flush()
}

/// Makes the file that a link leads to and that is not there yet.
fn make_target(link: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(link)?;
    let target = fs::canonicalize(link)?;
    replace(&target, bytes, readers, None).inspect_err(|_| drop(fs::remove_file(&target)))
}

/// Writes a file beside its place and moves it there, so that nobody ever finds half of one.
fn replace(path: &Path, bytes: &[u8], readers: Readers, old: Option<&Metadata>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_open = old.is_none() && readers == Readers::Umask;
    let (mut file, beside) = create_beside(folder, if is_open { 0o666 } else { 0o600 })?;
    let filled = file
        .write_all(bytes)
        .and_then(|()| old.map_or(Ok(()), |old| take_over(&file, old)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if filled.is_err() {
        let _ = fs::remove_file(&beside);
    }
    filled?;
    // The name is on the disk too, then. Not every file system can do that, and the file is in its place already.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file that was not there before: whatever somebody has laid at one of its names is left alone.
fn create_beside(folder: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    let mut taken = io::Error::from(ErrorKind::AlreadyExists);
    for number in 0..MOST_TRIES {
        let path = folder.join(format!(".belljar-{}-{number}.new", process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// Gives a file the owner and the mode of the one that it replaces, as far as the system lets us.
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    let has_group = fchown(file, None, Some(old.gid())).is_ok();
    let _ = fchown(file, Some(old.uid()), None);
    // What one group may do, another may not.
    let kept = if has_group { 0o777 } else { 0o707 };
    file.set_permissions(Permissions::from_mode(old.mode() & kept))
}

/// Whether a path leads to an open descriptor of a process, as /dev/stdout and /dev/fd/3 do. Whoever holds that would never see what
/// replaces its file.
fn is_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MOST_TRIES {
        let Some(Ok(folder)) = path.parent().map(fs::canonicalize) else { return false };
        if ["/proc", "/dev/fd"].iter().any(|place| folder.starts_with(place)) {
            return true;
        }
        let Ok(target) = fs::read_link(&path) else { return false };
        path = folder.join(target);
    }
    false
}

fn is_open_as_stdout(path: &Path) -> bool {
    let (Ok(path), Ok(stdout)) = (fs::metadata(path), rustix::fs::fstat(io::stdout())) else { return false };
    (path.dev(), path.ino()) == (stdout.st_dev, stdout.st_ino)
}
