//! ES modules of the engine: compiling one, and the questions that the engine asks about an import.
//!
//! It must never know how a specifier is resolved or where a source comes from.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr::{NonNull, null_mut};

use rquickjs_sys as sys;

use super::{Result, Thrown, Value, checked, checked_int, context, evaluate, throw_type};

/// A module that the engine has loaded. The engine frees it when its graph cannot be loaded, and else never.
#[derive(Clone, Copy)]
pub struct Module(NonNull<sys::JSModuleDef>);

/// An import, as the engine found it.
pub struct Import<'a> {
    /// The name of the module or script that imports.
    pub importer: &'a [u8],
    /// What the import says, as it is written.
    pub specifier: &'a [u8],
    /// An object with the attributes, or undefined.
    pub attributes: Value,
}

/// Who answers the engine's questions about imports.
pub trait Loader {
    /// The name of the module that is imported. One name with equal attributes is one module.
    fn name(import: &Import<'_>) -> Result<Vec<u8>>;
    /// Loads the module of this name, which ends in NUL.
    fn load(name: &[u8], import: &Import<'_>) -> Result<Module>;
    /// Fails if there are attributes that mean nothing here.
    fn check(attributes: &Value) -> Result<()>;
}

// Functions of `tools/quickjs.patch`.
unsafe extern "C" {
    fn js_new_value_module(
        context: *mut sys::JSContext,
        name: *const c_char,
        value: sys::JSValue,
        attributes: sys::JSValue,
    ) -> *mut sys::JSModuleDef;
    fn js_module_value(context: *mut sys::JSContext, module: *mut sys::JSModuleDef) -> sys::JSValue;
    fn js_module_own_value(context: *mut sys::JSContext, module: *mut sys::JSModuleDef) -> sys::JSValue;
    fn js_module_import(module: *mut sys::JSModuleDef, index: c_int) -> *mut sys::JSModuleDef;
    fn js_free_failed_modules(context: *mut sys::JSContext);
    fn js_loaded_module(
        context: *mut sys::JSContext,
        name: *const c_char,
        attributes: sys::JSValue,
    ) -> *mut sys::JSModuleDef;
}

impl Module {
    fn checked(raw: *mut sys::JSModuleDef) -> Result<Module> {
        NonNull::new(raw).map(Module).ok_or(Thrown)
    }

    /// The module in a value of the engine, which is given up: the engine itself keeps the module.
    fn of(value: Value) -> Result<Module> {
        // SAFETY: the engine made the value, and a module's value points to the module.
        unsafe {
            if sys::JS_VALUE_GET_TAG(value.0) != sys::JS_TAG_MODULE {
                return Err(throw_type(c"the program is not a module"));
            }
            Module::checked(sys::JS_VALUE_GET_PTR(value.0).cast())
        }
    }

    /// Compiles a module; its imports are not loaded. Both texts must end in NUL, which is not part of them.
    pub fn compile(name: &[u8], source: &[u8]) -> Result<Module> {
        Module::of(evaluate(name, source, sys::JS_EVAL_TYPE_MODULE | sys::JS_EVAL_FLAG_COMPILE_ONLY)?)
    }

    /// Makes a module whose default export is a value. The name must end in NUL.
    pub fn with_default(name: &[u8], value: &Value, attributes: &Value) -> Result<Module> {
        let name = terminated(name)?;
        // SAFETY: the name ends in NUL, and the handles keep the values alive.
        Module::checked(unsafe { js_new_value_module(context(), name.as_ptr(), value.0, attributes.0) })
    }

    /// Reads a compiled module; its imports are not loaded.
    pub fn read(bytecode: &[u8]) -> Result<Module> {
        Module::of(super::read_bytecode(bytecode)?)
    }

    /// The loaded module of a name, which must end in NUL, that was imported with these attributes.
    pub fn loaded(name: &[u8], attributes: &Value) -> Result<Option<Module>> {
        let name = terminated(name)?;
        // SAFETY: the name ends in NUL, and the handle keeps the value alive.
        unsafe {
            let module = js_loaded_module(context(), name.as_ptr(), attributes.0);
            if module.is_null() && sys::JS_HasException(context()) {
                return Err(Thrown);
            }
            Ok(NonNull::new(module).map(Module))
        }
    }

    /// The module as a value of the engine.
    fn value(self) -> Result<Value> {
        // SAFETY: the module is loaded.
        checked(unsafe { js_module_value(context(), self.0.as_ptr()) })
    }

    /// Loads everything that the module imports. After a failure the module is gone when the next call begins.
    pub fn resolve(self) -> Result<Module> {
        let value = self.value()?;
        // SAFETY: the handle keeps the value alive.
        checked_int(unsafe { sys::JS_ResolveModule(context(), value.0) })?;
        Ok(self)
    }

    /// Runs the module and what it imports; a promise of undefined.
    pub fn evaluate(self) -> Result<Value> {
        super::eval_function(self.value()?)
    }

    /// The object with the module's exports.
    pub fn namespace(self) -> Result<Value> {
        // SAFETY: the module is loaded and linked.
        checked(unsafe { sys::JS_GetModuleNamespace(context(), self.0.as_ptr()) })
    }

    /// `import.meta`.
    pub fn meta(self) -> Result<Value> {
        // SAFETY: the module is loaded.
        checked(unsafe { sys::JS_GetImportMeta(context(), self.0.as_ptr()) })
    }

    /// The name.
    pub fn name(self) -> Result<Value> {
        // SAFETY: the module is loaded; the atom is owned here and freed once.
        unsafe {
            let atom = super::Atom(sys::JS_GetModuleName(context(), self.0.as_ptr()));
            checked(sys::JS_AtomToString(context(), atom.0))
        }
    }

    /// The default export of a module without code; None for a module with code.
    pub fn own_value(self) -> Option<Value> {
        // SAFETY: the module is loaded. The exception is a mark and is not pending.
        checked(unsafe { js_module_own_value(context(), self.0.as_ptr()) }).ok()
    }

    /// The modules that its imports have been resolved to.
    pub fn imports(self) -> impl Iterator<Item = Module> {
        // SAFETY: the module is loaded; the engine checks the index.
        (0..).map_while(move |index| NonNull::new(unsafe { js_module_import(self.0.as_ptr(), index) }).map(Module))
    }

    /// The bytecode, before the module is linked; `sink` sees the bytes before they are freed.
    pub fn write<R>(self, sink: impl FnOnce(&[u8]) -> R) -> Result<R> {
        super::write_bytecode(&self.value()?, sink)
    }

    /// Whether two handles are the same module.
    pub fn is_same(self, other: Module) -> bool {
        self.0 == other.0
    }
}

/// Frees modules that could not be loaded.
pub fn free_failed() {
    // SAFETY: nothing refers to a module that was never linked but others that were not either.
    unsafe { js_free_failed_modules(context()) }
}

fn terminated(name: &[u8]) -> Result<&CStr> {
    CStr::from_bytes_with_nul(name).map_err(|_| throw_type(c"the name of a module holds NUL"))
}

/// The bytes behind a pointer of the engine.
///
/// # Safety
///
/// The pointer must be that of a text that ends in NUL and outlives the result.
unsafe fn borrowed<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// # Safety
///
/// As for [`borrowed`], and the attributes must be alive.
unsafe fn import<'a>(importer: *const c_char, specifier: *const c_char, attributes: sys::JSValue) -> Import<'a> {
    // SAFETY: as the caller says; the handle takes a reference of its own.
    unsafe {
        Import {
            importer: borrowed(importer),
            specifier: borrowed(specifier),
            attributes: Value(sys::JS_DupValue(context(), attributes)),
        }
    }
}

/// # Safety
///
/// Only the engine calls this, with texts that end in NUL.
pub unsafe fn on_name<L: Loader>(
    importer: *const c_char,
    specifier: *const c_char,
    attributes: sys::JSValue,
) -> *mut c_char {
    // SAFETY: the engine passes texts that end in NUL and live during the call. It takes over the block.
    unsafe {
        let Ok(name) = L::name(&import(importer, specifier, attributes)) else { return null_mut() };
        let block = sys::js_malloc(context(), name.len() as sys::size_t + 1).cast::<u8>();
        if !block.is_null() {
            block.copy_from_nonoverlapping(name.as_ptr(), name.len());
            block.add(name.len()).write(0);
        }
        block.cast()
    }
}

/// # Safety
///
/// As for [`on_name`].
pub unsafe fn on_load<L: Loader>(
    name: *const c_char,
    importer: *const c_char,
    specifier: *const c_char,
    attributes: sys::JSValue,
) -> *mut sys::JSModuleDef {
    // SAFETY: the engine passes texts that end in NUL and live during the call.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        L::load(name, &import(importer, specifier, attributes)).map_or(null_mut(), |module| module.0.as_ptr())
    }
}

/// # Safety
///
/// As for [`on_name`].
pub unsafe fn on_check<L: Loader>(attributes: sys::JSValue) -> c_int {
    // SAFETY: the engine keeps the attributes alive during the call; the handle takes a reference of its own.
    let attributes = Value(unsafe { sys::JS_DupValue(context(), attributes) });
    if L::check(&attributes).is_ok() { 0 } else { -1 }
}

/// Defines the functions that `tools/quickjs.patch` calls, for a [`Loader`]. The engine calls them by name: a pointer
/// to a function takes an entry of the WebAssembly table, which is full.
macro_rules! load_modules_with {
    ($loader:ty) => {
        const _: () = {
            use core::ffi::{c_char, c_int};

            use rquickjs_sys as sys;

            #[allow(
                unsafe_code,
                reason = "the engine calls it by this name, and ARCHITECTURE.md lists the macro's file"
            )]
            #[unsafe(no_mangle)]
            extern "C" fn belljar_module_name(
                _: *mut sys::JSContext,
                importer: *const c_char,
                specifier: *const c_char,
                attributes: sys::JSValue,
            ) -> *mut c_char {
                // SAFETY: only the engine calls this.
                unsafe { $crate::qjs::modules::on_name::<$loader>(importer, specifier, attributes) }
            }

            #[allow(unsafe_code, reason = "as above")]
            #[unsafe(no_mangle)]
            extern "C" fn belljar_module_load(
                _: *mut sys::JSContext,
                name: *const c_char,
                importer: *const c_char,
                specifier: *const c_char,
                attributes: sys::JSValue,
            ) -> *mut sys::JSModuleDef {
                // SAFETY: only the engine calls this.
                unsafe { $crate::qjs::modules::on_load::<$loader>(name, importer, specifier, attributes) }
            }

            #[allow(unsafe_code, reason = "as above")]
            #[unsafe(no_mangle)]
            extern "C" fn belljar_module_attributes(_: *mut sys::JSContext, attributes: sys::JSValue) -> c_int {
                // SAFETY: only the engine calls this.
                unsafe { $crate::qjs::modules::on_check::<$loader>(attributes) }
            }
        };
    };
}
pub(crate) use load_modules_with;
