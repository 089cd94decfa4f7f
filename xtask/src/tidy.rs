//! The rules of the house that a program can check.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Longest file, tests apart.
const FILE_LINES_MAX: usize = 600;

/// Names that say nothing.
const BANNED_NAMES: [&str; 5] = ["utils", "common", "helpers", "misc", "types"];

/// Marks of unfinished work.
const BANNED_WORDS: [&str; 4] = ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "unimplemente\u{64}!"];

/// Runs every check; prints each problem with its place.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut problems = Vec::new();
    crate::graph::check(root, &mut problems);
    for file in source_files(root) {
        check_file(root, &file, &mut problems);
    }
    check_dependencies(root, &mut problems);
    check_lock_files(root, &mut problems);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("tidy: all rules hold");
        ExitCode::SUCCESS
    } else {
        println!("tidy: {} problem(s)", problems.len());
        ExitCode::FAILURE
    }
}

fn source_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn check_file(root: &Path, file: &Path, problems: &mut Vec<String>) {
    let place = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let is_test = place.contains("/tests") || place.ends_with("tests.rs");
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
    let lines = code.lines().count();
    if !is_test && lines > FILE_LINES_MAX {
        problems.push(format!("{place}: {lines} lines; {FILE_LINES_MAX} are allowed, split it"));
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    if BANNED_NAMES.contains(&stem) {
        problems.push(format!("{place}: the name `{stem}` says nothing; name what it is about"));
    }
    if !is_test && !text.starts_with("//!") {
        problems.push(format!("{place}: the first line must say what the file is (`//! …`)"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(word) = BANNED_WORDS.iter().find(|word| line.contains(*word)) {
            problems.push(format!("{place}:{number}: `{word}`: finish it or write an issue"));
        }
    }
}

/// Every direct dependency has its sentence in docs/dependencies.md.
fn check_dependencies(root: &Path, problems: &mut Vec<String>) {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    let document = std::fs::read_to_string(root.join("docs/dependencies.md")).unwrap_or_default();
    let section =
        manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or("");
    for line in section.lines() {
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim();
        if !name.starts_with('#') && !name.starts_with("clewline-") && !document.contains(&format!("`{name}`")) {
            problems
                .push(format!("docs/dependencies.md: a sentence about `{name}` is missing (why, size, alternative)"));
        }
    }
}

/// Lock files name packages and versions, never where they were fetched from.
fn check_lock_files(root: &Path, problems: &mut Vec<String>) {
    for name in ["ui/package-lock.json", "e2e/js/package-lock.json"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        if text.contains("\"resolved\": \"http") {
            problems.push(format!(
                "{name}: `resolved` entries name a registry; install with omit-lockfile-registry-resolved"
            ));
        }
    }
}
