//! What many instances hold on to at the same time, counted apart for threads that have different numbers.
//!
//! A count of references is written to by whoever takes one or lets one go, and threads that write to the same one wait for each other. So a
//! thread counts at a place of its own, and only the places count at the thing itself. It must never know what is kept.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::thread;

/// How many places there are. More threads than that share them.
const PLACES: usize = 8;

/// Something that is kept as long as anybody holds on to it or this is there.
pub(crate) struct Kept<T> {
    value: Arc<T>,
    /// Made when a thread first needs it.
    places: Arc<[OnceLock<Hold<T>>; PLACES]>,
}

/// A reference to it.
pub(crate) struct Hold<T>(Arc<Place<T>>);

/// It lies on a line of memory of its own.
#[repr(align(128))]
struct Place<T>(Arc<T>);

impl<T> Kept<T> {
    pub(crate) fn new(value: T) -> Kept<T> {
        Kept { value: Arc::new(value), places: Arc::default() }
    }

    /// Takes a reference, which this thread counts.
    pub(crate) fn hold(&self) -> Hold<T> {
        let new = || Hold(Arc::new(Place(self.value.clone())));
        match self.places.get(thread::number() % PLACES) {
            Some(place) => place.get_or_init(new).clone(),
            None => new(),
        }
    }

    /// To change it: a copy, where somebody else has it too.
    pub(crate) fn make_mut(&mut self) -> &mut T
    where
        T: Clone,
    {
        self.places = Arc::default();
        Arc::make_mut(&mut self.value)
    }

    /// The thing itself, if nobody else has it.
    pub(crate) fn into_inner(self) -> Option<T> {
        let Kept { value, places } = self;
        drop(places);
        Arc::into_inner(value)
    }
}

impl<T: Default> Default for Kept<T> {
    fn default() -> Self {
        Kept::new(T::default())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Kept { value: self.value.clone(), places: self.places.clone() }
    }
}

impl<T> Clone for Hold<T> {
    fn clone(&self) -> Self {
        Hold(self.0.clone())
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Hold<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_keeps_it_after_everybody_else_has_gone() {
        let kept = Kept::new(String::from("here"));
        let mut hold = kept.hold();
        std::thread::scope(|scope| {
            scope.spawn(|| hold = kept.hold());
        });
        assert!(kept.clone().into_inner().is_none());
        drop(kept);
        assert_eq!(*hold, "here");
        let last = Arc::into_inner(hold.0).and_then(|place| Arc::into_inner(place.0));
        assert!(last.is_some(), "it went with the one who held it last");
    }

    #[test]
    fn nobody_who_holds_it_sees_a_change() {
        let mut kept = Kept::new(1);
        let (hold, other) = (kept.hold(), kept.clone());
        *kept.make_mut() = 2;
        assert_eq!((*hold, *other, *other.hold(), *kept, *kept.hold()), (1, 1, 1, 2, 2));
        assert_eq!(kept.into_inner(), Some(2), "whoever held it held the old one");
    }
}
