//! From what an import says to the name of a module: relative paths, URLs, import maps.
//!
//! Names are paths below a folder without a name, as in `lib/tax.js`, or URLs. It must never know where modules come
//! from.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::excerpt;
use crate::reply::RpcError;

/// The longest specifier and the longest name.
const NAME_BYTES: usize = 4096;

/// What a parsed import map holds.
#[derive(Clone, Debug, Default)]
pub(super) struct ImportMap {
    imports: BTreeMap<String, Option<String>>,
    /// By the prefix of the importer's name.
    scopes: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

/// An import map as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    imports: BTreeMap<String, Option<String>>,
    #[serde(default)]
    scopes: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Hashes, which browsers check. The texts here are the embedder's.
    #[serde(default, rename = "integrity")]
    _integrity: BTreeMap<String, String>,
}

impl ImportMap {
    pub(super) fn parse(json: &str) -> Result<ImportMap, String> {
        // serde would take a list for the members in their order.
        if !json.trim_start().starts_with('{') {
            return Err("it is no JSON object".into());
        }
        let written: Written = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let scopes = written.scopes.into_iter().map(|(scope, imports)| Ok((name_of(&scope)?, entries(imports)?)));
        Ok(ImportMap { imports: entries(written.imports)?, scopes: scopes.collect::<Result<_, String>>()? })
    }

    /// What the map says about a specifier; None for nothing.
    fn look_up(&self, specifier: &str, importer: &str) -> Option<Result<String, RpcError>> {
        let is_in = |scope: &str| {
            importer == scope || (scope.is_empty() || scope.ends_with('/')) && importer.starts_with(scope)
        };
        let mut scopes: Vec<_> = self.scopes.iter().filter(|(scope, _)| is_in(scope)).collect();
        scopes.sort_by_key(|(scope, _)| std::cmp::Reverse(scope.len()));
        scopes.into_iter().map(|(_, imports)| imports).chain([&self.imports]).find_map(|map| find(map, specifier))
    }
}

/// The entries with their specifiers and names made absolute.
fn entries(written: BTreeMap<String, Option<String>>) -> Result<BTreeMap<String, Option<String>>, String> {
    let entry = |(key, name): (String, Option<String>)| {
        let name = name.map(|name| {
            if key.ends_with('/') && !name.ends_with('/') {
                return Err(format!(
                    "{} ends in a slash, and {} does not",
                    excerpt::quoted(&key),
                    excerpt::quoted(&name)
                ));
            }
            name_of(&name)
        });
        Ok((if is_relative(&key) { name_of(&key)? } else { key }, name.transpose()?))
    };
    written.into_iter().map(entry).collect()
}

/// A name in an import map, which is relative to the folder in which names begin.
fn name_of(written: &str) -> Result<String, String> {
    let name = if is_relative(written) { join("", written) } else { clean(written) };
    name.map_err(|error| error.message().to_owned())
}

fn find(map: &BTreeMap<String, Option<String>>, specifier: &str) -> Option<Result<String, RpcError>> {
    let forbidden = || invalid("the import map forbids it");
    if let Some(name) = map.get(specifier) {
        return Some(name.clone().ok_or_else(forbidden));
    }
    let behind = |key: &str| specifier.strip_prefix(key).filter(|_| key.ends_with('/'));
    let entries = map.iter().filter_map(|(key, folder)| Some((key, folder, behind(key)?)));
    let (_, folder, rest) = entries.max_by_key(|(key, _, _)| key.len())?;
    Some(folder.as_ref().ok_or_else(forbidden).and_then(|folder| {
        let name = clean(&format!("{folder}{rest}"))?;
        if name.starts_with(folder) { Ok(name) } else { Err(invalid("it leaves the folder that the import map names")) }
    }))
}

/// The name of what a module or script imports.
pub(super) fn resolve(map: Option<&ImportMap>, specifier: &str, importer: &str) -> Result<String, RpcError> {
    check(specifier)?;
    let is_absolute = specifier.starts_with('/');
    let absolute = if is_relative(specifier) { join(importer, specifier)? } else { specifier.to_owned() };
    match map.and_then(|map| map.look_up(&absolute, importer)) {
        Some(name) => name,
        None if is_absolute => Err(invalid("an absolute path cannot be imported; begin it with `./`")),
        None => clean(&absolute),
    }
}

fn is_relative(specifier: &str) -> bool {
    specifier.starts_with("./") || specifier.starts_with("../")
}

/// A name without `.` and `..` between its slashes. Refuses what is no path below the folder in which names begin, and
/// no URL.
pub(super) fn clean(name: &str) -> Result<String, RpcError> {
    check(name)?;
    let (origin, path) = split(name);
    if origin.is_empty() && path.contains('\\') {
        return Err(invalid("a path has slashes, and no backslashes"));
    }
    // A URL such as `node:fs` or `data:…` has no folders.
    if !origin.is_empty() && !origin.ends_with('/') {
        return Ok(name.to_owned());
    }
    Ok(format!("{origin}{}", segments(path.split('/'))?.join("/")))
}

/// A relative specifier of an importer.
fn join(importer: &str, specifier: &str) -> Result<String, RpcError> {
    let (origin, path) = split(importer);
    if !origin.is_empty() && !origin.ends_with('/') {
        return Err(invalid("the importer's URL has no folders"));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = folder.split('/').filter(|segment| !segment.is_empty());
    clean(&format!("{origin}{}", segments(folder.chain(specifier.split('/')))?.join("/")))
}

/// The part of a name in front of its path: empty for a path, `/` for an absolute one, `https://host/` or `node:` for a
/// URL. Scripts of an embedder can have absolute names, and what they import relatively has too.
fn split(name: &str) -> (&str, &str) {
    if let Some(path) = name.strip_prefix('/') {
        return ("/", path);
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|one| one.is_ascii_alphanumeric() || "+-.".contains(one))
    };
    let Some((scheme, rest)) = name.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else { return ("", name) };
    let origin = match rest.strip_prefix("//") {
        Some(rest) => scheme.len() + 3 + rest.find('/').map_or(rest.len(), |at| at + 1),
        None => scheme.len() + 1,
    };
    name.split_at(origin)
}

