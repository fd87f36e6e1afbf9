//! Runs web platform tests in a jar, and compares what passes with the baseline: `belljar-wpt DIR`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command, and this is the file that prints")]

mod case;
mod engine;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::report::Report;

const USAGE: &str = "\
usage: belljar-wpt DIR [options]

  DIR            a checkout of the web platform tests
  --only PATH    run what lies under this path of DIR; may be given more than once
  --failures     print each test that fails, and why
  --bless        write the baseline instead of comparing with it";

/// The folders of what a jar has.
const FOLDERS: [&str; 18] = [
    "FileAPI/blob",
    "FileAPI/file",
    "WebCryptoAPI/digest",
    "WebCryptoAPI/generateKey",
    "WebCryptoAPI/import_export",
    "WebCryptoAPI/sign_verify",
    "WebCryptoAPI/getRandomValues.any.js",
    "WebCryptoAPI/randomUUID.https.any.js",
    "dom/abort",
    "dom/events",
    "encoding",
    "fetch/api/body",
    "fetch/api/headers",
    "fetch/api/request",
    "fetch/api/response",
    "hr-time",
    "html/webappapis",
    "url",
];

struct Options {
    folder: PathBuf,
    only: Vec<String>,
    shows_failures: bool,
    is_blessing: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options =
            Options { folder: PathBuf::new(), only: Vec::new(), shows_failures: false, is_blessing: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--only" => options.only.push(arguments.next().context("--only needs a value")?),
                "--failures" => options.shows_failures = true,
                "--bless" => options.is_blessing = true,
                flag if flag.starts_with('-') => bail!("unknown option {flag}\n{USAGE}"),
                folder if options.folder.as_os_str().is_empty() => options.folder = folder.into(),
                _ => bail!("more than one folder\n{USAGE}"),
            }
        }
        if !options.folder.join("resources/testharness.js").is_file() {
            bail!("{:?} is no checkout of the web platform tests\n{USAGE}", options.folder);
        }
        if options.only.is_empty() {
            options.only = FOLDERS.map(str::to_owned).to_vec();
            options.only.push("xhr/formdata".into());
        }
        Ok(options)
    }
}

/// Every file for all kinds of globals under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.is_file() {
        found.push(folder.into());
        return Ok(());
    }
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.to_string_lossy().ends_with(".any.js") {
            found.push(path);
        }
    }
    Ok(())
}

fn run() -> Result<bool> {
    let options = Options::read(std::env::args().skip(1))?;
    let mut found = Vec::new();
    for only in &options.only {
        files(&options.folder.join(only), &mut found)?;
    }
    found.sort();
    found.dedup();
    let engine = engine::Engine::new(&options.folder)?;
    let mut report = Report::default();
    for file in found {
        let path = file.strip_prefix(&options.folder)?.to_string_lossy().replace('\\', "/");
        let case = case::Case::read(&path, &std::fs::read_to_string(&file)?);
        if let Some(why) = case.skipped() {
            report.skipped(&path, why);
            continue;
        }
        for variant in case.variants() {
            let outcome = engine.run(&case, variant)?;
            report.add(&path, variant, outcome);
        }
    }
    if options.shows_failures {
        print!("{}", report.failures());
    }
    print!("{}", report.table());
    let baseline = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.txt");
    if options.is_blessing {
        std::fs::write(&baseline, report.passes())?;
        return Ok(true);
    }
    let lost = report.lost(&std::fs::read_to_string(&baseline).unwrap_or_default());
    for line in &lost {
        println!("{line}");
    }
    Ok(lost.is_empty())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("belljar-wpt: {error:#}");
            ExitCode::from(2)
        }
    }
}
