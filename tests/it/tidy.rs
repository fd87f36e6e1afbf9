//! House rules that a machine can check: what a file may name, how long it may be, and that pages are true.
#![allow(clippy::panic, clippy::expect_used, reason = "a file of the repository that cannot be read is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belljar::{Error, JsError, LimitKind, Limits, Router};

use crate::support::{jar_with, runtime};

/// The most lines of a file without a reason. Test files are exempt: they are lists of cases.
const LINES: usize = 500;

/// Files that may be longer, and why.
const LONG: [(&str, &str); 0] = [];

/// Folders without files of this project.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "corpus"];

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of the repository with one of these endings, as a sorted path from the root.
fn files(endings: &[&str]) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder can be listed").flatten() {
            let name = entry.file_name();
            let path = entry.path();
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let mut found = found
        .iter()
        .filter_map(|path| path.strip_prefix(root()).ok()?.to_str())
        .map(|path| path.replace('\\', "/"))
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .collect::<Vec<_>>();
    found.sort();
    found
}

/// A source without its comments. A `//` inside a string also cuts the line, which does not matter to these rules.
fn code(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether a text contains this name as a whole word.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + word.len()..));
        !is_part(before.and_then(|text| text.chars().next_back()))
            && !is_part(after.and_then(|text| text.chars().next()))
    })
}

/// The part of a page between a heading and the next heading of any level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let body = &page[start + heading.len() + 2..];
    &body[..body.find("\n#").unwrap_or(body.len())]
}

/// The text between the first two backticks of each line that starts like this.
fn first_names(section: &str, start: &str) -> Vec<String> {
    section
        .lines()
        .filter_map(|line| line.strip_prefix(start)?.strip_prefix('`')?.split('`').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn unsafe_lives_where_the_architecture_page_says() {
    // Built from halves, so that this file does not contain the word itself.
    let word = concat!("un", "safe");
    let mut listed = first_names(section(&read("ARCHITECTURE.md"), &format!("## Files with `{word}`")), "- ");
    listed.sort();
    let found = files(&[".rs"]).into_iter().filter(|path| has_word(&code(&read(path)), word)).collect::<Vec<_>>();
    assert_eq!(found, listed);
}

#[test]
fn wasmtime_is_named_by_the_virtual_machine_only() {
    let may = |path: &str| {
        path.starts_with("host/vm/")
            || path.starts_with("runtime-guest/wizen/")
            || path == "build.rs"
            || path == file!()
    };
    for path in files(&[".rs"]).iter().filter(|path| !may(path)) {
        assert!(!has_word(&code(&read(path)), "wasmtime"), "{path} names wasmtime");
    }
}

#[test]
fn the_driver_knows_no_clock_and_no_engine() {
    for path in files(&[".rs"]).iter().filter(|path| path.starts_with("host/driver")) {
        let driver = code(&read(path));
        for word in ["Instant", "SystemTime", "wasmtime", "Router", "Handler", "vm"] {
            assert!(!has_word(&driver, word), "{path} names {word}");
        }
    }
}

#[test]
fn the_library_prints_nothing() {
    for path in files(&[".rs"]).iter().filter(|path| path.starts_with("host/")) {
        let code = code(&read(path));
        for word in ["println", "print", "eprintln", "eprint", "dbg"] {
            assert!(!code.contains(&format!(" {word}!")), "{path} uses {word}!");
        }
    }
}

#[test]
fn nothing_is_left_undone_or_ignored() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("unimplemented", "!"),
        concat!("to", "do!"),
        concat!("#[ig", "nore"),
    ];
    for path in files(&[".rs", ".toml", ".sh", ".md", ".js", ".yml", "Makefile", ".ci/run"]) {
        let text = read(&path);
        for word in words {
            assert!(!text.contains(word), "{path} holds {word}");
        }
    }
}

#[test]
fn no_file_names_a_folder_of_a_machine() {
    for path in files(&[".rs", ".toml", ".sh", ".md", ".js", ".yml", "Makefile", ".ci/run", ".lock"]) {
        let text = read(&path);
        for folder in [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")] {
            assert!(!text.contains(folder), "{path} names {folder}");
        }
    }
}

#[test]
fn a_long_file_has_a_reason() {
    for path in files(&[".rs"]).iter().filter(|path| !path.starts_with("tests/")) {
        let lines = read(path).lines().count();
        let reason = LONG.iter().find(|(long, _)| long == path);
        assert!(
            lines <= LINES || reason.is_some(),
            "{path} has {lines} lines; split it, or give a reason in {}",
            file!()
        );
    }
}

#[test]
fn every_module_says_what_it_is() {
    for path in files(&[".rs"]) {
        let source = read(&path);
        assert!(source.starts_with("//!") || source.starts_with("#!"), "{path} does not open with what it is");
    }
}

#[test]
fn the_page_on_isolation_prints_what_the_guest_imports() {
    let listed = first_names(section(&read("docs/isolation.md"), "## What the guest imports"), "| ");
    assert_eq!(listed, belljar_abi::import::ALL);
}

