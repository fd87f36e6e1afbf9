//! Golden listings of the interfaces: the guest's imports and exports, and every public name of the library.
//!
//! `BELLJAR_BLESS=1` writes the listings again. A line that is removed or changed breaks users' code, so it belongs
//! in CHANGELOG.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::{Fields, ImplItem, Item, TraitItem, Type, UseTree, Visibility};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Compares a listing with the one in `tests/golden`, line by line.
#[track_caller]
fn assert_golden(name: &str, lines: &[String]) {
    let path = root().join("tests/golden").join(name);
    let found = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    if std::env::var_os("BELLJAR_BLESS").is_some() {
        fs::write(path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap();
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (expected.lines().collect(), found.lines().collect());
    let gone: Vec<_> = old.difference(&new).collect();
    let come: Vec<_> = new.difference(&old).collect();
    assert!(expected == found, "tests/golden/{name}\ngone: {gone:#?}\nnew: {come:#?}");
}

/// For a table larger than a page, wasmtime asks the kernel for changed pages each time an instance is dropped
/// (`benches/NOTES.md`, "Two threads").
#[test]
fn the_guests_table_fits_into_a_page() {
    const FITS: u64 = 4096 / 8;
    let wasm = fs::read(root().join("runtime-guest/guest.wasm")).unwrap();
    let tables = Parser::new(0).parse_all(&wasm).filter_map(|payload| match payload.unwrap() {
        Payload::TableSection(section) => Some(section.into_iter().map(|table| table.unwrap().ty.initial)),
        _ => None,
    });
    let entries: Vec<u64> = tables.flatten().collect();
    assert!(
        matches!(entries[..], [1..=FITS]),
        "{entries:?} entries, and {FITS} fit; functions.rs in the guest says how to save some"
    );
}

#[test]
fn the_guest_imports_and_exports_what_the_listing_says() {
    let wasm = fs::read(root().join("runtime-guest/guest.wasm")).unwrap();
    let (mut types, mut functions, mut globals, mut memories) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut lines = Vec::new();
    for payload in Parser::new(0).parse_all(&wasm) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map(|found| found.unwrap().to_string()));
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.unwrap();
                    let TypeRef::Func(index) = import.ty else { panic!("{import:?} is not a function") };
                    functions.push(index);
                    lines.push(format!("import {}.{} {}", import.module, import.name, types[index as usize]));
                }
            }
            Payload::FunctionSection(section) => functions.extend(section.into_iter().map(Result::unwrap)),
            Payload::GlobalSection(section) => globals.extend(section.into_iter().map(|global| global.unwrap().ty)),
            Payload::MemorySection(section) => memories.extend(section.into_iter().map(Result::unwrap)),
            Payload::StartSection { .. } => lines.push("start".into()),
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    let index = export.index as usize;
                    let what = match export.kind {
                        ExternalKind::Func => types[functions[index] as usize].clone(),
                        ExternalKind::Global => {
                            let global = globals[index];
                            format!("{}{}", if global.mutable { "mut " } else { "" }, global.content_type)
                        }
                        ExternalKind::Memory => format!("{} bits", if memories[index].memory64 { 64 } else { 32 }),
                        other => format!("{other:?}"),
                    };
                    lines.push(format!("export {} {what}", export.name));
                }
            }
            _ => {}
        }
    }
    assert_golden("guest.txt", &lines);
}

/// Tokens as readable text, precise enough to distinguish signatures.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" : ", ": "),
        (" ;", ";"),
        (" !", "!"),
        ("' ", "'"),
        (",)", ")"),
        (", >", ">"),
        ("# [", "#["),
        // Whether `self` is taken as `mut self` does not matter to callers; `&mut self` does.
        ("(mut self", "(self"),
    ] {
        text = text.replace(from, to);
    }
    text
}

