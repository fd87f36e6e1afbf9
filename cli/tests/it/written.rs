//! Files that the command writes: a path keeps its kind, no file is half written, and a failure leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use crate::support::{
    BELLJAR, Ended, FULL, NULL, belljar, device, end, folder, prints, refuses, stdout_link, without_rights, write,
};

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The command in a shell, which has a word to say first.
fn shell(script: &str) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", script, BELLJAR]).env_remove("BELLJAR_KEY").stdin(Stdio::null());
    end(command)
}

fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(b"belljarP")
}

/// Both tasks that write a file, and how what they write begins.
const TASKS: [(&str, &[u8]); 2] = [("compile", b"belljarP"), ("snapshot", b"belljarS")];

#[test]
fn a_device_stays_a_device() {
    let folder = folder("written_device");
    let Some(null) = device(&folder, "null", NULL) else { return };
    for (task, _) in TASKS {
        prints(&[task, "-e", "1", "-o", &null], "");
        assert!(fs::symlink_metadata(&null).unwrap().file_type().is_char_device(), "{task}");
        assert_eq!(mode(&null), 0o666 & !umask());
    }
    assert_eq!(names(&folder), ["null"]);
}

#[test]
fn a_full_device_is_told_by_its_name() {
    let folder = folder("written_full");
    let Some(full) = device(&folder, "full", FULL) else { return };
    for (task, _) in TASKS {
        refuses(&[task, "-e", "1", "-o", &full], 2, "full cannot be written: No space left");
        assert!(fs::symlink_metadata(&full).unwrap().file_type().is_char_device());
    }
    assert_eq!(names(&folder), ["full"]);
}

