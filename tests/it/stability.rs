//! What docs/stability.md promises about bytes that an older build wrote. `tests/fixtures` has them, a folder for
//! each build; `make fixtures` adds one for this build.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belljar::{Call, Clock, Error, Instance, Limits, Program, Recording, Router, RpcError, Snapshot};

use crate::support::{block_on, runtime};

const PROGRAM: &str = "[20, 22].reduce((sum, n) => sum + n)";
const BEFORE: &str =
    "let n = 20; class Account { #held = 2; get held() { return this.#held } } const account = new Account()";
const AFTER: &str = "n + 11 * account.held";
const RECORDED: &str = "const all = await Promise.all([host.rpc('double', 4), host.rpc('refuse').catch(e => e.code)]);
    [...all, host.rpcSync('double', 17), Date.now()]";
const RESULT: &str = r#"[8,"refused",34,1000]"#;
const KEY: [u8; 32] = [7; 32];
const CONTEXT: &[u8] = b"tests/fixtures";

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

fn start(router: &Router) -> Instance {
    let clock = Clock::Stepped { start: Duration::from_secs(1), step: Duration::ZERO };
    runtime().build_instance().seed(4).clock(clock).start(router, &Limits::default()).unwrap()
}

fn handlers() -> Router {
    Router::new()
        .handle("double", |_: &Call, n: i64| Ok(2 * n))
        .handle("refuse", |_: &Call, (): ()| Err::<(), _>(RpcError::new("refused", "it may not")))
}

/// Writes what `read_back` reads.
fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    put("program", &runtime().compile(PROGRAM).unwrap().to_bytes());
    let mut jar = start(&Router::new());
    jar.eval(BEFORE).unwrap();
    let snapshot = jar.snapshot().unwrap().labelled("a label");
    put("snapshot", &snapshot.to_bytes());
    put("snapshot.sealed", &snapshot.seal(&KEY, CONTEXT).unwrap());
    let recording = Recording::new();
    let result = block_on(start(&recording.record(&handlers())).eval_async(RECORDED)).unwrap();
    assert_eq!(result.to_string(), RESULT);
    put("recording.json", &recording.to_bytes());
}

/// Reads what a build with the guest of this identity wrote, and sees that each kind keeps its promise.
fn read_back(folder: &Path, guest: &str) {
    let get = |name: &str| fs::read(folder.join(name)).unwrap();
    let facts = runtime().facts();
    let is_ours = facts.identity.starts_with(guest);

    let replay = Recording::from_bytes(&get("recording.json")).unwrap().replay();
    let result = block_on(start(&replay.router()).eval_async(RECORDED)).unwrap();
    assert_eq!(result.to_string(), RESULT, "a recording replays in every build that reads its format");
    replay.finish().unwrap();

    // What is stored says itself whose it is, so it can be read, listed and labelled in every build of the same format.
    let program = Program::from_bytes(&get("program")).unwrap();
    let plain = Snapshot::from_bytes(&get("snapshot")).unwrap();
    let sealed = Snapshot::open(&get("snapshot.sealed"), &KEY, CONTEXT).unwrap();
    assert_eq!((plain.label(), sealed.label()), ("a label", "a label"));

    let restore = |snapshot| runtime().restore(snapshot, &Router::new(), &Limits::default());
    let ran = start(&Router::new()).run(&program);
    let restored = [&plain, &sealed].map(restore);
    if is_ours {
        assert_eq!(ran.unwrap().get::<i64>().unwrap(), 42);
        for jar in restored {
            assert_eq!(jar.unwrap().eval(AFTER).unwrap().get::<i64>().unwrap(), 42);
        }
        return;
    }
    let names_both = |error: Error, code: &str| {
        assert_eq!(error.code(), code);
        let message = error.to_string();
        assert!(message.contains(guest) && message.contains(&facts.identity[..16]), "it names both guests: {message}");
    };
    names_both(ran.unwrap_err(), "invalid_program");
    for jar in restored {
        names_both(jar.unwrap_err(), "invalid_snapshot");
    }
}

#[test]
fn what_older_builds_wrote_is_read_or_refused_as_the_page_promises() {
    let mut builds = 0;
    for folder in fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let guest = folder.file_name().unwrap().to_str().unwrap();
        read_back(&folder, guest);
        let identity = fs::read(folder.join("program")).unwrap()[16..24]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        assert_eq!(identity, guest, "a folder is named after the guest of the build that wrote it");
        builds += 1;
    }
    assert!(builds >= 2, "an older guest's, and those of builds with newer ones");
}

/// With `BELLJAR_FIXTURES` it writes them to that folder, as `make fixtures` asks.
#[test]
fn what_this_build_writes_it_reads() {
    let guest = runtime().facts().identity[..16].to_owned();
    let asked = std::env::var_os("BELLJAR_FIXTURES").map(PathBuf::from);
    let folder =
        asked.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("belljar-fixtures-{}", std::process::id())));
    let folder = folder.join(&guest);
    write(&folder);
    read_back(&folder, &guest);
    if asked.is_none() {
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }
}
