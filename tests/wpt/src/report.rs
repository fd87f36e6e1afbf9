//! Results of all files: a table, the list of what passes, and what a baseline has more. It must never know a jar.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::engine::Outcome;

/// The results.
#[derive(Default)]
pub(crate) struct Report {
    passed: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    ended: BTreeMap<String, String>,
    skipped: BTreeMap<String, &'static str>,
}

/// The folder that a file is counted with.
fn folder(name: &str) -> String {
    let path = name.split(['?', '|']).next().unwrap_or_default().trim_end();
    let depth = if path.starts_with("fetch/api") { 3 } else { 2 };
    let folders: Vec<&str> = path.split('/').collect();
    folders.get(..depth.min(folders.len() - 1)).unwrap_or_default().join("/")
}

/// A name on one line.
fn line(path: &str, variant: &str, name: &str) -> String {
    let name: String = name
        .chars()
        .flat_map(|one| {
            if one.is_control() || one == '\u{fffd}' || one == '\u{2028}' {
                one.escape_default().collect()
            } else {
                vec![one]
            }
        })
        .collect();
    format!("{path}{variant} | {name}")
}

impl Report {
    /// Notes a file that is not run.
    pub(crate) fn skipped(&mut self, path: &str, why: &'static str) {
        self.skipped.insert(path.into(), why);
    }

    /// Notes the results of a file.
    pub(crate) fn add(&mut self, path: &str, variant: &str, outcome: Outcome) {
        for test in outcome.tests {
            let name = line(path, variant, &test.name);
            if test.passes {
                self.passed.insert(name);
            } else {
                self.failed.insert(name, if test.message.is_empty() { "it did not end".into() } else { test.message });
            }
        }
        if let Some(why) = outcome.ended {
            self.ended.insert(format!("{path}{variant}"), why);
        }
    }

    /// A line for each file: how many of its tests pass.
    pub(crate) fn passes(&self) -> String {
        self.counts().iter().fold(String::new(), |mut text, (file, count)| {
            _ = writeln!(text, "{count} {file}");
            text
        })
    }

    fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        let all = self.passed.iter().map(|name| (name, 1)).chain(self.failed.keys().map(|name| (name, 0)));
        for (name, count) in all {
            *counts.entry(name.split(" | ").next().unwrap_or_default()).or_insert(0) += count;
        }
        counts
    }

    /// What a baseline has more, of files that were run.
    pub(crate) fn lost(&self, baseline: &str) -> Vec<String> {
        let counts = self.counts();
        let lost = |line: &str| {
            let (before, file) = line.split_once(' ')?;
            let (before, now) = (before.parse::<usize>().ok()?, *counts.get(file)?);
            (now < before).then(|| format!("{now} tests of {file} pass, and {before} did"))
        };
        baseline.lines().filter_map(lost).collect()
    }

    /// What fails, and why.
    pub(crate) fn failures(&self) -> String {
        let mut text = String::new();
        for (name, why) in self.failed.iter().chain(&self.ended) {
            _ = writeln!(text, "{name}\n    {}", why.escape_debug());
        }
        text
    }

    /// How many pass and fail in each folder.
    pub(crate) fn table(&self) -> String {
        let mut rows: BTreeMap<String, [usize; 3]> = BTreeMap::new();
        let mut count = |name: &str, column: usize| {
            if let Some(cell) = rows.entry(folder(name)).or_default().get_mut(column) {
                *cell += 1;
            }
        };
        self.passed.iter().for_each(|name| count(name, 0));
        self.failed.keys().for_each(|name| count(name, 1));
        self.skipped.keys().for_each(|name| count(name, 2));
        let mut text = String::from("| folder | pass | fail | files left out |\n|---|---|---|---|\n");
        for (name, [passed, failed, skipped]) in rows {
            _ = writeln!(text, "| {name} | {passed} | {failed} | {skipped} |");
        }
        text
    }
}