#[test]
fn a_pipe_with_a_name_gets_what_is_written() {
    let folder = folder("written_pipe");
    let pipe = folder.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    // Open for both, so that neither side waits for the other, whatever becomes of the pipe.
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let mut reader = options.open(&pipe).unwrap();
    for (task, beginning) in TASKS {
        prints(&[task, "-e", "1", "-o", pipe.to_str().unwrap()], "");
        let mut bytes = Vec::new();
        assert_eq!(reader.read_to_end(&mut bytes).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(bytes.starts_with(beginning), "{task}");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{task}");
    }
    assert_eq!(names(&folder), ["pipe"]);
}

#[test]
fn a_link_is_followed_and_its_target_replaced() {
    let folder = folder("written_link");
    let (elsewhere, link) = (folder.join("elsewhere"), folder.join("link"));
    fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.join("target");
    // A link that leads nowhere yet, and then to a file that is there.
    symlink("between", &link).unwrap();
    symlink("elsewhere/target", folder.join("between")).unwrap();
    for (task, beginning) in TASKS {
        for _ in 0..2 {
            prints(&[task, "-e", "1", "-o", link.to_str().unwrap()], "");
            assert!(fs::read(&target).unwrap().starts_with(beginning), "{task}");
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{task}");
        }
        assert_eq!(mode(&target), if task == "snapshot" { 0o600 } else { 0o666 & !umask() }, "{task}");
        fs::remove_file(&target).unwrap();
    }
    assert_eq!((names(&folder).len(), names(&elsewhere).len()), (3, 0));
    // In a circle, and into a folder that is not there.
    symlink("circle", folder.join("circle")).unwrap();
    refuses(&["compile", "-e", "1", "-o", folder.join("circle").to_str().unwrap()], 2, "circle cannot be written: ");
    symlink("nowhere/at", folder.join("lost")).unwrap();
    refuses(&["compile", "-e", "1", "-o", folder.join("lost").to_str().unwrap()], 2, "lost cannot be written: No such");
}

fn umask() -> u32 {
    let text = shell("umask").out;
    u32::from_str_radix(text.trim(), 8).unwrap()
}

#[test]
fn a_file_keeps_its_mode_and_its_owner() {
    let folder = folder("written_mode");
    for (task, beginning) in TASKS {
        for kept in [0o600, 0o640, 0o444, 0o755] {
            // Root may write to any file.
            if kept & 0o200 == 0 && !rustix::process::geteuid().is_root() {
                continue;
            }
            let file = write(&folder, "file", "before");
            set_mode(&file, kept);
            let before = fs::metadata(&file).unwrap();
            prints(&[task, "-e", "1", "-o", &file], "");
            let after = fs::metadata(&file).unwrap();
            assert!(fs::read(&file).unwrap().starts_with(beginning));
            assert_eq!((mode(&file), after.uid(), after.gid()), (kept, before.uid(), before.gid()), "{task}");
            fs::remove_file(&file).unwrap();
        }
    }
    // Root writes to the files of others, and they stay theirs.
    let file = write(&folder, "file", "before");
    if std::os::unix::fs::chown(&file, Some(4242), Some(4243)).is_ok() {
        set_mode(&file, 0o660);
        prints(&["snapshot", "-e", "1", "-o", &file], "");
        let after = fs::metadata(&file).unwrap();
        assert_eq!((mode(&file), after.uid(), after.gid()), (0o660, 4242, 4243));
    }
    assert_eq!(names(&folder), ["file"]);
}

/// A group that cannot be kept is not given to another one.
#[test]
fn a_group_that_cannot_be_kept_gets_nothing() {
    let folder = folder("written_group");
    let file = write(&folder, "file", "before");
    if std::os::unix::fs::chown(&file, None, Some(4243)).is_err() {
        return;
    }
    set_mode(&file, 0o660);
    let Some(mut command) = without_rights() else { return };
    command.args(["snapshot", "-e", "1", "-o", &file]);
    let ended = end(command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!((mode(&file), fs::metadata(&file).unwrap().gid()), (0o600, rustix::process::getegid().as_raw()));
}

#[test]
fn a_new_snapshot_is_for_its_owner_and_a_new_program_follows_the_umask() {
    let folder = folder("written_new");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for (task, umask, expected) in [
        ("snapshot", "022", 0o600),
        ("snapshot", "000", 0o600),
        ("snapshot", "0277", 0o400),
        ("compile", "022", 0o644),
        ("compile", "002", 0o664),
        ("compile", "077", 0o600),
    ] {
        let file = path(&format!("{task}-{umask}"));
        let ended = shell(&format!("umask {umask} && exec \"$0\" {task} -e 1 -o '{file}'"));
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert_eq!(mode(&file), expected, "{task} under the umask {umask}");
    }
    assert_eq!(names(&folder).len(), 6);
}

#[test]
fn a_file_is_replaced_at_once_and_not_written_over() {
    let folder = folder("written_at_once");
    let file = write(&folder, "file", "before");
    let mut reader = File::open(&file).unwrap();
    prints(&["compile", "-e", "1", "-o", &file], "");
    let mut before = String::new();
    reader.read_to_string(&mut before).unwrap();
    assert_eq!(before, "before", "whoever read the old one goes on reading it");
    assert!(is_program(&fs::read(&file).unwrap()));
    assert_eq!(names(&folder), ["file"]);
}

/// A limit on the size of files stands for a disk that is full.
#[test]
fn a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else() {
    let folder = folder("written_half");
    let old = write(&folder, "old", "before");
    let new = folder.join("new").to_str().unwrap().to_owned();
    let link = folder.join("link").to_str().unwrap().to_owned();
    symlink("dangling", &link).unwrap();
    // Neither gets smaller; the limit leaves room for the memory of the jar, which is a file without a name.
    let text = write(&folder, "text.js", format!("'{}'", "x".repeat(6 << 20)));
    let noise = "var a = new Uint32Array(15e5); for (let i = 0; i < a.length; i++) a[i] = Math.random() * 2 ** 32";
    let noise = write(&folder, "noise.js", noise);
    for (task, script, more) in [("compile", &text, ""), ("snapshot", &noise, "--max-cpu-ms 60000")] {
        for file in [&old, &new, &link] {
            let limited = "trap '' XFSZ; ulimit -f 8192 && exec \"$0\"";
            let ended = shell(&format!("{limited} {task} '{script}' -o '{file}' {more}"));
            assert_eq!(ended.code, 2, "{}", ended.err);
            assert!(ended.err.contains(&format!("{file} cannot be written: File too large")), "{}", ended.err);
        }
        assert_eq!(fs::read(&old).unwrap(), b"before");
        assert_eq!(names(&folder), ["link", "noise.js", "old", "text.js"]);
    }
}

#[test]
fn what_cannot_be_written_is_told_by_its_name() {
    let folder = folder("written_refused");
    let text = folder.to_str().unwrap();
    let file = write(&folder, "file", "before");
    set_mode(&file, 0o444);
    for (task, _) in TASKS {
        refuses(&[task, "-e", "1", "-o", text], 2, &format!("{text} is a folder; name a file in it"));
        refuses(&[task, "-e", "1", "-o", &format!("{text}/")], 2, "is a folder");
        refuses(&[task, "-e", "1", "-o", &format!("{text}/no/x")], 2, "no/x cannot be written: No such file");
        refuses(&[task, "-e", "1", "-o", &format!("{file}/x")], 2, "file/x cannot be written: Not a directory");
        refuses(&[task, "-e", "1", "-o", &format!("{text}/new/")], 2, "new/ cannot be written");
        let Some(mut command) = without_rights() else { continue };
        command.args([task, "-e", "1", "-o", &file]);
        let ended = end(command);
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains("file cannot be written: Permission denied"), "{}", ended.err);
    }
    assert_eq!(names(&folder), ["file"]);
    assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"before".to_vec(), 0o444));
    // A folder that takes no new file.
    set_mode(&folder, 0o555);
    if let Some(mut command) = without_rights() {
        command.args(["compile", "-e", "1", "-o", &format!("{text}/new")]);
        let ended = end(command);
        assert!(ended.err.contains("new cannot be written: Permission denied"), "{}", ended.err);
    }
    set_mode(&folder, 0o755);
    assert_eq!(names(&folder), ["file"]);
}

