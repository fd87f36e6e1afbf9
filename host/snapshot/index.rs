//! The index of a snapshot's bytes: JSON that says how to read the rest.
//!
//! A snapshot in a store may be forged, so nothing in the index is trusted: memory for it is bounded by the length of
//! its text, and its numbers must be consistent. This file must never know what a limit is.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::Clock;
use crate::driver::{Nanos, Spent};
use crate::pending::PendingCall;
use crate::vm::frozen::PAGE_BYTES;

/// The largest memory with 32-bit addresses.
const MOST_MEMORY_BYTES: u64 = 1 << 32;
/// Memory grows in steps of this size.
const MEMORY_STEP: u64 = 64 << 10;
/// The most words of `Op::Configure` that a snapshot may hold. There are three now.
const MOST_CONFIGURED: usize = 16;

/// What a snapshot holds besides memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) label: String,
    #[serde(deserialize_with = "configured")]
    pub(crate) configured: Vec<u32>,
    /// Each takes about as much memory as its text, so the text bounds them until a limit does.
    pub(crate) pending: Vec<PendingCall>,
    pub(crate) next_call: u64,
    pub(crate) spent: Option<Spent>,
    pub(crate) age: Nanos,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) about: About,
    pub(super) stack_pointer: i32,
    pub(super) memory_bytes: u64,
    /// Page numbers, ascending.
    #[serde(deserialize_with = "pages")]
    pub(super) pages: Vec<u32>,
}

impl Index {
    /// Parses an index.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a short message.
    pub(super) fn read(text: &[u8]) -> Result<Index, String> {
        /// Messages of the JSON parser repeat what it has read, so they are cut to this length.
        const SHOWN: usize = 120;
        let index: Index = serde_json::from_slice(text).map_err(|error| {
            let message = error.to_string();
            let dots = if message.chars().nth(SHOWN).is_some() { "…" } else { "" };
            format!("its index cannot be read: {}{dots}", message.chars().take(SHOWN).collect::<String>())
        })?;
        let Index { about, memory_bytes, pages, .. } = &index;
        if *memory_bytes > MOST_MEMORY_BYTES || !memory_bytes.is_multiple_of(MEMORY_STEP) {
            return Err(format!("no memory has {memory_bytes} bytes"));
        }
        let memory_pages = memory_bytes / PAGE_BYTES as u64;
        if let Some(page) = pages.last().filter(|&&page| u64::from(page) >= memory_pages) {
            return Err(format!("it has the page {page} of a memory of {memory_pages}"));
        }
        let mut ids = HashSet::new();
        let mut slots = HashSet::new();
        match about.pending.iter().find(|call| !ids.insert(call.id) || !slots.insert(call.slot)) {
            Some(call) => Err(format!("the pending call {} is there twice", call.id)),
            None => Ok(index),
        }
    }
}

/// Deserializes a list, and checks each item before room is made for the next.
struct List<T, F> {
    /// Whether an item may follow the items before it.
    check: F,
    expected: &'static str,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: Fn(&[T], &T) -> bool> Visitor<'de> for List<T, F> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if !(self.check)(&list, &item) {
                return Err(A::Error::custom(format_args!("expected {}", self.expected)));
            }
            list.push(item);
        }
        Ok(list)
    }
}

fn configured<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    let check = |list: &[u32], _: &u32| list.len() < MOST_CONFIGURED;
    deserializer.deserialize_seq(List { check, expected: "a few words", item: PhantomData })
}

fn pages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    let check = |list: &[u32], page: &u32| {
        list.last().is_none_or(|last| last < page) && u64::from(*page) < MOST_MEMORY_BYTES / PAGE_BYTES as u64
    };
    deserializer.deserialize_seq(List { check, expected: "rising numbers of pages", item: PhantomData })
}
