//! The files that a script may import: those in the folder of the script and below it, and an import map.
//!
//! It owns the way from a name to a file. It must never read what is outside of the folder, whatever a script writes.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use belljar::{Import, Module, ModuleKind, Modules, RpcError};

use crate::ending::Refusal;
use crate::{language, source};

/// Modules from the folder of a script, or from the working folder for code that was typed.
///
/// # Errors
///
/// For an import map that cannot be read, or that is wrong.
pub(crate) fn modules(script: Option<&Path>, import_map: Option<&Path>, most_bytes: u64) -> Result<Modules, Refusal> {
    let modules = Modules::new();
    let modules = match import_map {
        Some(path) => {
            let bytes = source::file(path)?;
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| Refusal::usage(format!("{} is no import map: it is not UTF-8", path.display())))?;
            modules.import_map(text).map_err(|error| Refusal::from(error).in_file(path))?
        }
        None => modules,
    };
    let folder = script.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    Ok(modules.loader_sync(move |import: &Import| load(&folder, import, most_bytes)))
}

fn load(folder: &Path, import: &Import, most_bytes: u64) -> Result<Module, RpcError> {
    let refused = |code: &str, why: String| Err(RpcError::new(code, why));
    let shown = folder.display();
    // A name with a scheme is a URL. On systems with drives, one letter is a drive.
    if import.name().split_once(':').is_some_and(|(scheme, _)| scheme.len() > 1 && !scheme.contains(['/', '.'])) {
        return refused("module_not_found", format!("only files in {shown} can be imported"));
    }
    let is_relative = import.specifier().starts_with("./") || import.specifier().starts_with("../");
    let found = fs::canonicalize(folder).and_then(|root| Ok((fs::canonicalize(import.name())?, root)));
    let path: PathBuf = match found {
        // A link may lead out of the folder.
        Ok((path, root)) if path.starts_with(&root) => path,
        Ok(_) => return refused("module_not_found", format!("it is not in the folder of the script, {shown}")),
        Err(_) if is_relative => return refused("module_not_found", "there is no such file".into()),
        Err(_) => {
            return refused(
                "module_not_found",
                "there is no such package; bundle it into one file, and name that with --import-map".into(),
            );
        }
    };
    let bytes = match read(&path, most_bytes) {
        Ok(bytes) => bytes,
        Err(error) => return refused("module_not_found", format!("it cannot be read: {error}")),
    };
    if bytes.len() as u64 > most_bytes {
        return refused("module_not_found", format!("it is larger than the {most_bytes} bytes that a source may have"));
    }
    let Ok(text) = String::from_utf8(bytes) else { return refused("module_not_found", "it is not UTF-8".into()) };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    match import.kind() {
        ModuleKind::Text => Ok(Module::text(text)),
        _ => language::module(import.name(), text),
    }
}

/// The bytes of a file, and one more than the most if there are more.
fn read(path: &Path, most_bytes: u64) -> std::io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
