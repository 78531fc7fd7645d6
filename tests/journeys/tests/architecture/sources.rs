//! The shape of source files: each opens with what it promises, and none grows without end.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ROOT;

/// The folders that hold Rust sources.
const FOLDERS: &[&str] = &["jobs", "services", "shared", "tests"];

/// A file that comes near this has long had two reasons to change.
const LINES: usize = 450;

#[test]
fn every_source_file_opens_with_a_promise_and_stays_readable() {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&Path::new(ROOT).join(folder), &mut files);
    }
    files.sort();
    assert!(
        files.len() > FOLDERS.len(),
        "the sources are not where they are looked for"
    );

    let complaints: Vec<_> = files
        .iter()
        .flat_map(|path| {
            let source = fs::read_to_string(path).expect("a source file is readable UTF-8");
            let name = path
                .strip_prefix(ROOT)
                .expect("it was found below the root")
                .display()
                .to_string();
            of_source(&name, &source)
        })
        .collect();

    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources is readable") {
        let path = entry.expect("an entry of a readable folder is readable").path();
        // Build output of a package that was built on its own, and foreign packages.
        let foreign = path
            .file_name()
            .is_some_and(|name| name == "target" || name == "node_modules");
        if path.is_dir() && !foreign {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn of_source(name: &str, source: &str) -> Vec<String> {
    let lines = source.lines().count();
    let mut complaints = Vec::new();
    if !source.starts_with("//!") {
        complaints.push(format!("{name}: open it with `//!` and what it promises"));
    }
    if lines > LINES {
        complaints.push(format!(
            "{name}: {lines} lines, more than {LINES}; split it by reason to change"
        ));
    }
    complaints
}

mod bad_examples {
    use super::*;

    #[test]
    fn a_file_without_a_promise_is_found() {
        assert_eq!(
            of_source("a.rs", "use std::fs;\n"),
            ["a.rs: open it with `//!` and what it promises"]
        );
    }

    #[test]
    fn a_file_of_many_lines_is_found() {
        let longest = "//! Lines.\n".repeat(LINES);

        assert!(of_source("a.rs", &longest).is_empty());
        assert_eq!(
            of_source("a.rs", &format!("{longest}\n")),
            ["a.rs: 451 lines, more than 450; split it by reason to change"]
        );
    }
}