#[test]
fn standard_output_takes_a_file_too() {
    let folder = folder("written_stdout");
    let file = folder.join("file").to_str().unwrap().to_owned();
    // In the folders of the last two nothing can be replaced, whoever tries.
    let link = stdout_link(&folder);
    for name in ["-", &link, "/dev/fd/1", "/proc/self/fd/1"] {
        // A pipe.
        let output = belljar().current_dir(&folder).args(["compile", "-e", "1", "-o", name]).output().unwrap();
        assert!(output.status.success() && is_program(&output.stdout), "{name}: {:?}", output.status);
        // A file that somebody holds open for what comes after: it is written to and not replaced.
        let ended = shell(&format!("{{ echo before; \"$0\" compile -e 1 -o {name}; echo after; }} > '{file}'"));
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{name}");
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.strip_prefix(b"before\n").is_some_and(is_program) && bytes.ends_with(b"after\n"), "{name}");
        // The end of a file, whatever else is in it.
        let ended = shell(&format!("echo before > '{file}'; \"$0\" compile -e 1 -o {name} >> '{file}'"));
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{name}");
        assert!(fs::read(&file).unwrap().strip_prefix(b"before\n").is_some_and(is_program), "{name}");
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let script = "cd \"$1\" && { echo before; \"$0\" compile -e 1 -o stdout; } > file";
    let mut command = Command::new("sh");
    command.args(["-c", script, BELLJAR]).arg(&folder).env_remove("BELLJAR_KEY");
    assert_eq!(end(command).code, 0);
    assert!(fs::read(&file).unwrap().strip_prefix(b"before\n").is_some_and(is_program), "a link without a folder");
    let ended = shell(&format!("exec 3> '{file}'; \"$0\" compile -e 1 -o /dev/fd/3; echo after >&2"));
    assert_eq!((ended.code, ended.err.as_str()), (0, "after\n"));
    assert!(is_program(&fs::read(&file).unwrap()));
    assert_eq!(names(&folder), ["file", "stdout"]);
}

