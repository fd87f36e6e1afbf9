//! The embedder's data of an instance, by type. It must never know a handler.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// The data that an instance was given for its handlers: one value of each type. See
/// [`InstanceBuilder::data`](crate::InstanceBuilder::data). A clone costs one reference count.
// None in most instances: every call clones this, and a clone of None is free.
#[derive(Clone, Default)]
pub struct Data(Option<Arc<Values>>);

impl Data {
    /// Adds a value.
    ///
    /// # Panics
    ///
    /// When there is already a value of this type.
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        let values = Arc::make_mut(self.0.get_or_insert_default());
        let before = values.insert(TypeId::of::<T>(), Arc::new(value));
        assert!(before.is_none(), "the instance already has data of the type {}", type_name::<T>());
    }

    /// The value of a type.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.as_deref()?.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").field("values", &self.0.as_ref().map_or(0, |values| values.len())).finish()
    }
}
