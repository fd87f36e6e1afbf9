//! A file of tests: what its first lines say about how it is run. It must never know what a jar is.

use std::path::{Component, Path, PathBuf};

/// One file.
pub(crate) struct Case {
    /// Its path in the checkout.
    pub(crate) path: String,
    /// Its text.
    pub(crate) source: String,
    variants: Vec<String>,
    /// The scripts to run before it, as paths in the checkout.
    pub(crate) scripts: Vec<String>,
}

/// Why files are left out, by a part of their path.
const LEFT_OUT: [(&str, &str); 14] = [
    ("idlharness", "needs a parser of interface definitions"),
    ("shadowrealm", "needs ShadowRealm"),
    ("stream", "needs streams"),
    ("/redirects/", "needs a network"),
    ("request-cache", "needs a network"),
    ("request-keepalive", "needs a network"),
    ("response-cancel", "needs streams"),
    ("legacy-mb-", "needs legacy encodings"),
    ("url-setters-a-area", "needs a document"),
    ("percent-encoding.window", "needs a document"),
    ("AES-", "needs other algorithms"),
    ("RSA", "needs other algorithms"),
    ("successes_EC", "needs other algorithms"),
    ("tentative", "is tentative"),
];

impl Case {
    /// Reads what a file says about itself.
    pub(crate) fn read(path: &str, source: &str) -> Case {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let mut case = Case { path: path.into(), source: source.into(), variants: Vec::new(), scripts: Vec::new() };
        for line in source.lines().take_while(|line| line.trim_start().starts_with("//") || line.trim().is_empty()) {
            let Some(meta) = line.trim_start().strip_prefix("// META:") else { continue };
            match meta.trim().split_once('=') {
                Some(("variant", variant)) => case.variants.push(variant.into()),
                Some(("script", script)) => case.scripts.push(resolve(folder, script)),
                _ => {}
            }
        }
        case
    }

    /// Why the file is not run, if it is not.
    pub(crate) fn skipped(&self) -> Option<&'static str> {
        LEFT_OUT.iter().find(|(part, _)| self.path.contains(part)).map(|(_, why)| *why)
    }

    /// The queries that the file is run with.
    pub(crate) fn variants(&self) -> Vec<&str> {
        if self.variants.is_empty() { vec![""] } else { self.variants.iter().map(String::as_str).collect() }
    }
}

/// The path in the checkout of what a file calls by a path of its own. It never leads out of the checkout.
pub(crate) fn resolve(folder: &Path, path: &str) -> String {
    let whole = match path.strip_prefix('/') {
        Some(path) => PathBuf::from(path),
        None => folder.join(path),
    };
    let mut parts = Vec::new();
    for part in whole.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}
