//! What has run at a prompt, by name: a function that was typed long ago can throw now, and its stack should make sense then.
//!
//! It owns the newest inputs. It must never know how they are run or shown.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belljar::JsError;

use crate::frame;
use crate::wrapping::Wrapped;

/// How many are remembered.
const MOST: usize = 1000;

struct Input {
    name: String,
    text: String,
    wrapped: Option<Wrapped>,
}

/// The newest inputs of a session.
#[derive(Clone, Default)]
pub(crate) struct Inputs {
    newest: Arc<Mutex<VecDeque<Input>>>,
}

impl Inputs {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Input>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers one, in the place of an older one of its name: a file can be loaded again.
    pub(crate) fn add(&self, name: &str, text: &str, wrapped: Option<Wrapped>) {
        let mut newest = self.lock();
        newest.retain(|input| input.name != name);
        if newest.len() == MOST {
            newest.pop_front();
        }
        newest.push_back(Input { name: name.to_owned(), text: text.to_owned(), wrapped });
    }

    /// A text with stacks in it as the inputs that were typed would have made it.
    pub(crate) fn restore_text(&self, text: &str) -> String {
        let newest = self.lock();
        let wrapped = newest.iter().filter_map(|input| input.wrapped.as_ref());
        wrapped.fold(text.to_owned(), |text, wrapped| wrapped.restore_text(&text))
    }

    /// An error as the inputs that were typed would have thrown it.
    pub(crate) fn restore(&self, error: JsError) -> JsError {
        let newest = self.lock();
        newest.iter().filter_map(|input| input.wrapped.as_ref()).fold(error, |error, wrapped| wrapped.restore(error))
    }

    /// The name and the text of the input that a stack comes to first, or of the newest one.
    pub(crate) fn at_fault(&self, stack: &str) -> (String, String) {
        let newest = self.lock();
        let of_line = |line| newest.iter().find(|input| frame::place(line, &input.name).is_some());
        let input = stack.lines().find_map(of_line).or(newest.back());
        input.map(|input| (input.name.clone(), input.text.clone())).unwrap_or_default()
    }
}
