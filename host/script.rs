//! The source text of a script, and its name. It must never know how the script is used.

use std::borrow::Cow;

/// A script: its source text, and its name in stack traces.
///
/// ```
/// # use belljar::Script;
/// let plain: Script = "1 + 2".into();
/// let named = Script::new("1 + 2").named("sum.js");
/// assert_eq!((plain.name(), named.name()), ("script.js", "sum.js"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    source: Cow<'a, str>,
    name: Cow<'a, str>,
}

impl<'a> Script<'a> {
    /// A script from its source.
    #[must_use]
    pub fn new(source: impl Into<Cow<'a, str>>) -> Script<'a> {
        Script { source: source.into(), name: Cow::Borrowed("script.js") }
    }

    /// The same script under a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'a, str>>) -> Script<'a> {
        self.name = name.into();
        self
    }

    /// The same script with owned text.
    pub(crate) fn into_owned(self) -> Script<'static> {
        Script { source: self.source.into_owned().into(), name: self.name.into_owned().into() }
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<'a> From<&'a str> for Script<'a> {
    fn from(source: &'a str) -> Self {
        Script::new(source)
    }
}

impl<'a> From<&'a String> for Script<'a> {
    fn from(source: &'a String) -> Self {
        Script::new(source.as_str())
    }
}

impl From<String> for Script<'_> {
    fn from(source: String) -> Self {
        Script::new(source)
    }
}

impl<'a> From<&'a Script<'_>> for Script<'a> {
    fn from(script: &'a Script<'_>) -> Self {
        Script { source: Cow::Borrowed(script.source()), name: Cow::Borrowed(script.name()) }
    }
}
