//! How far interrupted imports came, in one JSON file: `{"version":1,"imports":{"<path> -> <target>":{…}}}`.
//!
//! Written to a neighbour file and renamed, so a crash leaves the old or the new state. A finished import is removed:
//! importing the same file again is then a decision of the user, and the server recognises bodies it already has.

use super::source::Identity;
use crate::error::CliError;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A place to take up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Everything before this offset of the decompressed content is acknowledged.
    pub(crate) offset: u64,
    /// Number of the line that begins there.
    pub(crate) line: u64,
}

/// The state file.
#[derive(Debug, Clone)]
pub(crate) struct State {
    path: Option<PathBuf>,
}

impl State {
    /// State kept in `path`; without a path nothing is remembered.
    pub(crate) fn at(path: Option<PathBuf>) -> Self {
        State { path }
    }

    /// Where `key` stopped, provided the file is still the same one.
    pub(crate) fn position(&self, key: &str, identity: &Identity) -> Option<Position> {
        let imports = self.load();
        let entry = imports.get(key)?;
        let same = entry.get("size")?.as_u64()? == identity.size
            && entry.get("modified_ns")?.as_u64()? == identity.modified_ns
            && entry.get("fingerprint")?.as_str()? == format!("{:032x}", identity.fingerprint);
        same.then_some(Position { offset: entry.get("offset")?.as_u64()?, line: entry.get("line")?.as_u64()? })
    }

    /// Remembers how far `key` came.
    pub(crate) fn save(&self, key: &str, identity: &Identity, position: Position) -> Result<(), CliError> {
        self.change(|imports| {
            imports.insert(
                key.to_string(),
                json!({
                    "size": identity.size,
                    "modified_ns": identity.modified_ns,
                    "fingerprint": format!("{:032x}", identity.fingerprint),
                    "offset": position.offset,
                    "line": position.line,
                }),
            );
        })
    }

    /// Forgets `key`.
    pub(crate) fn remove(&self, key: &str) -> Result<(), CliError> {
        if self.load().contains_key(key) { self.change(|imports| drop(imports.remove(key))) } else { Ok(()) }
    }

    /// The imports on file; an absent or damaged file holds none.
    fn load(&self) -> Map<String, Value> {
        let text = self.path.as_deref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let document: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        document.get("imports").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), CliError> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut imports = self.load();
        change(&mut imports);
        let document = json!({ "version": 1, "imports": imports });
        write_renamed(path, &document.to_string()).map_err(|error| {
            CliError::failed_hint(
                format!("cannot keep the progress in {}: {error}", path.display()),
                "name another place with --state FILE",
            )
        })
    }
}

fn write_renamed(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&fresh, text)?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_same_file_only() {
        let folder = crate::import::tests::Folder::new("state");
        let state = State::at(Some(folder.path("deep/import.json")));
        let identity = Identity { size: 10, modified_ns: 5, fingerprint: 7 };
        assert_eq!(state.position("a", &identity), None);
        let position = Position { offset: 4, line: 2 };
        state.save("a", &identity, position).unwrap();
        state.save("b", &identity, Position::default()).unwrap();
        assert_eq!(state.position("a", &identity), Some(position));
        for changed in [
            Identity { size: 11, ..identity.clone() },
            Identity { modified_ns: 6, ..identity.clone() },
            Identity { fingerprint: 8, ..identity.clone() },
        ] {
            assert_eq!(state.position("a", &changed), None);
        }
        state.remove("a").unwrap();
        assert_eq!(state.position("a", &identity), None);
        assert!(state.position("b", &identity).is_some());
    }

    #[test]
    fn a_damaged_file_is_no_state() {
        let folder = crate::import::tests::Folder::new("damaged");
        let state = State::at(Some(folder.file("import.json", b"{\"imports\":[")));
        let identity = Identity { size: 1, modified_ns: 1, fingerprint: 1 };
        assert_eq!(state.position("a", &identity), None);
        state.save("a", &identity, Position { offset: 1, line: 1 }).unwrap();
        assert!(state.position("a", &identity).is_some());
    }
}
