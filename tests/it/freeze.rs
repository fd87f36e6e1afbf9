//! Scripts that are frozen at every call that they wait for and resumed in another process, without observing any of
//! it.
//!
//! Every file of `tests/js/freeze` runs twice: straight, and in legs. A leg is a separate process: it opens a sealed
//! snapshot, answers the oldest call, and runs to the next pause. Both runs must give what the file beside the script
//! says. `BELLJAR_BLESS=1` writes those files again, from the straight run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belljar::{Answer, Call, CallId, Clock, Instance, Limits, Reply, RpcError, Runtime, Script, Snapshot, Turn, Value};

use crate::support::{Log, block_on, itself, runtime};

const KEY: [u8; 32] = [3; 32];
/// The variable with the folder of a journey, for the process of a leg.
const FOLDER: &str = "BELLJAR_JOURNEY";

fn clock() -> Clock {
    Clock::Fixed(Duration::from_secs(1_700_000_000))
}

/// The output and the result of a script, in the format of the file beside it.
fn outcome(lines: &[String], ended: &belljar::Result<Value>) -> String {
    let mut outcome = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    match ended {
        Ok(value) => writeln!(outcome, "=> {value}").unwrap(),
        Err(error) => writeln!(outcome, "=> {}: {error}", error.code()).unwrap(),
    }
    outcome
}

fn straight(name: &str, source: &str) -> String {
    let log = Log::default();
    let router = log
        .console()
        .handle("tick", |_: &Call, value: Value| Ok(value))
        .handle("fail", |_: &Call, message: String| Err::<(), _>(RpcError::new("failed", message)));
    let mut jar = runtime().build_instance().seed(1).clock(clock()).start(&router, &Limits::default()).unwrap();
    let ended = block_on(jar.eval_async(Script::new(source).named(name)));
    outcome(&log.take(), &ended)
}

/// The files that are passed from leg to leg.
struct Journey {
    folder: PathBuf,
}

impl Journey {
    fn begin(name: &str, source: &str) -> Journey {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journey-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("name"), name).unwrap();
        fs::write(folder.join("source"), source).unwrap();
        Journey { folder }
    }

    /// One leg, from a pause to the next or to the end.
    fn leg(&self) {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let name = read("name");
        let log = Log::default();
        let router = log.console().fallback(|_: &Call, _: Value| Reply::pause());
        let runtime = Runtime::builder().max_instances(1).on_demand().build().unwrap();
        let turn = match fs::read(self.folder.join("snapshot")) {
            Ok(sealed) => {
                let snapshot = Snapshot::open(&sealed, &KEY, name.as_bytes()).unwrap();
                let mut jar = runtime.restore(&snapshot, &router, &Limits::default()).unwrap();
                let answer = answer(&jar);
                block_on(jar.resume_async([answer]))
            }
            Err(_) => {
                let limits = Limits::default();
                let mut jar = runtime.build_instance().seed(1).clock(clock()).start(&router, &limits).unwrap();
                block_on(jar.step_eval_async(Script::new(read("source")).named(name.as_str())))
            }
        };
        let mut lines: Vec<String> = read("lines").lines().map(str::to_owned).collect();
        lines.extend(log.take());
        fs::write(self.folder.join("lines"), lines.join("\n")).unwrap();
        let ended = match turn {
            Ok(Turn::Paused(paused)) => {
                let sealed = paused.snapshot().seal(&KEY, name.as_bytes()).unwrap();
                return fs::write(self.folder.join("snapshot"), sealed).unwrap();
            }
            Ok(Turn::Done(value)) => Ok(value),
            Err(error) => Err(error),
            Ok(other) => panic!("{other:?}"),
        };
        fs::write(self.folder.join("outcome"), outcome(&lines, &ended)).unwrap();
    }

    fn outcome(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("outcome")).ok()
    }

    /// Runs all legs, each in a separate process. Returns the outcome and the number of legs.
    fn go(&self) -> (String, usize) {
        for legs in 1..200 {
            let leg = itself()
                .args(["--exact", "freeze::a_leg_goes_from_one_pause_to_the_next"])
                .env(FOLDER, &self.folder)
                .output()
                .unwrap();
            assert!(leg.status.success(), "{}", String::from_utf8_lossy(&leg.stdout));
            if let Some(outcome) = self.outcome() {
                return (outcome, legs);
            }
        }
        panic!("the journey does not end: {}", self.folder.display());
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        // A failed test keeps its files for debugging.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The answer to the oldest pending call, the same as from the handlers of a straight run.
fn answer(jar: &Instance) -> (CallId, Answer) {
    let call = &jar.pending()[0];
    let answer = match call.method.as_str() {
        "tick" => Answer::Result(call.params.clone()),
        "fail" => Answer::Error(RpcError::new("failed", call.params.get::<String>().unwrap())),
        other => panic!("the scripts call no {other:?}"),
    };
    (call.id, answer)
}

/// This test is also what the other processes run: there the folder is set, and the test runs one leg.
#[test]
fn a_leg_goes_from_one_pause_to_the_next() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let journey = std::mem::ManuallyDrop::new(Journey { folder: folder.into() });
        return journey.leg();
    }
    let journey =
        Journey::begin("two.js", "const tick = n => host.rpc('tick', n); console.log(await tick(1)); await tick(2)");
    for done in [false, false, true] {
        assert!(journey.outcome().is_none());
        journey.leg();
        assert_eq!(journey.outcome().is_some(), done);
    }
    assert_eq!(journey.outcome().unwrap(), "1\n=> 2\n");
}

#[test]
fn every_state_survives_a_freeze_at_every_await() {
    let bless = std::env::var_os("BELLJAR_BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js/freeze");
    let mut scripts: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 20, "the corpus is gone");
    let check = |script: &Path| {
        let name = script.file_name().unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(script).unwrap();
        let expected = script.with_extension("out");
        let straight = straight(&name, &source);
        if bless {
            fs::write(&expected, &straight).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        let (frozen, legs) = Journey::begin(&name, &source).go();
        let mut wrong = String::new();
        for (how, outcome) in [("straight", straight), ("frozen", frozen)] {
            if outcome != expected {
                write!(wrong, "--- {name}, {how}\n{outcome}").unwrap();
            }
        }
        if legs < 3 {
            writeln!(wrong, "--- {name} was frozen only {} times", legs - 1).unwrap();
        }
        wrong
    };
    let (left, right) = scripts.split_at(scripts.len() / 2);
    let run = |scripts: &[PathBuf]| scripts.iter().map(|script| check(script)).collect::<String>();
    let wrong = std::thread::scope(|scope| {
        let left = scope.spawn(|| run(left));
        run(right) + &left.join().unwrap()
    });
    assert!(wrong.is_empty(), "these scripts did something else:\n{wrong}");
}
