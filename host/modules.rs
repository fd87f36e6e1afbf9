//! The modules that scripts can import: sources that are given in advance, and a loader for others.
//!
//! It owns the answers to the guest's two questions about an import: its name and its text. It must never know wasm, or
//! how long a call may wait.

mod resolution;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use belljar_abi::load;

use self::resolution::{ImportMap, clean, resolve};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::excerpt;
use crate::handler::{Handler, Replying};
use crate::reply::RpcError;

/// What an `import` makes of a module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModuleKind {
    /// The source of an ES module.
    Source,
    /// JSON, for `import data from "./data.json" with { type: "json" }`.
    Json,
    /// Text, for `import text from "./page.html" with { type: "text" }`.
    Text,
}

impl ModuleKind {
    fn from_wire(kind: &str) -> Option<ModuleKind> {
        let kinds = [ModuleKind::Source, ModuleKind::Json, ModuleKind::Text];
        load::KINDS.into_iter().zip(kinds).find_map(|(name, found)| (name == kind).then_some(found))
    }

    /// What a script must write to import it, and how it is called in messages.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            ModuleKind::Source => ("JavaScript", "without the attribute `type`"),
            ModuleKind::Json => ("JSON", "with { type: \"json\" }"),
            ModuleKind::Text => ("text", "with { type: \"text\" }"),
        }
    }
}

/// The text of a module, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    kind: ModuleKind,
    text: Arc<str>,
}

impl Module {
    /// An ES module.
    pub fn source(source: impl Into<String>) -> Module {
        Module { kind: ModuleKind::Source, text: source.into().into() }
    }

    /// A module whose `default` export is the value of this JSON text.
    pub fn json(json: impl Into<String>) -> Module {
        Module { kind: ModuleKind::Json, text: json.into().into() }
    }

    /// A module whose `default` export is this text.
    pub fn text(text: impl Into<String>) -> Module {
        Module { kind: ModuleKind::Text, text: text.into().into() }
    }

    /// The text for an import of this kind.
    fn for_import(&self, asked: ModuleKind) -> Result<Arc<str>, RpcError> {
        // Any text can be imported as text.
        if self.kind == asked || asked == ModuleKind::Text {
            return Ok(self.text.clone());
        }
        let (is, import) = self.kind.words();
        Err(RpcError::new("wrong_module_type", format!("it is {is}; import it {import}")))
    }
}

/// An import that a loader is asked for. Everything in it comes from the script.
#[derive(Clone, Debug)]
pub struct Import {
    call: Call,
    name: String,
    specifier: String,
    importer: String,
    kind: ModuleKind,
}

impl Import {
    /// The name of the module: the specifier, made absolute with the importer's name and the import map. It has no
    /// `.` and `..` between its slashes. One name is loaded once, and later imports of it give the same module.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the `import` says, as it is written.
    #[must_use]
    pub fn specifier(&self) -> &str {
        &self.specifier
    }

    /// The name of the script or module that imports.
    #[must_use]
    pub fn importer(&self) -> &str {
        &self.importer
    }

    /// What the import makes of the text.
    #[must_use]
    pub fn kind(&self) -> ModuleKind {
        self.kind
    }

    /// The call that asks, with the data of the instance.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }
}

/// The types that a loader can return: a [`Module`], the source of an ES module, an `Option` that is None where there
/// is no such module, or a `Result` with an [`RpcError`].
pub trait IntoModule {
    /// Converts it; Ok(None) where there is no such module.
    ///
    /// # Errors
    ///
    /// Why the module cannot be loaded.
    fn into_module(self) -> Result<Option<Module>, RpcError>;
}

impl IntoModule for Module {
    fn into_module(self) -> Result<Option<Module>, RpcError> {
        Ok(Some(self))
    }
}

impl IntoModule for String {
    fn into_module(self) -> Result<Option<Module>, RpcError> {
        Ok(Some(Module::source(self)))
    }
}

impl IntoModule for &str {
    fn into_module(self) -> Result<Option<Module>, RpcError> {
        Ok(Some(Module::source(self)))
    }
}

impl<M: IntoModule> IntoModule for Option<M> {
    fn into_module(self) -> Result<Option<Module>, RpcError> {
        self.map_or(Ok(None), IntoModule::into_module)
    }
}

impl<M: IntoModule> IntoModule for Result<M, RpcError> {
    fn into_module(self) -> Result<Option<Module>, RpcError> {
        self.and_then(IntoModule::into_module)
    }
}

type Loader = Arc<dyn Fn(Import) -> Replying + Send + Sync>;

