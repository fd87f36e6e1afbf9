.DEFAULT_GOAL := help
.PHONY: help guest verify-guest verify-fresh setup build test examples lint size bench bench-plot bench-peers test262 wpt fuzz fuzz-bounded fuzz-round sanitize bombs-peers check-platforms test-aarch64 test-musl sbom fixtures third-party package deny ci

# Every example, by the name of its file.
EXAMPLES := $(patsubst examples/%.rs,%,$(wildcard examples/*.rs))
FUZZ_TARGETS := $(patsubst fuzz/fuzz_targets/%.rs,%,$(wildcard fuzz/fuzz_targets/*.rs))
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# Where cargo compiles, whoever says so: a variable, a configuration file or cargo itself.
TARGET_FOLDER = $(shell cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
CHANNEL := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
GUEST_CRATE := --manifest-path runtime-guest/Cargo.toml
WIZEN_CRATE := --manifest-path runtime-guest/wizen/Cargo.toml

help: ## list what can be made
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

guest: ## build runtime-guest/guest.wasm from source with the pinned tools
	runtime-guest/build-guest.sh build

verify-guest: ## rebuild the guest elsewhere and compare it byte for byte with the committed one
	runtime-guest/build-guest.sh verify

verify-fresh: setup ## look at fresh instances in a machine that swaps, moves and merges pages; KERNEL=6.1 for an older one
	tests/fresh/run

# rustup installs nothing by itself where RUSTUP_AUTO_INSTALL is 0, and asks the network even for what is there.
setup: ## install the pinned toolchain if rustup is here and the toolchain is not
	@if command -v rustup >/dev/null && ! rustup which --toolchain $(CHANNEL) cargo-clippy >/dev/null 2>&1; then \
		rustup toolchain install $(CHANNEL) --no-self-update --profile minimal --component clippy --component rustfmt; \
	fi
	@if command -v rustup >/dev/null && ! rustup target list --toolchain $(CHANNEL) --installed | grep -qx wasm32-unknown-unknown; then \
		rustup target add --toolchain $(CHANNEL) wasm32-unknown-unknown; \
	fi

build: setup ## build the library and the command line tool
	cargo build --locked --package belljar --package belljar-cli

# Without native QuickJS, which asks for more of a crate that Cranelift stands on: so the build script's Cranelift serves here too.
test: setup ## install what is missing, then run every test and every example
	cargo test --locked --workspace
	cargo test --locked --package belljar-tests --no-default-features --features compiler,tracing --test it -- guest:: guests::
	@$(MAKE) --no-print-directory examples

# Of the whole workspace, so that the library which the tests have compiled serves the examples too.
# Systems for which nothing can be linked here. Only x86-64 is compiled for without the feature `cross`; the others share its compiler.
CHECKED := x86_64-apple-darwin aarch64-apple-darwin x86_64-pc-windows-msvc x86_64-pc-windows-gnu
add_target = if command -v rustup >/dev/null; then rustup target add --toolchain $(CHANNEL) $(1) 2>/dev/null; fi
STUB := $(CURDIR)/.ci/no-compiler

check-platforms: setup ## check the library and the command for macOS and Windows
	@set -e; for target in $(CHECKED); do \
		$(call add_target,$$target); \
		printf 'checking for %s\n' $$target; \
		TARGET_CC=$(STUB) TARGET_AR=$(STUB) cargo check --locked --quiet --target $$target \
			--package belljar --package belljar-cli --features belljar/cross; \
	done

# What a machine for that has: a linker, and where it is another processor something that runs the programs.
EMULATOR := qemu-aarch64 -L /usr/aarch64-linux-gnu
AARCH64 := CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$(EMULATOR)" BELLJAR_RUNNER="$(EMULATOR)"
# Which tests of the library run there, by parts of their names; everything if empty.
TESTS ?=
ELSEWHERE = --locked --package belljar --package belljar-tests --no-default-features --features belljar/cross --lib --test it -- $(TESTS)

test-aarch64: setup ## run the library's tests for Linux on aarch64 under qemu (Debian: qemu-user, gcc-aarch64-linux-gnu); TESTS=which
	@$(call add_target,aarch64-unknown-linux-gnu)
	$(AARCH64) cargo run --locked --target aarch64-unknown-linux-gnu --package belljar --features cross --example hello
	$(AARCH64) cargo test --target aarch64-unknown-linux-gnu $(ELSEWHERE)

test-musl: setup ## build for Linux with musl (Debian: musl-tools), run the command and the library's tests; TESTS=which
	@$(call add_target,x86_64-unknown-linux-musl)
	cargo run --locked --target x86_64-unknown-linux-musl --package belljar-cli --features belljar/cross -- -p '6 * 7'
	cargo test --target x86_64-unknown-linux-musl $(ELSEWHERE)

examples: setup ## run every example; each one checks its own claims
	cargo build --locked --workspace --examples
	@set -e; built=$(TARGET_FOLDER)/debug/examples; for name in $(EXAMPLES); do \
		printf '\n=== example %s\n' $$name; \
		$$built/$$name; \
	done

lint: setup ## check the format, clippy and the documentation, with every warning an error
	cargo fmt --all --check
	cargo fmt $(GUEST_CRATE) --check
	cargo fmt $(WIZEN_CRATE) --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --package belljar --package belljar-tests --all-targets --features belljar/compiler,belljar/tracing,belljar-tests/compiler,belljar-tests/tracing -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --package belljar --package belljar-abi --package belljar-typescript

# The guest's native code is the largest part of the command; what cargo keeps of older builds must not be mistaken for it.
size: setup ## build the command for release, and say how large it is and what of that is the guest
	cargo build --locked --release --package belljar-cli
	@bytes() { wc -c < "$$1" | tr -d ' '; }; \
	built=$(TARGET_FOLDER)/release; \
	binary=$$built/belljar; \
	guest=$$(ls -t $$built/build/belljar-*/out/guest.native | head -n 1); \
	printf 'belljar %s bytes, of which native code of the guest %s\n' $$(bytes $$binary) $$(bytes $$guest)

bench: setup ## measure belljar beside native QuickJS; also writes target/bench.json and target/bench.md
	cargo build --locked --release --package belljar-cli
	cargo bench --locked --package belljar-benches --bench native -- --json $(CURDIR)/target/bench.json

bench-plot: setup ## put what `make bench` measured into docs/bench.svg, docs/speed.md and benches/TABLE.md
	cargo bench --locked --quiet --package belljar-benches --bench picture -- \
		rows $(addprefix $(CURDIR)/,target/bench.json target/bench.md docs/bench.svg benches/TABLE.md docs/speed.md)

bench-peers: setup ## install other sandboxes and measure the same jobs in all; writes benches/PEERS.md and docs/peers.svg
	benches/peers/install
	cargo build --locked --release --package belljar-cli
	cargo bench --locked --quiet --package belljar-benches --bench peers -- --json $(CURDIR)/target/peers.json --page $(CURDIR)/benches/PEERS.md
	cargo bench --locked --quiet --package belljar-benches --bench picture -- peers $(CURDIR)/target/peers.json $(CURDIR)/docs/peers.svg

test262: setup ## run test262 natively and in a jar; DIR=its checkout, ARGS=options of the runner
	cargo run --locked --package belljar-conformance -- $(DIR) $(ARGS)

wpt: setup ## run web platform tests in a jar; DIR=their checkout, ARGS=options of the runner
	cargo run --locked --package belljar-wpt -- $(DIR) $(ARGS)

COMMAND = $(TARGET_FOLDER)/debug/belljar
SECONDS ?= 20

fuzz-bounded: setup ## run every fuzz target on stable Rust: its seeds and some mutations; BELLJAR_FUZZ=how many
	cargo build --locked --package belljar-cli
	BELLJAR=$(COMMAND) cargo test --locked --manifest-path fuzz/Cargo.toml

# Under AddressSanitizer, which looks into everything but the guest and native QuickJS.
fuzz: setup ## run one fuzz target with cargo-fuzz, which needs nightly Rust; TARGET=its name, SECONDS=how long
	cargo build --locked --package belljar-cli
	@mkdir -p fuzz/corpus/$(TARGET)
	BELLJAR=$(COMMAND) cargo +nightly fuzz run --dev --features fuzzing $(TARGET) fuzz/corpus/$(TARGET) fuzz/seeds/$(TARGET) \
		-- -max_total_time=$(SECONDS) -print_final_stats=1

# The pinned compiler has the sanitizer too, behind a switch. What the tests leak is meant to live as long as they, and one of them takes
# away the address space that a sanitizer needs.
sanitize: setup ## run the library's tests under AddressSanitizer; ARGS=which of them
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 \
		cargo test --locked --target $(HOST) --target-dir $(TARGET_FOLDER)/sanitize --package belljar --package belljar-tests --lib --test it \
		-- --skip machine::without_address_space $(ARGS)

fuzz-round: setup ## run every fuzz target for a short while: with cargo-fuzz where it is there, else as fuzz-bounded
	@if rustup toolchain list 2>/dev/null | grep -q '^nightly' && cargo fuzz --version >/dev/null 2>&1; then \
		for target in $(FUZZ_TARGETS); do $(MAKE) --no-print-directory fuzz TARGET=$$target || exit; done; \
	else \
		$(MAKE) --no-print-directory fuzz-bounded; \
	fi

bombs-peers: setup ## set the bombs off in other sandboxes too, and print the table
	benches/peers/run

sbom: ## write a bill of materials of the library and the command to target/sbom.txt
	@mkdir -p target
	cargo tree --locked --package belljar --package belljar-cli --edges normal,build --target all --prefix none \
		--format '{p} {l}' | sed 's| (.*/.*)||; s| (\*)$$||' | sort -u > target/sbom.txt
	@wc -l < target/sbom.txt

fixtures: setup ## keep a program, a snapshot and a recording of this build, for later builds to be tested with
	BELLJAR_FIXTURES=$(CURDIR)/tests/fixtures cargo test --locked --package belljar-tests --test it -- stability::what_this_build

third-party: ## write the notices of everything that the guest and the command hold to THIRD-PARTY.md
	third-party/collect > THIRD-PARTY.new && mv THIRD-PARTY.new THIRD-PARTY.md || { rm -f THIRD-PARTY.new; exit 1; }

package: setup ## pack every crate that is published, and build each from its own package in an empty folder
	.ci/package

deny: ## check licences, sources, duplicates and advisories of everything that is linked; needs cargo-deny
	cargo deny --locked --all-features check

ci: ## everything that decides whether a change is good; the same script as in CI
	.ci/run
