//! One file of test262: its front matter, and how to run it.
//!
//! Front matter is YAML; this file parses the small and regular subset that test262 uses. It must never know an
//! engine.

use std::fmt;

/// How a file is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Sloppy,
    Strict,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Sloppy => "sloppy",
            Mode::Strict => "strict",
        })
    }
}

/// An error that a test must end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Negative {
    /// Whether the error must be thrown before any code runs.
    pub(crate) is_early: bool,
    pub(crate) name: String,
}

/// The parsed front matter of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) includes: Vec<String>,
    pub(crate) flags: Vec<String>,
    pub(crate) features: Vec<String>,
    pub(crate) negative: Option<Negative>,
}

/// Features that QuickJS lacks, by its own list. Their tests say nothing about the jar.
const ABSENT: [&str; 17] = [
    "Atomics.waitAsync",
    "IsHTMLDDA",
    "ShadowRealm",
    "Temporal",
    "await-dictionary",
    "canonical-tz",
    "cross-realm",
    "decorators",
    "host-gc-required",
    "immutable-arraybuffer",
    "import-bytes",
    "import-defer",
    "import-text",
    "legacy-regexp",
    "nonextensible-applies-to-private",
    "source-phase-imports",
    "tail-call-optimization",
];

impl Case {
    /// Reads the front matter of a file; a file without one is a plain test.
    pub(crate) fn read(source: &str) -> Case {
        let text =
            source.split_once("/*---").and_then(|(_, rest)| rest.split_once("---*/")).map_or("", |(text, _)| text);
        let mut case = Case::default();
        let (mut phase, mut name) = (None, None);
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((key, rest)) = line.split_once(':') else { continue };
            let rest = rest.trim();
            let mut list = || -> Vec<String> {
                if let Some(inline) = rest.strip_prefix('[') {
                    let mut all = inline.to_owned();
                    while !all.contains(']') {
                        match lines.next() {
                            Some(more) => all += more,
                            None => break,
                        }
                    }
                    let items = all.split(']').next().unwrap_or_default().split(',');
                    return items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
                }
                let mut items = Vec::new();
                while let Some(item) = lines.peek().and_then(|line| line.trim_start().strip_prefix("- ")) {
                    items.push(item.trim().to_owned());
                    lines.next();
                }
                items
            };
            match key {
                "includes" => case.includes = list(),
                "flags" => case.flags = list(),
                "features" => case.features = list(),
                "  phase" => phase = Some(rest.to_owned()),
                "  type" => name = Some(rest.to_owned()),
                _ => {}
            }
        }
        if let (Some(phase), Some(name)) = (phase, name) {
            case.negative = Some(Negative { is_early: phase != "runtime", name });
        }
        case
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    /// Why the file is skipped; None if it is run.
    pub(crate) fn skipped(&self, source: &str) -> Option<String> {
        // A file that imports another needs a module loader, even if it is not a module itself.
        if self.has("module") || source.contains("_FIXTURE") {
            return Some("modules".into());
        }
        if let Some(absent) =
            self.features.iter().find(|feature| ABSENT.contains(&feature.as_str()) || feature.starts_with("Intl"))
        {
            return Some(absent.clone());
        }
        ["createRealm", "$262.agent", "AbstractModuleSource"]
            .iter()
            .find(|word| source.contains(**word))
            .map(|word| (*word).to_owned())
    }

    /// The modes in which the file must run.
    pub(crate) fn modes(&self) -> &'static [Mode] {
        if self.has("raw") || self.has("noStrict") {
            &[Mode::Sloppy]
        } else if self.has("onlyStrict") {
            &[Mode::Strict]
        } else {
            &[Mode::Sloppy, Mode::Strict]
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
    use super::*;

    #[test]
    fn front_matter_is_read_in_both_of_its_styles() {
        let case = Case::read(
            "// Copyright\n/*---\ndescription: >\n  a: b\nincludes: [propertyHelper.js, compareArray.js]\nflags:\n  - async\n  - noStrict\n\
             features: [a,\n  b]\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/\n1",
        );
        assert_eq!(case.includes, ["propertyHelper.js", "compareArray.js"]);
        assert_eq!(case.flags, ["async", "noStrict"]);
        assert_eq!(case.features, ["a", "b"]);
        assert_eq!(case.negative, Some(Negative { is_early: true, name: "SyntaxError".into() }));
        assert_eq!(case.modes(), [Mode::Sloppy]);
    }

    #[test]
    fn a_file_runs_in_both_modes_unless_it_says_otherwise() {
        assert_eq!(Case::read("1").modes(), [Mode::Sloppy, Mode::Strict]);
        assert_eq!(Case::read("/*---\nflags: [onlyStrict]\n---*/").modes(), [Mode::Strict]);
        assert_eq!(Case::read("/*---\nflags: [raw]\n---*/").modes(), [Mode::Sloppy]);
    }

    #[test]
    fn what_quickjs_does_not_have_is_skipped_by_name() {
        assert_eq!(Case::read("/*---\nfeatures: [Temporal]\n---*/").skipped("").unwrap(), "Temporal");
        assert_eq!(Case::read("/*---\nflags: [module]\n---*/").skipped("").unwrap(), "modules");
        assert_eq!(Case::default().skipped("$262.createRealm()").unwrap(), "createRealm");
        assert_eq!(Case::default().skipped("import('./x_FIXTURE.js')").unwrap(), "modules");
        assert_eq!(Case::default().skipped(""), None);
    }
}
