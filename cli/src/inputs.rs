//! What has run at a prompt, by name: a function that was typed long ago can throw now, and its stack should make sense then.
//!
//! It owns the newest inputs. It must never know how they are run or shown.

use std::collections::VecDeque;

use crate::frame;

/// How many are remembered.
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
    /// Remembers one, in the place of an older one of its name: a file can be loaded again.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        self.newest.retain(|input| input.name != name);
        if self.newest.len() == MOST {
            self.newest.pop_front();
        }
        self.newest.push_back(Input { name: name.to_owned(), text: text.to_owned() });
    }

    /// The name and the text of the input that a stack comes to first, or of the newest one.
    pub(crate) fn at_fault(&self, stack: &str) -> (&str, &str) {
        let of_line = |line| self.newest.iter().find(|input| frame::place(line, &input.name).is_some());
        let input = stack.lines().find_map(of_line).or(self.newest.back());
        input.map(|input| (input.name.as_str(), input.text.as_str())).unwrap_or_default()
    }
}
