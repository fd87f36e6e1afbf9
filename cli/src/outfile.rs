//! Writes programs and snapshots to the path that a person gave.
//!
//! It owns how each kind of path is written: a file is replaced atomically and keeps its mode and owner, a link is
//! followed, and a device or a pipe is written to. It must never know what the bytes mean.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process;

use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::{screen, system};

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everybody whom the umask allows.
    Umask,
    /// Its owner only.
    Owner,
}

/// How many links are followed, as many as Linux follows, and how many names are tried for a temporary file.
const MOST_TRIES: usize = 40;

/// Whether a path is the `-` that means standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file. When that fails, an existing file is unchanged and no temporary file is left.
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
    if is_stdout(path) || (is_descriptor && system::is_open_as_stdout(path)) {
        return send(&mut screen::stdout()?, bytes);
    }
    // A file that will be replaced is opened too, so that the system checks its mode and whether its links may be
    // followed.
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

/// Writes to something that cannot be replaced.
fn send(output: &mut (impl Write + IsTerminal), bytes: &[u8]) -> io::Result<()> {
    if output.is_terminal() {
        return Err(io::Error::other("it is a terminal, and the output is binary; name a file or a pipe"));
    }
    output.write_all(bytes)?;
    output.flush()
}

/// Makes the missing file that a link leads to.
fn make_target(link: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    system::with_mode(OpenOptions::new().write(true).create(true).truncate(false), 0o600).open(link)?;
    let target = fs::canonicalize(link)?;
    replace(&target, bytes, readers, None).inspect_err(|_| drop(fs::remove_file(&target)))
}

/// Writes a temporary file in the same folder and renames it, so that no reader ever finds half a file.
fn replace(path: &Path, bytes: &[u8], readers: Readers, old: Option<&Metadata>) -> io::Result<()> {
    let folder = folder_of(path);
    let is_open = old.is_none() && readers == Readers::Umask;
    let (mut file, beside) = create_beside(folder, if is_open { 0o666 } else { 0o600 })?;
    let filled = file
        .write_all(bytes)
        .and_then(|()| old.map_or(Ok(()), |old| system::take_over(&file, old)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if filled.is_err() {
        let _ = fs::remove_file(&beside);
    }
    filled?;
    // This makes the rename durable. The file is complete without it, and not every file system supports it.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a temporary file. An existing file or link of that name, which another user may have put there, is not used.
fn create_beside(folder: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    let mut taken = io::Error::from(ErrorKind::AlreadyExists);
    for number in 0..MOST_TRIES {
        let path = folder.join(format!(".belljar-{}-{number}.new", process::id()));
        match system::with_mode(OpenOptions::new().write(true).create_new(true), mode).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// Whether a path leads to an open descriptor of a process, as /dev/stdout and /dev/fd/3 do. The process would not see
/// a file that replaces the one it has open.
fn is_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MOST_TRIES {
        let Ok(folder) = fs::canonicalize(folder_of(&path)) else { return false };
        if ["/proc", "/dev/fd"].iter().any(|place| folder.starts_with(place)) {
            return true;
        }
        let Ok(target) = fs::read_link(&path) else { return false };
        path = folder.join(target);
    }
    false
}
