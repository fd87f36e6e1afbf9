//! Chooses how slots are reset on this system, by a test and not by the kernel's version.
//!
//! Emulators and sandboxes implement the kernel's interfaces too, and not all of them report changed pages correctly.
//! So, once in a process, pages are changed on purpose and compared with the answer.

use std::sync::OnceLock;

use super::contents::Contents;
use super::pagemap::{Changed, Question, State, changed};
use super::slot::Slot;

/// The methods to reset a slot, fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// The ioctl `PAGEMAP_SCAN` reports the changed pages, and they are restored.
    Scan,
    /// `/proc/self/pagemap` reports the changed pages, and they are restored.
    Words,
    /// Every page is returned to the system.
    Discard,
    /// The slot is unmapped, and the next instance gets a new one.
    Unmap,
}

impl Method {
    /// The fastest method that works here. It is tested once in a process.
    pub(super) fn of_this_system() -> Method {
        static FOUND: OnceLock<Method> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return *found;
        }
        match Contents::new(&[1; 2 * PAGES_BYTES], 2 * PAGES_BYTES) {
            Ok(contents) => *FOUND.get_or_init(|| Method::that_works(&contents)),
            // Without memory for the test no method is trusted; the next call tries again.
            Err(_) => Method::Unmap,
        }
    }

    fn that_works(contents: &Contents) -> Method {
        let methods = [Method::Scan, Method::Words, Method::Discard];
        methods.into_iter().find(|method| method.works(contents)).unwrap_or(Method::Unmap)
    }

    pub(super) fn question(self) -> Option<Question> {
        match self {
            Method::Scan => Some(Question::Scan),
            Method::Words => Some(Question::Words),
            Method::Discard | Method::Unmap => None,
        }
    }

    /// A name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Method::Scan => "page scan",
            Method::Words => "page map",
            Method::Discard => "discard",
            Method::Unmap => "unmap",
        }
    }

    /// Whether a used slot is clean after a reset, and whether the kernel reports exactly the pages that were
    /// written.
    fn works(self, contents: &Contents) -> bool {
        let Ok(mut slot) = Slot::map(contents) else { return false };
        let page = rustix::param::page_size();
        let (Some(last), written) = (slot.stack_mut().last_mut(), PAGES_BYTES + 7) else { return false };
        *last = 1;
        let is_read = slot.image_mut().first().is_some_and(|byte| *byte == 1);
        let Some(byte) = slot.image_mut().get_mut(written) else { return false };
        *byte = 2;
        let mut is_told = true;
        if let Some(question) = self.question() {
            let (stack, image) = (slot.stack(), slot.image());
            let mut told = Vec::new();
            let whole = stack.end - page..image.end;
            is_told = changed(question, &whole, |changed| told.push(changed));
            let stretch = |start: usize| Changed { range: start..start + page, state: State::Present };
            is_told &= told == [stretch(stack.end - page), stretch((image.start + written) / page * page)];
        }
        let is_reset = match self.question() {
            Some(question) => slot.reset(contents, question, |range, each| changed(question, range, each)),
            None => slot.discard_all(),
        };
        is_read
            && is_told
            && is_reset
            && slot.image_mut() == contents.bytes()
            && slot.stack_mut().iter().all(|byte| *byte == 0)
    }
}

/// At least one page on every supported system.
const PAGES_BYTES: usize = 64 << 10;
