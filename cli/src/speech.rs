//! An error in words: what happened, and what this reader can do about it.
//!
//! It owns the readers and the names of settings for each of them. What happened is told by the library or made from
//! the fields of the error; the text of an error is never read or changed. It must never know where the words go.

use belljar::{Error, LimitKind};

use crate::advice;
use crate::bounds;

/// How the reader of an error can change a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// With a flag.
    Flags,
    /// Not at all: the task has no flags for limits.
    Fixed,
    /// At the prompt.
    Prompt,
    /// With a JSON line.
    Lines,
    /// Not at all, in the answer to a `compile` line: it does not use the limits of an instance.
    FixedLines,
}

impl Speech {
    /// What raises a limit, with its name in the library. None where nothing does.
    pub(crate) fn setting(self, kind: LimitKind) -> Option<String> {
        let name = bounds::setting(kind);
        let setting = match self {
            Speech::Flags => format!("--{name}"),
            Speech::Prompt => format!(".limits {name} VALUE"),
            Speech::Lines => format!("{{\"limits\": {{\"{}\": …}}}}", bounds::camel(name)),
            Speech::Fixed | Speech::FixedLines => return None,
        };
        Some(format!("{setting} ({})", kind.field()))
    }

    /// What brings an instance back that takes no more calls.
    pub(crate) fn reset(self) -> &'static str {
        match self {
            Speech::Flags | Speech::Fixed => "run it again",
            Speech::Prompt => ".reset brings it back",
            Speech::Lines | Speech::FixedLines => "{\"reset\": true} brings it back",
        }
    }

    /// What makes a script with types run.
    pub(crate) fn typescript(self) -> &'static str {
        match self {
            Speech::Flags | Speech::Fixed => "rename the file to .ts, or give --ts where the code is no file",
            Speech::Prompt => ".load runs a file whose name ends in .ts",
            Speech::Lines | Speech::FixedLines => "give it a \"name\" that ends in .ts",
        }
    }

    /// What registers a handler of an event.
    pub(crate) fn register(self) -> &'static str {
        match self {
            Speech::Prompt => ".on NAME FUNCTION registers one",
            _ => "host.on('NAME', FUNCTION) in a script registers one",
        }
    }
}

/// An error with advice.
pub(crate) fn words(error: &Error, speech: Speech) -> String {
    let fact = fact(error);
    match advice::of_error(error, speech) {
        Some(advice) => format!("{fact}; {advice}"),
        None => fact,
    }
}

/// What happened. The number of a limit is in the unit of its flag, which the library does not know.
fn fact(error: &Error) -> String {
    match error {
        Error::Limit { kind, limit, .. } => format!("{}: {}", kind.code(), limited(*kind, *limit)),
        Error::LimitTooLow { kind, limit, needed, .. } => {
            format!("{}, and {} are needed", limited(*kind, *limit), bounds::shown_at_least(*kind, *needed))
        }
        other => other.to_string(),
    }
}

/// What a limit bounds, and its value.
fn limited(kind: LimitKind, limit: u64) -> String {
    format!("{} is limited to {}", bounds::noun(kind), bounds::shown(kind, limit))
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "arguments that cannot be read are a failed test")]
mod tests {
    use std::collections::BTreeSet;

    use clap::FromArgMatches as _;

    use super::Speech;
    use crate::advice::of_limit;
    use crate::arguments::{self, Arguments};
    use crate::bounds::{self, KINDS};

    /// Every task with the least arguments that it needs.
    const TYPED: [&str; 10] = [
        "run -e 1",
        "repl",
        "compile -e 1 -o out",
        "snapshot -e 1 -o out",
        "inspect file",
        "json",
        "bench",
        "doctor",
        "man",
        "completions bash",
    ];

    fn speech(typed: &str) -> Speech {
        let words = std::iter::once("belljar").chain(typed.split(' ').filter(|word| !word.is_empty()));
        let matches = arguments::command().try_get_matches_from(words).expect("it can be typed");
        Arguments::from_arg_matches(&matches).expect("it can be read").speech()
    }

    fn flags(text: &str) -> BTreeSet<&str> {
        let is_part = |character: char| character.is_ascii_lowercase() || character == '-';
        text.split(|character| !is_part(character)).filter_map(|word| word.strip_prefix("--")).collect()
    }

    #[test]
    fn every_limit_names_a_flag_of_the_task_or_none() {
        let command = arguments::command();
        let tasks: BTreeSet<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(tasks, TYPED.iter().map(|typed| typed.split(' ').next().unwrap_or_default()).collect());
        for typed in TYPED.iter().copied().chain([""]) {
            let name = typed.split(' ').next().unwrap_or_default();
            let task = command.find_subcommand(name).unwrap_or(&command);
            let known: BTreeSet<_> = task.get_arguments().filter_map(|argument| argument.get_long()).collect();
            for kind in KINDS {
                let words = of_limit(kind, speech(typed));
                let named = flags(&words);
                assert!(named.is_subset(&known), "belljar {typed}: {words}");
                let takes_limits = known.contains(bounds::setting(kind));
                assert_eq!(named.contains(bounds::setting(kind)), takes_limits, "belljar {typed}: {words}");
                assert_eq!(words.contains("split the script"), !takes_limits, "belljar {typed}: {words}");
            }
        }
    }

    #[test]
    fn neither_the_prompt_nor_a_line_names_a_flag() {
        for kind in KINDS {
            let setting = bounds::setting(kind);
            let field = kind.field();
            assert_eq!(of_limit(kind, Speech::Prompt), format!(".limits {setting} VALUE ({field}) raises it"));
            let line = format!("{{\"limits\": {{\"{}\": …}}}} ({field}) raises it", bounds::camel(setting));
            assert_eq!(of_limit(kind, Speech::Lines), line);
            for speech in [Speech::Prompt, Speech::Lines, Speech::Fixed, Speech::FixedLines] {
                assert_eq!(flags(&of_limit(kind, speech)), BTreeSet::new());
            }
        }
    }

    #[test]
    fn the_help_of_a_limit_has_its_name_in_the_library() {
        let command = arguments::command();
        for kind in KINDS {
            let flag = command.get_arguments().find(|flag| flag.get_long() == Some(bounds::setting(kind)));
            let help = flag.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with(&format!("{}: ", kind.field())), "{help}");
        }
    }
}
