//! Keys: who may read the file of one, and that no command of a script gets to see one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::{BELLJAR, belljar, end, feed, folder, prints, refuses, run, secret, write};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = folder("secrets_mode");
    let key = write(&folder, "key", KEY);
    let out = folder.join("sealed").to_str().unwrap().to_owned();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o444] {
        set_mode(&key, mode);
        let says = format!("{key} holds a key, but with mode {mode:o} others can read or change it; ");
        let types = format!("chmod 600 {key}");
        for arguments in [
            &["run", "-p", "1", "--key-file", &key][..],
            &["-p", "1", "--key-file", &key],
            &["snapshot", "-e", "1", "-o", &out, "--key-file", &key],
            &["repl", "--key-file", &key],
            &["json", "--key-file", &key],
        ] {
            refuses(arguments, 2, &says);
            refuses(arguments, 2, &types);
        }
    }
    for mode in [0o600, 0o400] {
        set_mode(&key, mode);
        prints(&["snapshot", "-e", "var n = 7", "-o", &out, "--key-file", &key], "");
        prints(&["--from", &out, "-p", "n", "--key-file", &key], "7\n");
        assert!(run(&["inspect", &out, "--key-file", &key]).out.contains("waits for"));
    }
    set_mode(&key, 0o604);
    refuses(&["inspect", &out, "--key-file", &key], 2, "chmod 600");
    assert!(!run(&["-p", "1", "--key-file", &key]).err.contains(&KEY[..8]), "the key itself is not shown");
}

#[test]
fn what_is_to_be_typed_can_be_typed() {
    let folder = folder("secrets quoted 'twice'");
    let key = write(&folder, "the key", KEY);
    set_mode(&key, 0o644);
    let ended = run(&["-p", "1", "--key-file", &key]);
    let command = ended.err.trim_end().rsplit_once("; ").unwrap().1;
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
    prints(&["-p", "1", "--key-file", &key], "1\n");
}

/// The rule of ssh: only the owner of a file can change what a group may do with it.
#[test]
fn a_key_file_of_somebody_else_may_be_for_a_group() {
    let key = secret(&folder("secrets_owner"), "key", KEY);
    if std::os::unix::fs::chown(&key, Some(4242), None).is_err() {
        return;
    }
    set_mode(&key, 0o440);
    prints(&["-p", "1", "--key-file", &key], "1\n");
    set_mode(&key, 0o444);
    refuses(&["-p", "1", "--key-file", &key], 2, "with mode 444 others can read or change it; user 4242 owns it");
}

#[test]
fn a_key_comes_from_a_pipe() {
    let ended = feed(&["-p", "1", "--key-file", "/dev/stdin"], KEY.as_bytes());
    assert_eq!((ended.code, ended.out.as_str()), (0, "1\n"), "{}", ended.err);
    let file = write(&folder("secrets_pipe"), "key", KEY);
    set_mode(&file, 0o644);
    let mut command = belljar();
    command.args(["-p", "1", "--key-file", "/dev/stdin"]).stdin(fs::File::open(file).unwrap());
    assert!(end(command).err.contains("with mode 644"), "a file is a file, whatever it is called");
}

#[test]
fn a_command_of_a_script_does_not_get_the_key() {
    let folder = folder("secrets_commands");
    let out = folder.join("sealed").to_str().unwrap().to_owned();
    let route = "seen=printf '\"%s %s\"' \"${BELLJAR_KEY-no key}\" \"$MARK\"";
    let started = |arguments: &[&str], input: &str| {
        let mut child = Command::new(BELLJAR)
            .args(arguments)
            .args(["--rpc", route])
            .env("BELLJAR_KEY", KEY)
            .env("MARK", "and the rest")
            .env("HOME", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let code = "console.log(host.rpcSync('seen')); await host.rpc('seen')";
    let line = format!("{{\"eval\": {}}}", serde_json::json!(code));
    for (arguments, input) in
        [(&["-e", code][..], ""), (&["snapshot", "-e", code, "-o", &out], ""), (&["repl"], code), (&["json"], &line)]
    {
        let shown = started(arguments, input);
        assert!(shown.contains("no key and the rest"), "{arguments:?}: {shown}");
        assert!(!shown.contains(&KEY[..8]), "{arguments:?}: {shown}");
    }
    // The key was there all the same, for whom it is meant.
    assert!(fs::read(&out).unwrap().starts_with(b"belljarX"));
}
