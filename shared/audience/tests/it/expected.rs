//! Three audience files with known results: UTF-8, CP932 and UTF-16, each with every kind of
//! wrong row. What is expected was worked out by another program.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use audience::Summary;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::open;

#[test]
fn the_utf_8_file_gives_what_is_expected() {
    assert_as_expected("audience-20k");
}

#[test]
fn the_cp932_file_gives_what_is_expected() {
    assert_as_expected("audience-cp932-2k");
}

#[test]
fn the_utf_16_file_gives_what_is_expected() {
    assert_as_expected("audience-utf16-1k");
}

fn assert_as_expected(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let file = File::open(folder.join(format!("{name}.csv"))).unwrap();
    let expected = fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();

    let (summary, accepted, report) = read(file);

    let reasons: BTreeMap<&str, u64> = summary.reasons().collect();
    assert_eq!(serde_json::json!(summary.rows()), expected["rows"]);
    assert_eq!(serde_json::json!(summary.accepted()), expected["accepted"]);
    assert_eq!(serde_json::json!(summary.rejected()), expected["rejected"]);
    assert_eq!(serde_json::json!(reasons), expected["reasons"]);
    assert_eq!(sha256_of(&accepted), expected["accepted_ids_sha256"]);
    assert_eq!(sha256_of(&report), expected["report_sha256"]);
}

/// The counts, the accepted ids by code point, and `line,reason` of every row.
fn read(file: File) -> (Summary, Vec<String>, Vec<String>) {
    let mut reader = open(file);
    let mut summary = Summary::default();
    let (mut accepted, mut report) = (Vec::new(), Vec::new());
    while let Some(row) = reader.next_row().unwrap() {
        summary.count(&row);
        let reason = match row.verdict {
            Ok(recipient) => {
                accepted.push(recipient.user_id.to_owned());
                "accepted"
            }
            Err(rejection) => rejection.as_str(),
        };
        report.push(format!("{},{reason}", row.line));
    }
    accepted.sort_unstable();
    (summary, accepted, report)
}

fn sha256_of(lines: &[String]) -> String {
    hex::encode(Sha256::digest(lines.join("\n")))
}
