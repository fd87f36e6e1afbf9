//! The TypeScript of packages, which ship it beside the JavaScript that their compilers made of it. Both do the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use belljar::{Limits, Router, Runtime, Value};
use belljar_typescript::strip;

/// The texts of files, by their paths below a folder.
type Sources = BTreeMap<String, String>;

/// A package, the folder with its TypeScript, the file that is loaded there, the file that its compiler made of it, and
/// what is done with either.
const USED: [(&str, &str, &str, &str, &str); 13] = [
    (
        "@scure/base",
        "",
        "index.ts",
        "index.js",
        "[lib.base64.encode(new Uint8Array([1, 2, 250])), lib.base58.encode(new Uint8Array([0, 9, 255])), lib.bech32.encode('a', [1, 2, 3]), Array.from(lib.base32.decode('MFRGG===')), lib.hex.encode(new Uint8Array([171])), Object.keys(lib).filter(key => lib[key] !== undefined).sort()]",
    ),
    (
        "@noble/hashes",
        "src/",
        "sha2.ts",
        "sha2.js",
        "['sha256', 'sha224', 'sha384', 'sha512', 'sha512_256'].map(name => Array.from(lib[name](new Uint8Array(200).fill(7))))",
    ),
    (
        "@noble/hashes",
        "src/",
        "sha3.ts",
        "sha3.js",
        "[lib.sha3_256(new Uint8Array(3)), lib.keccak_512(new Uint8Array(300)), lib.shake128(new Uint8Array(5), { dkLen: 40 })].map(hash => Array.from(hash))",
    ),
    (
        "@noble/hashes",
        "src/",
        "sha3-addons.ts",
        "sha3-addons.js",
        "[lib.cshake128(new Uint8Array(3)), lib.kmac256(new Uint8Array(32), new Uint8Array(7)), lib.kt128(new Uint8Array(9))].map(hash => Array.from(hash))",
    ),
    (
        "@noble/hashes",
        "src/",
        "blake2.ts",
        "blake2.js",
        "[lib.blake2b(new Uint8Array(130)), lib.blake2s(new Uint8Array(3), { key: new Uint8Array(8) })].map(hash => Array.from(hash))",
    ),
    ("@noble/hashes", "src/", "blake3.ts", "blake3.js", "Array.from(lib.blake3(new Uint8Array(2000), { dkLen: 99 }))"),
    (
        "@noble/hashes",
        "src/",
        "blake1.ts",
        "blake1.js",
        "[lib.blake256(new Uint8Array(9)), lib.blake512(new Uint8Array(9))].map(hash => Array.from(hash))",
    ),
    (
        "@noble/hashes",
        "src/",
        "legacy.ts",
        "legacy.js",
        "[lib.sha1(new Uint8Array(9)), lib.md5(new Uint8Array(9)), lib.ripemd160(new Uint8Array(9))].map(hash => Array.from(hash))",
    ),
    (
        "@noble/hashes",
        "src/",
        "argon2.ts",
        "argon2.js",
        "Array.from(lib.argon2id(new Uint8Array(8), new Uint8Array(16), { t: 1, m: 64, p: 2 }))",
    ),
    (
        "@noble/hashes",
        "src/",
        "eskdf.ts",
        "eskdf.js",
        "[typeof lib.scrypt, typeof lib.eskdf, Object.keys(lib).filter(key => lib[key] !== undefined).sort()]",
    ),
    (
        "@noble/hashes",
        "src/",
        "utils.ts",
        "utils.js",
        "[lib.bytesToHex(lib.concatBytes(new Uint8Array([1]), new Uint8Array([255]))), lib.swap32IfBE(new Uint32Array([1]))[0], lib.isBytes([]), Object.keys(lib).filter(key => lib[key] !== undefined).sort()]",
    ),
    (
        "redux",
        "src/",
        "index.ts",
        "dist/redux.mjs",
        "(() => { const seen = [], store = lib.createStore(lib.combineReducers({ n: (n = 0, a) => a.type === 'add' ? n + a.by : n }), { n: 5 }, lib.applyMiddleware(() => next => a => (seen.push(a.type), next(a)))); store.subscribe(() => seen.push(store.getState().n)); lib.bindActionCreators({ add: by => ({ type: 'add', by }) }, store.dispatch).add(4); return [seen, store.getState(), lib.compose(x => x + 1, x => x * 2)(3), lib.isPlainObject({}), lib.isAction({ type: 'a' }), Object.keys(lib).filter(key => lib[key] !== undefined).sort()] })()",
    ),
    (
        "redux-thunk",
        "src/",
        "index.ts",
        "dist/redux-thunk.mjs",
        "lib.withExtraArgument(7)({ dispatch: 1, getState: () => 2 })(a => a)((d, get, extra) => [d, get(), extra])",
    ),
];

/// The folder with the packages, installed as the lock file says. None where there is no npm.
fn installed() -> Option<PathBuf> {
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages"), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let (to, lock) = (to.join("packages"), fs::read(from.join("package-lock.json")).unwrap());
    if fs::read(to.join("node_modules/lock")).is_ok_and(|there| there == lock) {
        return Some(to.join("node_modules"));
    }
    fs::create_dir_all(&to).unwrap();
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-fund", "--no-audit"]).current_dir(&to);
    let ended = npm.output().ok()?;
    assert!(ended.status.success(), "npm ci: {}", String::from_utf8_lossy(&ended.stderr));
    fs::write(to.join("node_modules/lock"), lock).unwrap();
    Some(to.join("node_modules"))
}

/// Every file below a folder with one of these endings.
fn files(folder: &Path, endings: &[&str]) -> Sources {
    let (mut found, mut folders) = (Sources::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) && !name.ends_with(".d.ts") {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn stripped(sources: Sources) -> Sources {
    let strip = |(name, source): (String, String)| {
        let left = strip(&source, &name).unwrap_or_else(|error| panic!("{error}")).into_owned();
        assert_eq!(left.len(), source.len(), "{name}");
        (name, left)
    };
    sources.into_iter().map(strip).collect()
}

/// What a package gives for an expression, and the names of the files that it was loaded from.
fn used(runtime: &Runtime, sources: &Sources, entry: &str, expression: &str) -> Value {
    let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
    jar.eval(include_str!("../packages/load.js").to_owned() + "; 0").unwrap();
    jar.dispatch("load", &(sources, entry, expression)).unwrap_or_else(|error| panic!("{entry}: {error:?}"))
}

#[test]
fn packages_do_the_same_without_their_types_as_compiled() {
    let Some(packages) = installed() else {
        eprintln!("there is no npm, so no packages");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let mut count = BTreeMap::new();
    for (package, folder, source, compiled, expression) in USED {
        let folder = packages.join(package).join(folder);
        let types = stripped(files(&folder, &[".ts"]));
        let scripts = files(&packages.join(package), &[".js", ".mjs"]);
        let left = used(&runtime, &types, source, expression);
        assert_eq!(left.as_str(), used(&runtime, &scripts, compiled, expression).as_str(), "{package} {source}");
        assert!(left.as_str().len() > 5, "{package} {source}: {left:?}");
        count.insert(package, types.len());
    }
    assert!(count.values().sum::<usize>() >= 20, "{count:?}");
}
