//! What an embedder gives an instance for its handlers, by type. It must never know a handler.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// Values of different types. Most instances have none, and every call has a clone.
#[derive(Clone, Default)]
pub(crate) struct Data(Option<Arc<Values>>);

impl Data {
    /// Adds a value.
    ///
    /// # Panics
    ///
    /// When there is one of this type.
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        let values = Arc::make_mut(self.0.get_or_insert_default());
        let before = values.insert(TypeId::of::<T>(), Arc::new(value));
        assert!(before.is_none(), "the instance already has data of the type {}", type_name::<T>());
    }

    /// The value of a type.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.as_deref()?.get(&TypeId::of::<T>())?.downcast_ref()
    }
}
