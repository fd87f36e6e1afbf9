//! `wizen IN OUT`: starts the guest once and writes the started guest as a new module.
//!
//! The library's own `Wizer::run` needs wasmtime features that nothing else here wants, so this
//! program drives the two halves of Wizer (`instrument`, `snapshot`) around a store of its own. That
//! store also makes the result the same on every machine: one engine configuration, NaNs
//! canonicalised, no import answered, and a bound on work and memory that is counted, not timed.

use std::fmt::Write as _;
use std::future::{Future, ready};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context as Task, Poll, Waker};

use belljar_abi::{export, import};
use sha2::{Digest, Sha256};
use wasmtime::error::Context as _;
use wasmtime::{
    Config, Engine, ExternType, Instance, Linker, Memory, Module, Result, Store, StoreLimits, StoreLimitsBuilder, Val,
    bail, ensure,
};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

/// Everything that the host will look up, beside [`export::INIT`], which only this program calls.
const EXPORTS: [&str; 5] = [export::MEMORY, export::CALL, export::STACK_POINTER, export::VITALS, export::ABI];

/// Starting QuickJS takes about 12 million units; more than a hundred times that means a hang.
const FUEL: u64 = 2_000_000_000;

/// More than any image that could be worth shipping, and far under what a runaway start would take.
const MEMORY: usize = 64 << 20;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, output] = args.as_slice() else {
        eprintln!("usage: wizen IN.wasm OUT.wasm");
        return ExitCode::from(2);
    };
    match run(input.as_ref(), output.as_ref()) {
        Ok(summary) => {
            print!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wizen: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Path, output: &Path) -> Result<String> {
    let guest = std::fs::read(input).with_context(|| format!("reading {}", input.display()))?;
    let engine = engine()?;
    let module = Module::new(&engine, &guest).with_context(|| format!("compiling {}", input.display()))?;
    check_interface(&module)?;

    let (started, fuel) = start(&engine, &guest)?;
    Module::validate(&engine, &started).context("the module that Wizer wrote is not valid")?;
    std::fs::write(output, &started).with_context(|| format!("writing {}", output.display()))?;
    summary(output, &guest, &started, fuel, &module)
}

/// Accepts the instructions that the guest is compiled to use and no others, so that a compiler
/// which slips in another proposal is caught at build time.
fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_bulk_memory(true)
        .wasm_multi_value(false)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true);
    Engine::new(&config).context("configuring wasmtime")
}

/// Holds the guest to the contract in `abi`. What its own source does not declare, a stray WASI call
/// for example, is an error here and not a surprise in the host.
fn check_interface(module: &Module) -> Result<()> {
    for wanted in module.imports() {
        ensure!(
            wanted.module() == import::MODULE
                && import::ALL.contains(&wanted.name())
                && matches!(wanted.ty(), ExternType::Func(_)),
            "the guest imports `{}` from `{}`, which is not in `abi::import`; usually a C function \
             that nobody defined",
            wanted.name(),
            wanted.module(),
        );
    }
    for given in module.exports() {
        ensure!(
            given.name() == export::INIT || EXPORTS.contains(&given.name()),
            "the guest exports `{}`, which is not in `abi::export`",
            given.name(),
        );
    }
    for name in EXPORTS {
        ensure!(module.get_export(name).is_some(), "the guest does not export `{name}`");
    }
    match module.get_export(export::INIT) {
        Some(ExternType::Func(ty)) if ty.params().len() + ty.results().len() == 0 => Ok(()),
        Some(_) => bail!("the export `{}` is not a function without parameters and results", export::INIT),
        None => bail!("the guest does not export `{}`", export::INIT),
    }
}

/// The started module, and the units of fuel that the start took.
fn start(engine: &Engine, guest: &[u8]) -> Result<(Vec<u8>, u64)> {
    let mut wizer = Wizer::new();
    wizer.init_func(export::INIT);
    let (context, instrumented) = wizer.instrument(guest).context("instrumenting the guest")?;
    let module = Module::new(engine, &instrumented).context("compiling the instrumented guest")?;

    let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits| limits);
    store.set_fuel(FUEL)?;

    let mut linker = Linker::<StoreLimits>::new(engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let instance = linker.instantiate(&mut store, &module).context("instantiating the guest")?;
    instance.get_typed_func::<(), ()>(&mut store, export::INIT)?.call(&mut store, ()).with_context(|| {
        format!(
            "running `{}` (no import may be called, at most {FUEL} units of fuel and \
                 {MEMORY} bytes of memory may be used)",
            export::INIT
        )
    })?;

    let fuel = FUEL - store.get_fuel()?;
    let mut state = Started { store, instance };
    let started = at_once(wizer.snapshot(&context, &mut state)).context("taking the snapshot")?;
    Ok((started, fuel))
}

/// The instance after its init function, as Wizer wants to see it. The names asked for are the ones
/// that `instrument` exported, so a missing one is a fault of this program and may panic, as the
/// trait documents.
struct Started {
    store: Store<StoreLimits>,
    instance: Instance,
}

impl Started {
    fn memory(&mut self, name: &str) -> Memory {
        self.instance.get_memory(&mut self.store, name).unwrap_or_else(|| panic!("no memory is exported as `{name}`"))
    }
}

impl InstanceState for Started {
    fn global_get(&mut self, name: &str, _: ValType) -> impl Future<Output = SnapshotVal> + Send {
        let global = self
            .instance
            .get_global(&mut self.store, name)
            .unwrap_or_else(|| panic!("no global is exported as `{name}`"));
        ready(match global.get(&mut self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(bits) => SnapshotVal::F32(bits),
            Val::F64(bits) => SnapshotVal::F64(bits),
            other => panic!("the global `{name}` holds {other:?}, which a snapshot cannot keep"),
        })
    }

    fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) -> impl Future<Output = ()> + Send {
        let memory = self.memory(name);
        contents(memory.data(&self.store));
        ready(())
    }
}

/// `Wizer::snapshot` is asynchronous only for the sake of other embeddings; over `Started` every
/// await is ready, so one poll finishes it and no executor is needed.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => bail!("Wizer waited for something although nothing here can wait"),
    }
}

fn summary(output: &Path, guest: &[u8], started: &[u8], fuel: u64, module: &Module) -> Result<String> {
    let mut text = String::new();
    let mut imports: Vec<_> = module.imports().map(|wanted| wanted.name()).collect();
    imports.sort_unstable();
    let exports = module.exports().map(|given| given.name());
    let mut exports: Vec<_> = exports.filter(|&name| name != export::INIT).collect();
    exports.sort_unstable();
    writeln!(text, "imports  {}", imports.join(" "))?;
    writeln!(text, "exports  {}", exports.join(" "))?;
    writeln!(text, "start    {fuel} units of fuel")?;
    writeln!(text, "size     {} bytes ({} before the start)", started.len(), guest.len())?;
    write!(text, "sha-256  ")?;
    for byte in Sha256::digest(started) {
        write!(text, "{byte:02x}")?;
    }
    writeln!(text, "  {}", output.display())?;
    Ok(text)
}
