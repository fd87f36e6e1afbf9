//! The modules that a client of JSON lines sends along with a script.
//!
//! It owns which module has which name. It must never read a file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use belljar::{Import, Module, Modules, RpcError};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::language;

/// The most modules that a line may hold.
const MOST_MODULES: usize = 10_000;

/// The texts of modules by their names, as a line holds them.
#[derive(Default)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Texts, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object with the texts of at most {MOST_MODULES} modules by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    if texts.len() == MOST_MODULES {
                        return Err(A::Error::invalid_length(MOST_MODULES + 1, &self));
                    }
                    texts.insert(name, text);
                }
                Ok(Texts(texts))
            }
        }
        value.deserialize_map(Few)
    }
}

/// The modules of one jar. A later text of a name replaces an earlier one, for jars that have not loaded it yet.
#[derive(Clone, Default)]
pub(crate) struct Offered(Arc<Mutex<BTreeMap<String, String>>>);

impl Offered {
    pub(crate) fn add(&self, Texts(texts): Texts) {
        // A relative name is the same as one without the dot.
        let texts = texts.into_iter().map(|(name, text)| match name.strip_prefix("./") {
            Some(bare) => (bare.to_owned(), text),
            None => (name, text),
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
    }

    pub(crate) fn modules(&self) -> Modules {
        let offered = self.clone();
        Modules::new().loader_sync(move |import: &Import| offered.load(import.name()))
    }

    fn load(&self, name: &str) -> Result<Option<Module>, RpcError> {
        let Some(text) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned() else {
            return Ok(None);
        };
        language::module(name, text).map(Some)
    }
}
