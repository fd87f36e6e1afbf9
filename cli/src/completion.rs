//! What a name at the prompt could go on as: asked of the jar, without running anything of the script's.
//!
//! It owns the walk from a name to the properties of its value, which calls no getter and enters no Proxy. It must never know how a
//! list is shown.

use std::collections::BTreeSet;

use belljar::Instance;

use crate::executor::block_on;

/// How many objects are looked at, up every chain of prototypes together.
const MOST_LOOKS: usize = 64;
/// How many names of one object are taken.
const MOST_NAMES: usize = 1000;

/// Asks about one object after another: `at` is the one that it has come to. Descriptors tell a getter from a value.
const WALK: &str = "((at, O, view, list, log) => {
    host.on('(repl) look', () => log(at));
    host.on('(repl) own', name => {
        if (at === null || at === undefined) return 'nothing';
        const own = O.getOwnPropertyDescriptor(at, name);
        if (!own) return 'absent';
        if (!('value' in own)) return 'getter';
        at = own.value;
        return 'value';
    });
    host.on('(repl) up', () => (at = O.getPrototypeOf(at)) !== null);
    host.on('(repl) names', most => view(at) ? [] : list(at) && at.length > most ? ['length'] :
        O.getOwnPropertyNames(at).slice(0, most));
})(SUBJECT, Object, ArrayBuffer.isView, Array.isArray, console.debug)";

/// The names that could stand where the last one of a path stands. Of a path's names, the last one is only a beginning.
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
    found.into_iter().filter(|name| name.starts_with(beginning) && is_name(name)).collect()
}

fn is_name(name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    name.chars().all(is_part) && !name.starts_with(|first: char| first.is_ascii_digit())
}

struct Walk<'a> {
    instance: &'a mut Instance,
    /// What the console has been told since it was last asked.
    console: &'a dyn Fn() -> String,
    looks: usize,
}

impl Walk<'_> {
    /// None when the way ends: at a getter, a Proxy, or nothing.
    fn collect(&mut self, path: &[&str], declared: &BTreeSet<String>, found: &mut BTreeSet<String>) -> Option<()> {
        let (subject, rest) = match path.split_first() {
            Some((first, rest)) if declared.contains(*first) => (*first, rest),
            Some((&("this" | "globalThis"), rest)) => ("globalThis", rest),
            _ => ("globalThis", path),
        };
        block_on(self.instance.eval_async(WALK.replace("SUBJECT", subject))).ok()?;
        for name in rest {
            self.step(name)?;
        }
        loop {
            self.look()?;
            found.extend(self.ask::<Vec<String>>("names", &MOST_NAMES)?);
            self.up()?;
        }
    }

    /// Goes from an object to the value of a property, its own or an inherited one.
    fn step(&mut self, name: &str) -> Option<()> {
        loop {
            self.look()?;
            match self.ask::<String>("own", &name)?.as_str() {
                "value" => return Some(()),
                "absent" => self.up()?,
                _ => return None,
            }
        }
    }

    /// Goes on only from what is not a Proxy, which the console knows without entering it.
    fn look(&mut self) -> Option<()> {
        self.looks += 1;
        let _ = (self.console)();
        block_on(self.instance.dispatch_async("(repl) look", &())).ok()?;
        let shown = (self.console)();
        (self.looks <= MOST_LOOKS && !shown.is_empty() && !shown.starts_with("[Proxy]")).then_some(())
    }

    fn up(&mut self) -> Option<()> {
        self.ask::<bool>("up", &()).filter(|is_more| *is_more).map(drop)
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, event: &str, params: &impl serde::Serialize) -> Option<T> {
        block_on(self.instance.dispatch_async(&format!("(repl) {event}"), params)).ok()?.get().ok()
    }
}