/// What the script prints must not stand in the middle of it.
#[test]
fn a_snapshot_on_standard_output_is_alone_there() {
    let folder = folder("written_alone");
    let code = "console.log('told'); var n = 7";
    let output = belljar().current_dir(&folder).args(["snapshot", "-e", code, "-o", "-"]).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"belljarS"));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "told\n");
    let file = write(&folder, "file", output.stdout);
    prints(&["--from", &file, "-p", "n"], "7\n");
}

/// Links at names that could be guessed, as another user could put them there.
#[test]
fn what_lies_beside_a_file_is_left_alone() {
    let folder = folder("written_beside");
    let victim = write(&folder, "victim", "before");
    let file = folder.join("file").to_str().unwrap().to_owned();
    // `exec` keeps the process id of the shell, which is part of those names.
    let ended = shell(&format!(
        "ln -s victim '{file}'.$$.new; ln -s victim '{}'/.belljar-$$.new; exec \"$0\" compile -e 1 -o '{file}'",
        folder.to_str().unwrap()
    ));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(fs::read(victim).unwrap(), b"before");
    assert!(is_program(&fs::read(file).unwrap()));
}

/// The system forbids to follow links of other users in folders like /tmp, unless it is set up otherwise.
#[test]
fn a_link_that_the_system_forbids_is_not_followed() {
    let folder = folder("written_sticky");
    let victim = write(&folder, "victim", "before");
    let open = folder.join("open");
    fs::create_dir(&open).unwrap();
    set_mode(&open, 0o1777);
    let link = open.join("link");
    symlink(&victim, &link).unwrap();
    let other = rustix::fs::chownat(
        CWD,
        &link,
        rustix::fs::Uid::from_raw(4242).into(),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    );
    // Without the rights of root, nobody else's link can be made.
    if other.is_err() || fs::read_to_string("/proc/sys/fs/protected_symlinks").unwrap_or_default().trim() != "1" {
        return;
    }
    refuses(&["compile", "-e", "1", "-o", link.to_str().unwrap()], 2, "link cannot be written: Permission denied");
    assert_eq!(fs::read(victim).unwrap(), b"before");
}

#[test]
fn a_signal_ends_a_command_that_waits_for_the_reader_of_a_pipe() {
    let folder = folder("written_signal");
    let pipe = folder.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let mut child = belljar()
        .args(["snapshot", "-e", "console.log('up')", "-o", pipe.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(names(&folder), ["pipe"]);
}

#[test]
fn a_file_of_the_prompt_is_written_with_the_same_care() {
    let folder = folder("written_prompt");
    let file = write(&folder, "file", "before");
    set_mode(&file, 0o640);
    let link = folder.join("link");
    symlink("file", &link).unwrap();
    let new = folder.join("new");
    let null = device(&folder, "null", NULL).unwrap_or_else(|| folder.join("other").to_str().unwrap().to_owned());
    let mut child = belljar()
        .args(["repl"])
        .env("HOME", &folder)
        .env_remove("XDG_STATE_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "var n = 7\n.save {}\n.save {}\n.save {null}\n", link.display(), new.display()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!((mode(&file), mode(&new)), (0o640, 0o600));
    prints(&["--from", new.to_str().unwrap(), "-p", "n"], "7\n");
    assert!(null.ends_with("other") || fs::metadata(&null).unwrap().file_type().is_char_device());
    assert_eq!(names(&folder).len(), 4);
}

/// The name is as long as a name can be, so that none that is longer fits beside it.
#[test]
fn the_longest_name_can_be_written() {
    let folder = folder("written_long");
    let file = folder.join("x".repeat(255));
    prints(&["compile", "-e", "1", "-o", file.to_str().unwrap()], "");
    assert!(is_program(&fs::read(file).unwrap()));
}

/// As a file of the folder where the command runs, without a word about the folder.
#[test]
fn a_bare_name_is_a_file_of_the_folder_where_it_runs() {
    let folder = folder("written_bare");
    let mut command = belljar();
    command.current_dir(&folder).args(["compile", "-e", "1", "-o", "file"]);
    assert_eq!(end(command).code, 0);
    assert_eq!(names(&folder), ["file"]);
}