#[test]
fn the_page_on_limits_has_the_default_and_the_code_of_every_limit() {
    let Limits {
        fuel,
        opcodes,
        cpu_time,
        wall_time,
        js_heap_bytes,
        memory_bytes,
        stack_bytes,
        pending_rpcs,
        rpc_calls,
        message_bytes,
        source_bytes,
        console_bytes,
    } = Limits::default();
    let defaults = [
        (LimitKind::Fuel, fuel.map_or("none".into(), count)),
        (LimitKind::Opcodes, opcodes.map_or("none".into(), count)),
        (LimitKind::CpuTime, seconds(cpu_time)),
        (LimitKind::WallTime, seconds(wall_time)),
        (LimitKind::JsHeap, bytes(js_heap_bytes)),
        (LimitKind::Memory, bytes(memory_bytes)),
        (LimitKind::Stack, bytes(stack_bytes)),
        (LimitKind::PendingRpcs, count(pending_rpcs.into())),
        (LimitKind::RpcCalls, count(rpc_calls.into())),
        (LimitKind::Message, bytes(message_bytes)),
        (LimitKind::Source, bytes(source_bytes)),
        (LimitKind::Console, bytes(console_bytes)),
    ];
    let page = read("docs/limits.md");
    assert_eq!(first_names(&page, "| "), defaults.each_ref().map(|(kind, _)| kind.field()));
    for (kind, default) in defaults {
        let row = format!("\n| `{}` | {default} | `{}` | ", kind.field(), kind.code());
        assert!(page.contains(&row), "docs/limits.md lacks {row:?}");
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

fn bytes(count: u64) -> String {
    if count.is_multiple_of(1 << 20) { format!("{} MiB", count >> 20) } else { format!("{} KiB", count >> 10) }
}

fn count(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

#[test]
fn the_page_on_errors_has_the_blame_of_every_error() {
    let text = String::new;
    let of = |script: &str| {
        let mut jar = jar_with(&Limits::default());
        jar.eval(script).unwrap();
        jar.dispatch("cancelled", &()).unwrap_err()
    };
    let little = Limits::default().with_memory_bytes(1 << 16).with_js_heap_bytes(1 << 16);
    let too_low = runtime().instance(&Router::new(), &little).unwrap_err();
    let errors = [
        Error::Js(JsError::default()),
        Error::NeverSettled { pending: Vec::new() },
        Error::NotSerializable { message: text() },
        Error::Guest { message: text() },
        Error::Cancelled,
        Error::Paused { pending: Vec::new() },
        Error::Poisoned,
        Error::Shape { message: text() },
        of("1"),
        of("host.on('paid', () => 1)"),
        too_low,
        Error::Input { message: text() },
        Error::Program { message: text() },
        Error::Snapshot { message: text() },
        Error::Diverged { message: text() },
        Error::Capacity { instances: 1 },
        Error::Host { message: text() },
    ];
    let page = read("docs/errors.md");
    for error in errors {
        let row = format!("\n| `{}` | {:?} | ", error.code(), error.blame());
        assert!(page.contains(&row), "docs/errors.md lacks {row:?}");
    }
}

#[test]
fn the_figures_of_the_page_on_speed_are_those_of_the_last_bench() {
    let (page, table) = (read("docs/speed.md"), read("benches/TABLE.md"));
    let begin = page.find("<!-- bench:").expect("the page says where the table begins");
    let end = page.find("<!-- /bench -->").expect("and where it ends");
    let rows: Vec<&str> = page[begin..end].lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 2, "docs/speed.md has no rows; run make bench and make bench-plot");
    for row in rows {
        assert!(table.lines().any(|line| line == row), "benches/TABLE.md lacks {row:?}; run make bench-plot");
    }
    // Each row with a goal, by the group of the bench that measures it.
    for group in [
        "memory",
        "cold_start",
        "two_threads",
        "eval",
        "rpc_sync",
        "parallel_async",
        "dispatch",
        "cpu",
        "program",
        "snapshot",
        "process",
    ] {
        assert!(page[begin..end].contains(&format!("\n| {group}")), "docs/speed.md lacks {group}");
    }
}

#[test]
fn the_page_on_the_library_names_every_example() {
    let page = read("docs/library.md");
    for path in files(&[".rs"]).iter().filter(|path| path.starts_with("examples/")) {
        assert!(page.contains(path.as_str()), "docs/library.md does not name {path}");
    }
}

#[test]
fn the_readme_and_the_crate_docs_open_with_the_same_example() {
    let readme = read("README.md");
    let fenced = |text: &str, fence: &str| -> String {
        let from = text.find(fence).map_or(0, |at| at + fence.len());
        let to = text[from..].find("```").map_or(text.len(), |length| from + length);
        text[from..to].trim().to_owned()
    };
    let docs = read("host/lib.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| !line.starts_with("# Ok"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(fenced(&readme, "```rust"), fenced(&docs, "```"));
}

/// The code blocks of a page in one language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or_default()).collect()
}

/// A page without its code blocks.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect()
}

/// Doc comments as text, without the lines that rustdoc hides.
fn documentation(source: &str) -> String {
    let lines = source.lines().map(str::trim_start).filter_map(|line| {
        let line = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(line.strip_prefix(' ').unwrap_or(line))
    });
    lines.filter(|line| *line != "#" && !line.starts_with("# ")).collect::<Vec<_>>().join("\n")
}

/// Doc comments are compiled and run as doctests, so a block of a page that is also in a doc comment is tested.
#[test]
fn every_rust_block_of_a_page_is_an_example_of_the_documentation() {
    let sources = files(&[".rs"]).into_iter().filter(|path| path.starts_with("host/"));
    let documented = sources.map(|path| documentation(&read(&path))).collect::<Vec<_>>();
    let mut count = 0;
    for path in files(&[".md"]) {
        for block in blocks(&read(&path), "rust") {
            assert!(documented.iter().any(|text| text.contains(block)), "{path}: no doctest holds\n{block}");
            count += 1;
        }
    }
    assert!(count >= 5, "{count} blocks");
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    for path in files(&[".md"]) {
        let page = prose(&read(&path));
        let folder = Path::new(&path).parent().expect("a file lies in a folder");
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { PathBuf::from(&path) } else { folder.join(file) };
            assert!(root().join(&target).exists(), "{path} links to {link}, which is not there");
            if !heading.is_empty() {
                let target = read(target.to_str().expect("a path of ours is text"));
                let mut headings = target.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.any(|name| name == heading), "{path} links to {link}, and there is no such heading");
            }
        }
    }
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|character| character.is_alphanumeric() || "-_".contains(*character)).collect()
}

