//! The source text of a script, its name, and what kind of source it is. It must never know how the script is used.

use std::borrow::Cow;

use belljar_abi::flag;

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
    kind: Kind,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script,
    Module,
    Body,
}

impl<'a> Script<'a> {
    /// A script from its source.
    #[must_use]
    pub fn new(source: impl Into<Cow<'a, str>>) -> Script<'a> {
        Script { source: source.into(), name: Cow::Borrowed("script.js"), kind: Kind::Script }
    }

    /// An ES module from its source. Its value is its `default` export, and it may `import` the modules that
    /// [`InstanceBuilder::modules`](crate::InstanceBuilder::modules) gives the instance. Relative imports start from
    /// its name.
    ///
    /// In a synchronous call, a module that comes to an `await` does not end.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime, Script};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let value = jar.eval(Script::module("const n = 6; export default n * 7"))?;
    /// assert_eq!(value.get::<u32>()?, 42);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    #[must_use]
    pub fn module(source: impl Into<Cow<'a, str>>) -> Script<'a> {
        Script { source: source.into(), name: Cow::Borrowed("module.js"), kind: Kind::Module }
    }

    /// The body of a function: its value is what it returns. It may `return` at the top level, its declarations are
    /// its own, and in an async call it may `await`.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime, Script};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let value = jar.eval(Script::body("const n = 6; if (n > 5) return 'large'; return 'small'"))?;
    /// assert_eq!(value.get::<String>()?, "large");
    /// # Ok::<(), belljar::Error>(())
    /// ```
    #[must_use]
    pub fn body(source: impl Into<Cow<'a, str>>) -> Script<'a> {
        Script { source: source.into(), name: Cow::Borrowed("script.js"), kind: Kind::Body }
    }

    /// The same script under a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'a, str>>) -> Script<'a> {
        self.name = name.into();
        self
    }

    /// The same script with owned text.
    pub(crate) fn into_owned(self) -> Script<'static> {
        Script { source: self.source.into_owned().into(), name: self.name.into_owned().into(), kind: self.kind }
    }

    /// What the guest must know of its kind.
    pub(crate) fn flag(&self) -> u32 {
        match self.kind {
            Kind::Script => 0,
            Kind::Module => flag::MODULE,
            Kind::Body => flag::BODY,
        }
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
        Script { source: Cow::Borrowed(script.source()), name: Cow::Borrowed(script.name()), kind: script.kind }
    }
}