#[test]
fn a_listing_tells_a_method_that_changes_its_value_from_one_that_reads_it() {
    let listed = |source: &str| text(&syn::parse_str::<syn::Signature>(source).unwrap());
    assert_eq!(listed("fn f(&mut self, n: &u8)"), "fn f(&mut self, n: &u8)");
    assert_eq!(listed("fn f(mut self)"), listed("fn f(self)"));
    assert_ne!(listed("fn f(&mut self)"), listed("fn f(&self)"));
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Attributes that matter to callers.
fn marks(attributes: &[syn::Attribute]) -> String {
    let matters = |attribute: &&syn::Attribute| {
        ["non_exhaustive", "must_use", "cfg", "derive"].iter().any(|name| attribute.path().is_ident(name))
    };
    attributes.iter().filter(matters).map(|attribute| format!(" {}", text(attribute))).collect()
}

fn exported(tree: &UseTree, path: &str, found: &mut Vec<(String, String)>) {
    match tree {
        UseTree::Path(next) => exported(&next.tree, &format!("{path}/{}", next.ident), found),
        UseTree::Group(group) => group.items.iter().for_each(|item| exported(item, path, found)),
        UseTree::Name(name) => found.push((path.trim_start_matches('/').into(), name.ident.to_string())),
        UseTree::Rename(_) | UseTree::Glob(_) => panic!("lib.rs names what it exports, one by one"),
    }
}

/// Puts the public types of an exported module in the place of its name.
fn unfold(names: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (module, name) in names {
        let path = root().join(format!("host/{module}/{name}.rs"));
        if !path.is_file() {
            all.push((module, name));
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
        for item in &file.items {
            match item {
                Item::Struct(item) if is_public(&item.vis) => {
                    all.push((format!("{module}/{name}"), item.ident.to_string()));
                }
                Item::Struct(_) | Item::Use(_) | Item::Impl(_) | Item::Const(_) => {}
                other => panic!("an exported module holds types: {}", text(&other)),
            }
        }
    }
    all
}

fn fields(of: &str, fields: &Fields, all: bool, lines: &mut Vec<String>) {
    for (number, field) in fields.iter().enumerate().filter(|(_, field)| all || is_public(&field.vis)) {
        let name = field.ident.as_ref().map_or_else(|| number.to_string(), ToString::to_string);
        lines.push(format!("{of}.{name}: {}", text(&field.ty)));
    }
}

/// Lists the definition of one exported name in one source.
fn describe(file: &syn::File, name: &str, lines: &mut Vec<String>) {
    let before = lines.len();
    for item in &file.items {
        match item {
            Item::Struct(item) if item.ident == name => {
                lines.push(format!("struct {name}{}{}", text(&item.generics), marks(&item.attrs)));
                fields(name, &item.fields, false, lines);
            }
            Item::Enum(item) if item.ident == name => {
                lines.push(format!("enum {name}{}{}", text(&item.generics), marks(&item.attrs)));
                for variant in &item.variants {
                    let variant_name = format!("{name}::{}", variant.ident);
                    lines.push(format!("{variant_name}{}", marks(&variant.attrs)));
                    fields(&variant_name, &variant.fields, true, lines);
                }
            }
            Item::Type(item) if item.ident == name => {
                lines.push(format!("type {name}{} = {}", text(&item.generics), text(&item.ty)));
            }
            Item::Const(item) if item.ident == name => lines.push(format!("const {name}: {}", text(&item.ty))),
            Item::Trait(item) if item.ident == name => {
                lines.push(format!("trait {name}{}{}", text(&item.generics), text(&item.supertraits)));
                for item in &item.items {
                    match item {
                        TraitItem::Fn(method) => lines.push(format!("{name}: {}", text(&method.sig))),
                        other => lines.push(format!("{name}: {}", text(other))),
                    }
                }
            }
            _ => {}
        }
    }
    assert!(lines.len() > before, "{name} is exported and was not found");
}

/// Lists the methods of exported types and their explicit trait implementations, in any file.
fn implementations(file: &syn::File, names: &BTreeSet<String>, lines: &mut Vec<String>) {
    for item in &file.items {
        let Item::Impl(item) = item else { continue };
        let Type::Path(owner) = &*item.self_ty else { continue };
        let Some(owner) = owner.path.segments.last().map(|segment| segment.ident.to_string()) else { continue };
        if !names.contains(&owner) {
            continue;
        }
        if let Some((_, implemented, _)) = &item.trait_ {
            lines.push(format!("impl {} for {}", text(implemented), text(&item.self_ty)));
            continue;
        }
        for member in &item.items {
            match member {
                ImplItem::Fn(function) if is_public(&function.vis) => {
                    lines.push(format!("{owner}: {}{}", text(&function.sig), marks(&function.attrs)));
                }
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    lines.push(format!("{owner}: const {}: {}", constant.ident, text(&constant.ty)));
                }
                _ => {}
            }
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match () {
            () if path.is_dir() => sources(&path, found),
            () if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            () => {}
        }
    }
    found.sort();
}

#[test]
fn every_public_name_is_in_the_listing() {
    let parse = |path: &Path| syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let mut names = Vec::new();
    for item in parse(&root().join("host/lib.rs")).items {
        match item {
            Item::Use(item) if is_public(&item.vis) => exported(&item.tree, "", &mut names),
            Item::Mod(item) => assert!(!is_public(&item.vis), "{} is a public module", item.ident),
            other => panic!("lib.rs holds an item of its own: {}", text(&other)),
        }
    }
    let names = unfold(names);
    let mut lines = Vec::new();
    for (module, name) in &names {
        describe(&parse(&root().join(format!("host/{module}.rs"))), name, &mut lines);
    }
    let names = names.into_iter().map(|(_, name)| name).collect();
    let mut files = Vec::new();
    sources(&root().join("host"), &mut files);
    files.iter().for_each(|path| implementations(&parse(path), &names, &mut lines));
    lines.sort();
    assert!(lines.len() > 100, "the listing is too short to be all");
    assert_golden("public-api.txt", &lines);
}

/// Names in the listing that are neither exported nor a variant: those of the standard library and serde, parameters,
/// and the private type that an attribute of serde names.
const KNOWN: [&str; 47] = [
    "Any",
    "Box",
    "Clone",
    "Copy",
    "Cow",
    "Default",
    "Deserialize",
    "DeserializeOwned",
    "Display",
    "Duration",
    "E",
    "Eq",
    "F",
    "Fn",
    "FnOnce",
    "From",
    "FromIterator",
    "FromStr",
    "Fut",
    "Future",
    "Hash",
    "Into",
    "IntoIterator",
    "Item",
    "Iterator",
    "K",
    "M",
    "Option",
    "Ord",
    "Output",
    "P",
    "PartialEq",
    "PartialOrd",
    "R",
    "Report",
    "Self",
    "Send",
    "Serialize",
    "Sized",
    "String",
    "Sync",
    "SystemTime",
    "V",
    "Written",
    "T",
    "UNDEFINED",
    "Vec",
];

/// The names of types and traits in a listing that are not of this crate, the standard library or serde.
fn foreign(listing: &str, exported: &BTreeSet<String>) -> BTreeSet<String> {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|one: char| !one.is_alphanumeric() && one != '_');
        parts.filter(|word| word.starts_with(|first: char| first.is_ascii_uppercase())).map(str::to_owned).collect()
    };
    let variants: BTreeSet<String> = listing
        .lines()
        .filter_map(|line| {
            line.split([' ', '.', ':']).nth(2).filter(|_| line.contains("::") && !line.contains(": fn "))
        })
        .map(str::to_owned)
        .collect();
    words(listing)
        .into_iter()
        .filter(|word| !exported.contains(word) && !variants.contains(word) && !KNOWN.contains(&word.as_str()))
        .collect()
}

fn exported_names() -> BTreeSet<String> {
    let lib = syn::parse_file(&fs::read_to_string(root().join("host/lib.rs")).unwrap()).unwrap();
    let mut names = Vec::new();
    for item in lib.items {
        if let Item::Use(item) = item
            && is_public(&item.vis)
        {
            exported(&item.tree, "", &mut names);
        }
    }
    unfold(names).into_iter().map(|(_, name)| name).collect()
}

#[test]
fn no_type_of_another_crate_is_public_but_those_of_serde() {
    let listing = fs::read_to_string(root().join("tests/golden/public-api.txt")).unwrap();
    assert_eq!(foreign(&listing, &exported_names()), BTreeSet::new());
}

#[test]
fn a_type_of_another_crate_is_found_by_its_bare_name() {
    let leak = "Runtime: fn store(&self) -> Store<Host>\nimpl From<Level> for ConsoleLevel";
    let found: Vec<String> = foreign(leak, &exported_names()).into_iter().collect();
    assert_eq!(found, ["Host", "Level", "Store"]);
}