/// The modules that the scripts of an instance can import. A clone costs one reference count.
///
/// A specifier that begins with `./` or `../` is relative to the importing module, whose name is a path such as
/// `lib/tax.js` or a URL. Every other specifier is looked up in the import map, and then is itself the name. A path
/// cannot leave the folder in which the names begin.
///
/// Each import is two calls of the host, one for the name and one for the text. They count against
/// [`Limits::rpc_calls`](crate::Limits::rpc_calls) and [`Limits::message_bytes`](crate::Limits::message_bytes), are in
/// recordings as `belljar:resolve` and `belljar:load`, and are answered by replays. All texts that one call loads are
/// together bounded by [`Limits::source_bytes`](crate::Limits::source_bytes). A module stays loaded in the instance,
/// and in snapshots of it.
///
/// ```
/// use belljar::{Limits, Modules, Router, Runtime, Script};
///
/// let modules = Modules::new()
///     .source("lib/tax.js", "import rates from './rates.json' with { type: 'json' }; export const tax = n => n * rates.DE")
///     .json("lib/rates.json", r#"{ "DE": 0.19 }"#);
/// let mut jar = Runtime::new()?.build_instance().modules(&modules).start(&Router::new(), &Limits::default())?;
/// let script = Script::module("import { tax } from './lib/tax.js'; export default tax(100)");
/// assert_eq!(jar.eval(script)?.get::<f64>()?, 19.0);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Modules {
    inner: Arc<Inner>,
}

#[derive(Clone, Default)]
struct Inner {
    given: BTreeMap<String, Module>,
    map: Option<ImportMap>,
    loader: Option<Loader>,
}

impl Modules {
    /// No modules.
    #[must_use]
    pub fn new() -> Modules {
        Modules::default()
    }

    /// Adds an ES module.
    ///
    /// # Panics
    ///
    /// When there already is a module of this name, or the name is a path that leaves its folder.
    #[must_use]
    pub fn source(self, name: impl Into<String>, source: impl Into<String>) -> Modules {
        self.module(name, Module::source(source))
    }

    /// Adds a module whose `default` export is the value of this JSON text.
    ///
    /// # Panics
    ///
    /// As [`Modules::source`].
    #[must_use]
    pub fn json(self, name: impl Into<String>, json: impl Into<String>) -> Modules {
        self.module(name, Module::json(json))
    }

    /// Adds a module whose `default` export is this text.
    ///
    /// # Panics
    ///
    /// As [`Modules::source`].
    #[must_use]
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Modules {
        self.module(name, Module::text(text))
    }

    /// Adds a module.
    ///
    /// # Panics
    ///
    /// As [`Modules::source`].
    #[must_use]
    pub fn module(mut self, name: impl Into<String>, module: Module) -> Modules {
        let name = name.into();
        let clean = clean(&name).unwrap_or_else(|why| panic!("the name of a module is no path: {}", why.message()));
        let before = Arc::make_mut(&mut self.inner).given.insert(clean, module);
        assert!(before.is_none(), "the module {name:?} is there already");
        self
    }

    /// Sets the import map: JSON with the members `imports` and `scopes`, as browsers read it.
    ///
    /// ```
    /// # use belljar::{Limits, Modules, Router, Runtime, Script};
    /// let modules = Modules::new()
    ///     .source("vendor/lodash.js", "export const last = list => list[list.length - 1]")
    ///     .import_map(r#"{ "imports": { "lodash": "./vendor/lodash.js" } }"#)?;
    /// let mut jar = Runtime::new()?.build_instance().modules(&modules).start(&Router::new(), &Limits::default())?;
    /// let script = Script::module("import { last } from 'lodash'; export default last([1, 2, 3])");
    /// assert_eq!(jar.eval(script)?.get::<u32>()?, 3);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when it is not JSON of this form.
    ///
    /// # Panics
    ///
    /// When there already is an import map.
    pub fn import_map(mut self, json: &str) -> Result<Modules> {
        let map = ImportMap::parse(json).map_err(|why| Error::input(format!("the import map is wrong: {why}")))?;
        let before = Arc::make_mut(&mut self.inner).map.replace(map);
        assert!(before.is_none(), "there already is an import map");
        Ok(self)
    }

