//! The report of a whole run: counts per folder, differences between the engines, and differences from the baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::case::Mode;
use crate::verdict::Verdict;

/// The result of one file in one mode.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) path: String,
    pub(crate) mode: Mode,
    pub(crate) native: Verdict,
    pub(crate) jar: Verdict,
}

impl Outcome {
    /// The line of the baseline for this result; None when both engines passed.
    fn known(&self) -> Option<String> {
        let who = match (&self.native, &self.jar) {
            (None, None) => return None,
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "native",
            (None, Some(_)) => "jar",
        };
        Some(format!("{who} {} {}", self.mode, self.path))
    }

    fn reason(&self) -> Option<&'static str> {
        let says = |verdict: &Verdict, word: &str| verdict.as_ref().is_some_and(|text| text.contains(word));
        says(&self.native, "Uninitialized").then_some(NUL)
    }
}

#[derive(Debug, Default)]
struct Count {
    runs: u64,
    native: u64,
    jar: u64,
    skipped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) outcomes: Vec<Outcome>,
    /// Skipped files, and why.
    pub(crate) skipped: Vec<(String, String)>,
}

/// The known reason for a difference between the engines.
const NUL: &str = "rquickjs takes source as a C string, so native QuickJS cannot be given one with NUL in it";

/// The differences from the baseline.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) new: Vec<String>,
    pub(crate) gone: Vec<String>,
}

/// The folder that a file is counted under: two levels deep.
fn folder(path: &str) -> String {
    path.split('/').take(2).collect::<Vec<_>>().join("/")
}

impl Report {
    pub(crate) fn sort(&mut self) {
        self.outcomes.sort_by(|one, other| (&one.path, one.mode).cmp(&(&other.path, other.mode)));
        self.skipped.sort();
    }

    fn counts(&self, key: impl Fn(&str) -> String) -> BTreeMap<String, Count> {
        let mut counts = BTreeMap::<String, Count>::new();
        for outcome in &self.outcomes {
            let count = counts.entry(key(&outcome.path)).or_default();
            count.runs += 1;
            count.native += u64::from(outcome.native.is_none());
            count.jar += u64::from(outcome.jar.is_none());
        }
        for (path, _) in &self.skipped {
            counts.entry(key(path)).or_default().skipped += 1;
        }
        counts
    }

    fn reasons(&self) -> BTreeMap<&str, u64> {
        let mut reasons = BTreeMap::new();
        for (_, why) in &self.skipped {
            *reasons.entry(why.as_str()).or_default() += 1;
        }
        reasons
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        let mut row = |name: &str, count: &Count| {
            let _ = writeln!(
                table,
                "{name:<44} {:>7} {:>8} {:>8} {:>8}",
                count.runs, count.native, count.jar, count.skipped
            );
        };
        for (folder, count) in self.counts(folder) {
            row(&folder, &count);
        }
        for count in self.counts(|_| String::new()).values() {
            row("all", count);
        }
        format!("{:<44} {:>7} {:>8} {:>8} {:>8}\n{table}", "folder", "runs", "native", "jar", "skipped")
    }

    /// The results in which the engines differ, by reason; None if the reason is unknown.
    pub(crate) fn differences(&self) -> BTreeMap<Option<&'static str>, Vec<&Outcome>> {
        let mut differences = BTreeMap::<_, Vec<_>>::new();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.native.is_some() != outcome.jar.is_some()) {
            differences.entry(outcome.reason()).or_default().push(outcome);
        }
        differences
    }

    pub(crate) fn json(&self) -> Value {
        let count = |count: &Count| json!({ "runs": count.runs, "native": count.native, "jar": count.jar, "skipped": count.skipped });
        let folders: BTreeMap<_, _> =
            self.counts(folder).iter().map(|(name, own)| (name.clone(), count(own))).collect();
        let failures: Vec<_> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.native.is_some() || outcome.jar.is_some())
            .map(|outcome| {
                json!({ "path": outcome.path, "mode": outcome.mode.to_string(), "native": outcome.native, "jar": outcome.jar })
            })
            .collect();
        json!({
            "all": self.counts(|_| String::new()).values().next().map(count),
            "folders": folders,
            "skipped": self.reasons(),
            "failures": failures,
        })
    }

    pub(crate) fn baseline(&self) -> String {
        self.outcomes.iter().filter_map(Outcome::known).fold(String::new(), |text, line| text + &line + "\n")
    }

    /// Compares with a baseline; only files that were run count.
    pub(crate) fn against(&self, baseline: &str) -> Change {
        let ran: BTreeSet<&str> = self.outcomes.iter().map(|outcome| outcome.path.as_str()).collect();
        let is_run = |line: &&str| line.rsplit(' ').next().is_some_and(|path| ran.contains(path));
        let old: BTreeSet<String> = baseline.lines().filter(is_run).map(str::to_owned).collect();
        let new: BTreeSet<String> = self.outcomes.iter().filter_map(Outcome::known).collect();
        Change { new: new.difference(&old).cloned().collect(), gone: old.difference(&new).cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_run_is_compared_with_the_baseline() {
        let outcome = |path: &str, native: bool, jar: bool| Outcome {
            path: path.into(),
            mode: Mode::Strict,
            native: (!native).then(|| "x".into()),
            jar: (!jar).then(|| "x".into()),
        };
        let report = Report {
            outcomes: vec![outcome("a.js", true, true), outcome("b.js", true, false), outcome("c.js", false, false)],
            skipped: Vec::new(),
        };
        let change = report.against("jar strict a.js\nboth strict c.js\nboth strict other.js\n");
        assert_eq!(change.new, ["jar strict b.js"]);
        assert_eq!(change.gone, ["jar strict a.js"]);
        assert_eq!(report.differences().into_values().flatten().count(), 1);
        assert!(report.differences().contains_key(&None));
        assert_eq!(report.baseline(), "jar strict b.js\nboth strict c.js\n");
    }
}
