//! The crate graph: ARCHITECTURE.md names every edge between our crates, `cargo metadata` says which exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Longest allowed chain of our own crates.
const CHAIN_MAX: usize = 6;

/// Edges by crate.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Compares the edges written in ARCHITECTURE.md with the real ones.
pub(crate) fn check(root: &Path, problems: &mut Vec<String>) {
    let Some(real) = real_edges(root) else {
        problems.push("cargo metadata failed".into());
        return;
    };
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let written = written_edges(&text);
    if written != real {
        for (name, edges) in &real {
            if written.get(name) != Some(edges) {
                let list = edges.iter().cloned().collect::<Vec<_>>().join(" ");
                problems.push(format!("ARCHITECTURE.md: the edges of `{name}` are really: {name} -> {list}"));
            }
        }
        for name in written.keys().filter(|name| !real.contains_key(*name)) {
            problems.push(format!("ARCHITECTURE.md: there is no crate `{name}`"));
        }
    }
    let chain = real.keys().map(|name| depth(&real, name)).max().unwrap_or(0);
    if chain > CHAIN_MAX {
        problems.push(format!("the longest chain of our crates is {chain}; {CHAIN_MAX} are allowed"));
    }
}

fn depth(edges: &Edges, name: &str) -> usize {
    1 + edges.get(name).into_iter().flatten().map(|next| depth(edges, next)).max().unwrap_or(0)
}

fn real_edges(root: &Path) -> Option<Edges> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    let mut edges = Edges::new();
    for package in metadata["packages"].as_array()? {
        let name = short(package["name"].as_str()?);
        if name == "xtask" {
            continue;
        }
        let own = package["dependencies"].as_array()?.iter().filter(|d| d["path"].is_string() && d["kind"].is_null());
        edges.insert(name, own.filter_map(|d| d["name"].as_str()).map(short).collect());
    }
    Some(edges)
}

fn short(name: &str) -> String {
    name.strip_prefix("clewline-").unwrap_or(name).to_owned()
}

/// Lines of the form `crate -> a b c` inside the block marked `edges`.
fn written_edges(text: &str) -> Edges {
    let block = text.split("```edges").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or("");
    let lines = block.lines().filter_map(|line| line.split_once("->"));
    lines.map(|(name, to)| (name.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_read_from_the_marked_block() {
        let edges = written_edges("x -> y\n```edges\na -> b c\nb ->\n```\nz -> q");
        assert_eq!(edges.len(), 2);
        assert_eq!(edges["a"].len(), 2);
        assert_eq!(depth(&edges, "a"), 2);
    }
}