fn segments<'a>(path: impl Iterator<Item = &'a str>) -> Result<Vec<&'a str>, RpcError> {
    let mut segments = Vec::new();
    for segment in path {
        match segment {
            "." => {}
            ".." => {
                if segments.pop().is_none() {
                    return Err(invalid("it leaves the folder in which the modules are"));
                }
            }
            segment => segments.push(segment),
        }
    }
    Ok(segments)
}

fn check(specifier: &str) -> Result<(), RpcError> {
    if specifier.len() > NAME_BYTES {
        return Err(invalid(&format!("its {} bytes are over the limit of {NAME_BYTES}", specifier.len())));
    }
    if specifier.is_empty() {
        return Err(invalid("it is empty"));
    }
    if specifier.chars().any(char::is_control) {
        return Err(invalid("it holds a control character"));
    }
    Ok(())
}

fn invalid(why: &str) -> RpcError {
    RpcError::new("invalid_specifier", why)
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test that cannot go on should stop there")]
mod tests {
    use super::*;

    fn name(specifier: &str, importer: &str) -> String {
        resolve(None, specifier, importer).unwrap_or_else(|error| format!("! {}", error.message()))
    }

    #[test]
    fn relative_specifiers_are_joined_to_the_folder_of_the_importer() {
        assert_eq!(name("./b.js", "a.js"), "b.js");
        assert_eq!(name("./b.js", "lib/a.js"), "lib/b.js");
        assert_eq!(name("../b.js", "lib/deep/a.js"), "lib/b.js");
        assert_eq!(name("./x/../y/./b.js", "lib/a.js"), "lib/y/b.js");
        assert_eq!(name("../b.js", "https://cdn.example/lib/deep/a.js"), "https://cdn.example/lib/b.js");
        assert_eq!(name("../b.js", "/srv/rules/deep/a.js"), "/srv/rules/b.js");
        assert_eq!(name("lodash", "lib/a.js"), "lodash");
        assert_eq!(name("node:fs", "lib/a.js"), "node:fs");
        assert_eq!(name("https://cdn.example/a/../b.js", "a.js"), "https://cdn.example/b.js");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for (specifier, importer) in [
            ("../b.js", "a.js"),
            ("./../../b.js", "lib/a.js"),
            ("./x/../../../b.js", "lib/a.js"),
            ("lib/../../b.js", "a.js"),
            ("..", "a.js"),
            ("../b.js", "https://cdn.example/a.js"),
        ] {
            assert_eq!(name(specifier, importer), "! it leaves the folder in which the modules are", "{specifier}");
        }
        assert!(name("/etc/passwd", "a.js").starts_with("! an absolute path"));
        assert!(name("..\\b.js", "a.js").starts_with("! a path has slashes"));
        assert!(name("./a\0b.js", "a.js").starts_with("! it holds a control"));
        assert!(name("", "a.js").starts_with("! it is empty"));
        assert!(name(&"x".repeat(10 << 20), "a.js").starts_with("! its 10485760 bytes"));
        assert!(name("./b.js", "data:text/javascript,1").starts_with("! the importer's URL"));
        // What is percent-encoded is not decoded here, and so names a folder of that name.
        assert_eq!(name("./%2e%2e/b.js", "a.js"), "%2e%2e/b.js");
    }

    #[test]
    fn import_maps_know_names_folders_and_scopes() {
        let map = ImportMap::parse(
            r#"{
                "imports": { "a": "./vendor/a.js", "lib/": "./vendor/lib/", "lib/special": "./special.js", "./old.js": "./new.js",
                             "gone": null },
                "scopes": { "./legacy/": { "a": "./vendor/a1.js" }, "./legacy/deep/": { "a": "https://cdn.example/a.js" } }
            }"#,
        )
        .expect("the map is sound");
        let name = |specifier: &str, importer: &str| {
            resolve(Some(&map), specifier, importer).unwrap_or_else(|error| format!("! {}", error.message()))
        };
        assert_eq!(name("a", "main.js"), "vendor/a.js");
        assert_eq!(name("a", "legacy/x.js"), "vendor/a1.js");
        assert_eq!(name("a", "legacy/deep/x.js"), "https://cdn.example/a.js");
        assert_eq!(name("lib/x/y.js", "main.js"), "vendor/lib/x/y.js");
        assert_eq!(name("lib/special", "main.js"), "special.js");
        assert_eq!(name("./old.js", "main.js"), "new.js");
        assert_eq!(name("./old.js", "sub/main.js"), "sub/old.js");
        assert_eq!(name("gone", "main.js"), "! the import map forbids it");
        assert_eq!(name("other", "main.js"), "other");
        assert_eq!(name("lib/../../x.js", "main.js"), "! it leaves the folder that the import map names");
    }

    #[test]
    fn wrong_import_maps_say_what_is_wrong() {
        for (json, why) in [
            ("[]", "no JSON object"),
            (r#"{ "import": {} }"#, "unknown field `import`"),
            (r#"{ "imports": { "a/": "./a" } }"#, "ends in a slash"),
            (r#"{ "imports": { "a": "../a" } }"#, "leaves the folder"),
            (r#"{ "imports": { "a": 1 } }"#, "invalid type"),
        ] {
            let error = ImportMap::parse(json).expect_err(json);
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
