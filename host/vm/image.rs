//! A guest image, checked and linked, from which instances are stamped out.

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use belljar_abi::{export, import};
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module, ModuleExport, Mutability, ValType};

use super::code::Place;
use super::fibre::Vm;
use super::imports;
use super::state::{Desk, Host};
use super::tuning::FUEL_EXPORT;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::limits::Limits;

/// Bytes on pages of their own.
#[repr(C, align(65536))]
struct Pages<T: ?Sized>(T);

/// What `build.rs` made of the committed guest.
static NATIVE: &Pages<[u8]> = &Pages(*include_bytes!(concat!(env!("OUT_DIR"), "/guest.native")));
static IDENTITY: &[u8; 32] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.identity"));

/// An image that is ready to run.
#[derive(Clone)]
pub(crate) struct Image {
    pub(super) pre: InstancePre<Host>,
    pub(super) exports: Arc<Exports>,
    pub(crate) identity: Arc<[u8; 32]>,
    pristine: Arc<Mutex<Option<Arc<[u8]>>>>,
}

/// Where an instance finds what the host reaches for, looked up by name once.
pub(super) struct Exports {
    pub(super) memory: ModuleExport,
    pub(super) call: ModuleExport,
    pub(super) vitals: ModuleExport,
    pub(super) stack_pointer: ModuleExport,
    pub(super) fuel: ModuleExport,
}

impl Exports {
    fn of(module: &Module) -> Result<Exports> {
        let find = |name| module.get_export_index(name).ok_or_else(|| wrong(name));
        Ok(Exports {
            memory: find(export::MEMORY)?,
            call: find(export::CALL)?,
            vitals: find(export::VITALS)?,
            stack_pointer: find(export::STACK_POINTER)?,
            fuel: find(FUEL_EXPORT)?,
        })
    }
}

impl Image {
    /// The image that this crate was built with.
    pub(crate) fn built_in(engine: &Engine, place: Place) -> Result<Image> {
        // SAFETY: the bytes are a constant of this program, written by `build.rs` with `Engine::precompile_module`;
        // wasmtime checks its own version, the settings and the processor before it runs them. A constant outlives every
        // module, and nothing writes to it.
        #[allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]
        let module = unsafe {
            match place {
                Place::InProgram => Module::deserialize_raw(engine, NonNull::from(&NATIVE.0)),
                Place::Copied => Module::deserialize(engine, &NATIVE.0),
            }
        };
        Image::link(
            engine,
            &module.map_err(|error| Error::host(format!("the built-in guest does not load: {error:#}")))?,
            *IDENTITY,
        )
    }

    /// The same image in another engine.
    pub(crate) fn again(&self, engine: &Engine) -> Result<Image> {
        let image = Image::built_in(engine, Place::Copied)?;
        Ok(Image { identity: self.identity.clone(), pristine: self.pristine.clone(), ..image })
    }

    /// An image from wasm bytes.
    #[cfg(feature = "compiler")]
    pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Image> {
        use sha2::{Digest, Sha256};
        let refused = |why: String| Error::input(format!("the guest image cannot be metered: {why}"));
        let metered = super::meter::install(wasm).map_err(refused)?;
        let module = Module::from_binary(engine, &metered)
            .map_err(|error| Error::input(format!("the guest image does not compile: {error:#}")))?;
        let image = Image::link(engine, &module, Sha256::digest(wasm).into())?;
        match image.instance()?.abi_version() {
            Some(belljar_abi::VERSION) => Ok(image),
            other => Err(Error::input(format!(
                "the guest image speaks version {} of the protocol, and this library version {}",
                other.map_or_else(|| "none".into(), |version| version.to_string()),
                belljar_abi::VERSION
            ))),
        }
    }

    /// An instance in which nothing runs, in the slot that the pool keeps for us.
    fn instance(&self) -> Result<Vm> {
        let limits = Limits::default();
        let desk = Arc::new(Desk::new(Driver::new(limits.clone()), Clock::System, None, 0));
        Vm::new(self, desk, &Limits { memory_bytes: u64::MAX, ..limits })
    }

    /// The memory of an instance in which nothing has run yet. It is copied once.
    pub(super) fn pristine(&self) -> Result<Arc<[u8]>> {
        let mut pristine = self.pristine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pristine) = &*pristine {
            return Ok(pristine.clone());
        }
        let memory: Arc<[u8]> = self.instance()?.memory().into();
        Ok(pristine.insert(memory).clone())
    }

    fn link(engine: &Engine, module: &Module, identity: [u8; 32]) -> Result<Image> {
        check(module)?;
        let mut linker = Linker::new(engine);
        imports::define(&mut linker).map_err(|error| Error::host(format!("cannot define the imports: {error:#}")))?;
        let pre = linker
            .instantiate_pre(module)
            .map_err(|error| Error::input(format!("the guest image does not link: {error:#}")))?;
        let exports = Arc::new(Exports::of(module)?);
        Ok(Image { pre, exports, identity: Arc::new(identity), pristine: Arc::default() })
    }
}

pub(super) fn wrong(name: &str) -> Error {
    Error::input(format!("the guest image does not export {name:?} as the protocol wants it"))
}

/// Refuses an image that asks for more than the six functions or offers less than the protocol needs.
fn check(module: &Module) -> Result<()> {
    for import in module.imports() {
        if import.module() != import::MODULE || !import::ALL.contains(&import.name()) {
            return Err(Error::input(format!(
                "the guest image imports {}.{}, which is not offered",
                import.module(),
                import.name()
            )));
        }
    }
    match module.get_export(export::MEMORY) {
        Some(ExternType::Memory(memory)) if !memory.is_shared() && !memory.is_64() => {}
        _ => return Err(wrong(export::MEMORY)),
    }
    match module.get_export(export::STACK_POINTER) {
        Some(ExternType::Global(global))
            if matches!(global.content(), ValType::I32) && global.mutability() == Mutability::Var => {}
        _ => return Err(wrong(export::STACK_POINTER)),
    }
    for name in [export::VITALS, export::ABI] {
        match module.get_export(name) {
            Some(ExternType::Global(global))
                if matches!(global.content(), ValType::I32) && global.mutability() == Mutability::Const => {}
            _ => return Err(wrong(name)),
        }
    }
    match module.get_export(export::CALL) {
        Some(ExternType::Func(_)) => Ok(()),
        _ => Err(wrong(export::CALL)),
    }
}
