//! A guest image, checked and linked, from which instances are made.

use std::ptr::NonNull;
use std::sync::Arc;

use belljar_abi::{export, import};
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module, ModuleExport, Mutability, ValType};

use super::code::Place;
use super::engine::{self, Allocation};
#[cfg(feature = "compiler")]
use super::fibre::Vm;
use super::imports;
use super::pool::MemoryImage;
#[cfg(feature = "compiler")]
use super::state::Desk;
use super::state::Host;
use super::tuning::FUEL_EXPORT;
#[cfg(feature = "compiler")]
use crate::clock::Clock;
#[cfg(feature = "compiler")]
use crate::driver::Driver;
use crate::error::{Error, Result};
#[cfg(feature = "compiler")]
use crate::limits::Limits;

/// Aligned so that no other data shares the pages of the contents.
#[repr(C, align(65536))]
struct Pages<T: ?Sized>(T);

/// The native code that `build.rs` compiled from the committed guest.
static NATIVE: &Pages<[u8]> = &Pages(*include_bytes!(concat!(env!("OUT_DIR"), "/guest.native")));
static IDENTITY: &[u8; 32] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.identity"));
/// The initial contents of its memory; the rest is zeros.
static MEMORY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.memory"));

/// An image that is ready to run.
#[derive(Clone)]
pub(crate) struct Image {
    pub(super) pre: InstancePre<Host>,
    pub(super) exports: Arc<Exports>,
    pub(crate) identity: Arc<[u8; 32]>,
    memory: Arc<MemoryImage>,
}

/// The exports that the host uses, looked up by name once.
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
    pub(crate) fn built_in(allocation: Allocation, place: Place) -> Result<Image> {
        let bytes = env!("BELLJAR_GUEST_MEMORY_BYTES").parse();
        let bytes = bytes.map_err(|_| Error::host("this build does not know the size of its guest's memory"))?;
        let memory = MemoryImage::new(MEMORY, bytes, allocation.most_idle())?;
        Image::built_in_with(&engine::build(allocation, place)?, place, Arc::new(memory))
    }

    fn built_in_with(engine: &Engine, place: Place, memory: Arc<MemoryImage>) -> Result<Image> {
        // SAFETY: the bytes are a constant of this program, written by `build.rs` with `Engine::precompile_module`.
        // wasmtime checks its version, the settings and the processor before it runs them. A constant outlives every
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
            memory,
        )
    }

    /// The same image in another engine.
    pub(crate) fn again(&self, allocation: Allocation) -> Result<Image> {
        let place = Place::Copied;
        let image = Image::built_in_with(&engine::build(allocation, place)?, place, self.memory.clone())?;
        Ok(Image { identity: self.identity.clone(), ..image })
    }

    /// An image from wasm bytes.
    #[cfg(feature = "compiler")]
    pub(crate) fn compile(allocation: Allocation, wasm: &[u8]) -> Result<Image> {
        use sha2::{Digest, Sha256};
        let engine = engine::build(allocation, Place::Copied)?;
        let refused = |why: String| Error::input(format!("the guest image cannot be used: {why}"));
        let metered = super::meter::install(wasm).map_err(refused)?;
        let parts = super::data::split(&metered).map_err(refused)?;
        let module = Module::from_binary(&engine, &parts.code)
            .map_err(|error| Error::input(format!("the guest image does not compile: {error:#}")))?;
        let memory = MemoryImage::new(&parts.memory, parts.memory_bytes, allocation.most_idle())?;
        let image = Image::link(&engine, &module, Sha256::digest(wasm).into(), Arc::new(memory))?;
        match image.instance()?.abi_version() {
            Some(belljar_abi::VERSION) => Ok(image),
            other => Err(Error::input(format!(
                "the guest image speaks version {} of the protocol, and this library version {}",
                other.map_or_else(|| "none".into(), |version| version.to_string()),
                belljar_abi::VERSION
            ))),
        }
    }

    /// An instance that runs nothing; it is only inspected.
    #[cfg(feature = "compiler")]
    fn instance(&self) -> Result<Vm> {
        let limits = Limits::default();
        let desk = Arc::new(Desk::new(Driver::new(limits.clone()), Clock::System, None, 0));
        Vm::new(self, &self.memory, desk, &Limits { memory_bytes: u64::MAX, ..limits })
    }

    /// The initial memory of a bare instance.
    pub(crate) fn memory(&self) -> &Arc<MemoryImage> {
        &self.memory
    }

    fn link(engine: &Engine, module: &Module, identity: [u8; 32], memory: Arc<MemoryImage>) -> Result<Image> {
        check(module)?;
        let mut linker = Linker::new(engine);
        imports::define(&mut linker).map_err(|error| Error::host(format!("cannot define the imports: {error:#}")))?;
        let pre = linker
            .instantiate_pre(module)
            .map_err(|error| Error::input(format!("the guest image does not link: {error:#}")))?;
        let exports = Arc::new(Exports::of(module)?);
        Ok(Image { pre, exports, identity: Arc::new(identity), memory })
    }
}

pub(super) fn wrong(name: &str) -> Error {
    Error::input(format!("the guest image does not export {name:?} as the protocol wants it"))
}

/// Refuses an image that imports more than the six functions or exports less than the protocol needs.
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
