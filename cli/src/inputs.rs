//! What has run at a prompt, by name. A function that was typed long ago can throw now, and then the line where it was
//! typed is shown.
//!
//! It owns the newest inputs. It must never know how they are run or shown.

use std::collections::VecDeque;

use belljar::Script;

use crate::frame;

/// How many inputs are remembered.
const MOST: usize = 1000;

struct Input {
    name: String,
    text: String,
}

/// The newest inputs of a session.
#[derive(Default)]
pub(crate) struct Inputs {
    newest: VecDeque<Input>,
}

impl Inputs {
    /// Remembers an input. It replaces an older one of its name, because a file can be loaded again.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        self.newest.retain(|input| input.name != name);
        if self.newest.len() == MOST {
            self.newest.pop_front();
        }
        self.newest.push_back(Input { name: name.to_owned(), text: text.to_owned() });
    }

    /// The input that the innermost frame of a stack lies in, or the newest one.
    pub(crate) fn at_fault(&self, stack: &str) -> Script<'_> {
        let of_line = |line| self.newest.iter().find(|input| frame::place(line, &input.name).is_some());
        let input = stack.lines().find_map(of_line).or(self.newest.back());
        input.map_or_else(|| Script::new("").named(""), |input| Script::new(&input.text).named(&input.name))
    }
}