/// The pages for newcomers.
fn pages() -> Vec<String> {
    let mut pages = files(&[".md"]);
    // The protocol's page is exempt: its clients know its wording.
    pages.retain(|path| path.starts_with("docs/") && path != "docs/JSON-PROTOCOL.md");
    pages.extend(["README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md"].map(str::to_owned));
    pages
}

#[test]
fn lines_of_pages_wrap_at_120_columns() {
    for path in pages() {
        let mut is_written = false;
        for line in read(&path).lines() {
            is_written = if line.starts_with("<!-- bench:") { true } else { is_written && line != "<!-- /bench -->" };
            let is_table = line.starts_with('|');
            let is_short = line.chars().count() <= 120;
            assert!(is_written || is_table || is_short, "{path} has a line that is too long: {line}");
        }
    }
}

#[test]
fn the_first_pages_are_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 80, "README.md has {lines} lines, and 80 is the most; docs/ has room");
    let words = read("ARCHITECTURE.md").split_whitespace().count();
    assert!(words <= 1500, "ARCHITECTURE.md has {words} words, and 1,500 is the most; docs/internals/ has room");
}

#[test]
fn the_commands_of_the_readme_are_run_by_ci() {
    let readme = read("README.md");
    let ci = read(".ci/run");
    for command in ["cargo run --example hello", "make test"] {
        assert!(readme.contains(&format!("\n{command}")), "the README lacks {command}");
        assert!(ci.contains(command), "{} lacks {command}", ".ci/run");
    }
}

#[test]
fn the_facts_are_those_of_the_guest() {
    use sha2::Digest as _;
    let facts = crate::support::runtime().facts();
    let (name, version) = facts.bindings.split_once(' ').expect("a name and a version");
    let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
    assert!(
        read("runtime-guest/Cargo.lock").contains(&entry),
        "host/facts.rs names other bindings than the guest has; look up the version of QuickJS again too"
    );
    let guest = fs::read(root().join("runtime-guest/guest.wasm")).expect("the guest is there");
    let checksum: String = sha2::Sha256::digest(guest).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(facts.guest_sha256, checksum);
    let program = crate::support::runtime().compile("1").expect("it compiles").to_bytes();
    let carried: String = program[16..48].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(facts.identity, carried, "programs carry it");
}

#[test]
fn the_changelog_has_room_for_what_is_not_released() {
    assert!(read("CHANGELOG.md").contains("\n## [Unreleased]\n"));
}

/// Crates that are compiled twice in a consumer's debug build, because the library and the build script use different
/// features of them. These remain, because the library should not include what only the compiler of wasm needs.
const BUILT_TWICE: [&str; 7] =
    ["bumpalo", "gimli", "object", "wasmparser", "wasmtime", "wasmtime-environ", "wasmtime-internal-unwinder"];

#[test]
fn a_consumer_builds_few_crates_twice() {
    let cargo = std::env::var_os("CARGO").unwrap();
    let arguments =
        ["tree", "--locked", "--offline", "--package", "belljar", "--edges", "normal,build", "--duplicates"];
    let output = std::process::Command::new(cargo)
        .args(arguments)
        .args(["--depth", "0", "--prefix", "none"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut times = std::collections::BTreeMap::new();
    for package in listed.lines().filter(|line| !line.is_empty()) {
        *times.entry(package).or_insert(0) += 1;
    }
    let twice: Vec<&str> =
        times.iter().filter(|(_, times)| **times > 1).filter_map(|(package, _)| package.split(' ').next()).collect();
    assert_eq!(twice, BUILT_TWICE);
}
