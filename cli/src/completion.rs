//! Completes names at the prompt. It asks the jar for them, and runs nothing of the script.
//!
//! It owns the walk from a name to the properties of its value. The walk calls no getter and enters no Proxy. It must
//! never know how a list is shown.

use std::collections::BTreeSet;

use belljar::{Instance, Value};

use crate::executor::block_on;

/// How many objects one walk looks at, prototypes included.
const MOST_LOOKS: usize = 64;
/// How many names of one object are taken.
const MOST_NAMES: usize = 1000;

/// Asks about one object after another: `at` is the one that the walk has come to. Descriptors tell a getter from a
/// value. It is a property of the global object for as long as the walk takes.
const WALK: &str = "((at, O, view, list, log) => O.defineProperty(globalThis, '(repl)', { configurable: true, value: {
    look() { log(at) },
    own(name) {
        if (at === null || at === undefined) return 'nothing';
        const own = O.getOwnPropertyDescriptor(at, name);
        if (!own) return 'absent';
        if (!('value' in own)) return 'getter';
        at = own.value;
        return 'value';
    },
    up() { return (at = O.getPrototypeOf(at)) !== null },
    names(most) {
        return view(at) ? [] : list(at) && at.length > most ? ['length'] : O.getOwnPropertyNames(at).slice(0, most);
    },
} }))(SUBJECT, Object, ArrayBuffer.isView, Array.isArray, console.debug); 0";

/// The names that complete a path. The last name of the path is the beginning of the one that is looked for.
pub(crate) fn names(
    instance: &mut Instance,
    path: &[&str],
    declared: &BTreeSet<String>,
    console: &dyn Fn() -> String,
) -> Vec<String> {
    let Some((beginning, before)) = path.split_last() else { return Vec::new() };
    let mut found = BTreeSet::new();
    if before.is_empty() {
        found.extend(declared.iter().cloned());
    }
    let mut walk = Walk { instance, console, looks: 0 };
    let _ = walk.collect(before, declared, &mut found);
    let _ = walk.run("delete globalThis['(repl)']");
    found.into_iter().filter(|name| name.starts_with(beginning) && is_name(name)).collect()
}

fn is_name(name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    name.chars().all(is_part) && !name.starts_with(|first: char| first.is_ascii_digit())
}

struct Walk<'a> {
    instance: &'a mut Instance,
    /// What was printed since the last call of this.
    console: &'a dyn Fn() -> String,
    looks: usize,
}

impl Walk<'_> {
    /// None where the walk ends: at a getter, a Proxy, or a value without properties.
    fn collect(&mut self, path: &[&str], declared: &BTreeSet<String>, found: &mut BTreeSet<String>) -> Option<()> {
        let (subject, rest) = match path.split_first() {
            Some((first, rest)) if declared.contains(*first) => (*first, rest),
            Some((&("this" | "globalThis"), rest)) => ("globalThis", rest),
            _ => ("globalThis", path),
        };
        self.run(&WALK.replace("SUBJECT", subject))?;
        for name in rest {
            self.step(name)?;
        }
        loop {
            self.look()?;
            found.extend(self.ask::<Vec<String>>("names", MOST_NAMES)?);
            self.up()?;
        }
    }

    /// Goes from an object to the value of one of its properties, inherited ones included.
    fn step(&mut self, name: &str) -> Option<()> {
        loop {
            self.look()?;
            match self.ask::<String>("own", name)?.as_str() {
                "value" => return Some(()),
                "absent" => self.up()?,
                _ => return None,
            }
        }
    }

    /// Ends the walk at a Proxy. The console recognises one without entering it.
    fn look(&mut self) -> Option<()> {
        self.looks += 1;
        let _ = (self.console)();
        self.ask::<()>("look", ())?;
        let shown = (self.console)();
        (self.looks <= MOST_LOOKS && !shown.is_empty() && !shown.starts_with("[Proxy]")).then_some(())
    }

    fn up(&mut self) -> Option<()> {
        self.ask::<bool>("up", ()).filter(|is_more| *is_more).map(drop)
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, question: &str, about: impl serde::Serialize) -> Option<T> {
        // JSON is JavaScript, so a name cannot be anything but a string.
        let about = Value::of(&about).ok()?;
        self.run(&format!("globalThis['(repl)'].{question}({about})"))?.get().ok()
    }

    fn run(&mut self, script: &str) -> Option<Value> {
        block_on(self.instance.eval_async(script)).ok()
    }
}