    /// Sets a loader for modules that are not given in advance. It may wait: the script waits inside its `import`, in
    /// calls that end in `_async`. In a synchronous call, an import that needs the loader fails with the code
    /// `needs_async`.
    ///
    /// ```
    /// # use belljar::{Import, Limits, Modules, Router, Runtime, Script};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let modules = Modules::new().loader(|import: Import| async move {
    ///     tokio::task::yield_now().await; // a database, a registry, a folder
    ///     (import.name() == "greeting.js").then(|| "export const greeting = 'hello'".to_owned())
    /// });
    /// let mut jar = Runtime::new()?.build_instance().modules(&modules).start(&Router::new(), &Limits::default())?;
    /// let script = Script::module("import { greeting } from './greeting.js'; export default greeting");
    /// assert_eq!(jar.eval_async(script).await?.get::<String>()?, "hello");
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When there already is a loader.
    #[must_use]
    pub fn loader<F, Fut, M>(self, loader: F) -> Modules
    where
        F: Fn(Import) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = M> + Send + 'static,
        M: IntoModule,
    {
        self.set_loader(Arc::new(move |import| {
            let kind = import.kind;
            let module = loader(import);
            Replying::later(async move { text_of(module.await, kind) })
        }))
    }

    /// As [`Modules::loader`], with a loader that does not wait, so that synchronous calls reach it too.
    ///
    /// # Panics
    ///
    /// When there already is a loader.
    #[must_use]
    pub fn loader_sync<F, M>(self, loader: F) -> Modules
    where
        F: Fn(&Import) -> M + Send + Sync + 'static,
        M: IntoModule,
    {
        self.set_loader(Arc::new(move |import| Replying::ready(text_of(loader(&import), import.kind))))
    }

    fn set_loader(mut self, loader: Loader) -> Modules {
        let before = Arc::make_mut(&mut self.inner).loader.replace(loader);
        assert!(before.is_none(), "there already is a loader");
        self
    }

    /// The names of the modules that are given in advance, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.given.keys().map(String::as_str)
    }

    /// The handler of one of the guest's questions; None for any other method.
    pub(crate) fn handler(&self, method: &str) -> Option<Handler> {
        let inner = self.inner.clone();
        match method {
            load::RESOLVE => {
                Some(Handler::new(move |_: &Call, (specifier, importer, kind): (String, String, String)| {
                    inner.name(&specifier, &importer, &kind)
                }))
            }
            load::LOAD => Some(Handler::replying(
                move |call, (name, specifier, importer, kind): (String, String, String, String)| {
                    inner.text(call, name, specifier, importer, &kind)
                },
            )),
            _ => None,
        }
    }
}

impl Inner {
    fn check(&self) -> Result<(), RpcError> {
        if self.given.is_empty() && self.loader.is_none() {
            return Err(RpcError::new("no_modules", "the host provides no modules"));
        }
        Ok(())
    }

    fn name(&self, specifier: &str, importer: &str, kind: &str) -> Result<String, RpcError> {
        kind_of(kind)?;
        resolve(self.map.as_ref(), specifier, importer)
    }

    fn text(&self, call: Call, name: String, specifier: String, importer: String, kind: &str) -> Replying {
        let found = self.check().and_then(|()| {
            let kind = kind_of(kind)?;
            // A hostile guest can ask for any name.
            if clean(&name)? != name {
                return Err(RpcError::new(
                    "invalid_specifier",
                    format!("{} is not a resolved name", excerpt::quoted(&name)),
                ));
            }
            Ok(kind)
        });
        let kind = match found {
            Ok(kind) => kind,
            Err(error) => return Replying::ready(error),
        };
        match (self.given.get(&name), &self.loader) {
            (Some(module), _) => Replying::ready(module.for_import(kind).map(|text| text.to_string())),
            (None, Some(loader)) => loader(Import { call, name, specifier, importer, kind }),
            (None, None) => Replying::ready(not_found(&name)),
        }
    }
}

fn kind_of(kind: &str) -> Result<ModuleKind, RpcError> {
    ModuleKind::from_wire(kind).ok_or_else(|| RpcError::new("wrong_module_type", "the type is unknown"))
}

fn text_of(module: impl IntoModule, kind: ModuleKind) -> Result<String, RpcError> {
    match module.into_module()? {
        Some(module) => module.for_import(kind).map(|text| text.to_string()),
        None => Err(RpcError::new("module_not_found", "there is no such module")),
    }
}

fn not_found(name: &str) -> RpcError {
    RpcError::new("module_not_found", format!("there is no module {}", excerpt::quoted(name)))
}

impl fmt::Debug for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modules")
            .field("names", &self.names().collect::<Vec<_>>())
            .field("has_loader", &self.inner.loader.is_some())
            .finish_non_exhaustive()
    }
}
