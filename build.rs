//! Turns the committed guest image into native code for `TARGET`, in `OUT_DIR`.
//!
//! No network, no C compiler, no nested cargo: Cranelift runs here, so the built program holds no compiler.

#![allow(
    unsafe_code,
    reason = "the compiler takes processor features through an unsafe call; ARCHITECTURE.md lists this file"
)]
#![allow(clippy::expect_used, reason = "a build script has no one to hand an error to")]

use std::path::PathBuf;
use std::{env, fs};

use sha2::{Digest, Sha256};

#[path = "host/vm/data.rs"]
mod data;
#[path = "host/vm/meter.rs"]
mod meter;
#[path = "host/vm/tuning.rs"]
mod tuning;

const GUEST: &str = "runtime-guest/guest.wasm";
/// The same file as the published crate has it: cargo leaves nested packages out of an archive, but follows this link.
const PACKAGED_GUEST: &str = "host/guest.wasm";

/// The second level of the x86-64 psABI: every processor since 2009 has these, so the code loads on all of them and
/// not only on the machine that built it.
const X86_FEATURES: [&str; 5] = ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"];

fn main() {
    println!("cargo::rerun-if-changed={GUEST}");
    println!("cargo::rerun-if-changed=host/vm/tuning.rs");
    println!("cargo::rerun-if-changed=host/vm/data.rs");
    println!("cargo::rerun-if-changed=host/vm/meter.rs");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let target = env::var("TARGET").expect("cargo sets TARGET");

    let wasm = fs::read(GUEST)
        .or_else(|_| fs::read(PACKAGED_GUEST))
        .unwrap_or_else(|error| panic!("{GUEST}: {error}; `make guest` builds it"));
    let mut config = wasmtime::Config::new();
    tuning::shape(&mut config);
    config.strategy(wasmtime::Strategy::Cranelift);
    let hint = "to build for another processor than this one, enable the feature `cross`";
    config.target(&target).unwrap_or_else(|error| panic!("no native code for {target}: {error}; {hint}"));
    if target.starts_with("x86_64") {
        for feature in X86_FEATURES {
            // SAFETY: wasmtime refuses to load the code on a processor that lacks one of these.
            unsafe { config.cranelift_flag_enable(feature) };
        }
    }
    let engine =
        wasmtime::Engine::new(&config).unwrap_or_else(|error| panic!("no engine for {target}: {error:?}; {hint}"));
    let metered = meter::install(&wasm).unwrap_or_else(|error| panic!("{GUEST} cannot be metered: {error}"));
    let parts = data::split(&metered).unwrap_or_else(|error| panic!("{GUEST} cannot be taken apart: {error}"));
    let native =
        engine.precompile_module(&parts.code).unwrap_or_else(|error| panic!("{GUEST} does not compile: {error:?}"));

    // Programs and snapshots carry this identity, because the image decides what their bytecode and memory mean. The
    // meter and the engine leave no trace in them, so stored bytes stay readable when one of these is updated.
    let identity: [u8; 32] = Sha256::digest(&wasm).into();

    let write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    write("guest.native", &native);
    write("guest.memory", &parts.memory);
    write("guest.identity", &identity);
    println!("cargo::rustc-env=BELLJAR_GUEST_MEMORY_BYTES={}", parts.memory_bytes);
    println!("cargo::rustc-env=BELLJAR_TARGET={target}");
    println!("cargo::rustc-env=BELLJAR_ENGINE={}", tuning::ENGINE_VERSION);
    let features = if target.starts_with("x86_64") {
        X86_FEATURES.map(|name| &name["has_".len()..]).join(" ")
    } else {
        String::new()
    };
    println!("cargo::rustc-env=BELLJAR_FEATURES={features}");
    let checksum: String = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=BELLJAR_GUEST_SHA256={checksum}");
}
