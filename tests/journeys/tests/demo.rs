//! `noroshi demo`, as a newcomer runs it: the real binary, everything embedded, to the proof.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

use std::process::{Command, Output};

use journeys::binaries::binary;
use serde_json::Value;

/// What the object of `--json` has, and nothing else.
const NAMES: [&str; 14] = [
    "audience",
    "cancelled",
    "doubled",
    "expanded",
    "expired",
    "failed",
    "grants",
    "inconsistencies_open",
    "lost",
    "peak_rss_bytes",
    "rejected_rows",
    "sent",
    "skipped",
    "stages",
];

/// The demo in an empty directory, with nothing configured.
fn demo(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    Command::new(binary("noroshi"))
        .arg("demo")
        .args(arguments)
        .current_dir(directory.path())
        .output()
        .unwrap()
}

/// The one object on standard output, of a demo that ended well.
fn outcome(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = outcome.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, NAMES);
    outcome
}

/// Everybody got a push that is final and a coupon, once.
fn assert_balanced(outcome: &Value, audience: u64, rejected_rows: u64) {
    let count = |name: &str| outcome[name].as_u64().unwrap();
    let finals: u64 = ["sent", "failed", "skipped", "cancelled", "expired"]
        .map(count)
        .iter()
        .sum();

    assert_eq!(
        (count("audience"), count("rejected_rows")),
        (audience, rejected_rows)
    );
    assert_eq!((count("expanded"), finals), (audience, audience));
    assert_eq!(["lost", "doubled", "inconsistencies_open"].map(count), [0, 0, 0]);
    for stage in ["upload", "import", "devices", "fan-out", "deliver", "verify"] {
        let pace = &outcome["stages"][stage];
        assert!(
            pace["seconds"].is_f64() && pace["per_second"].is_f64(),
            "{stage}: {pace}"
        );
    }
}

#[test]
fn a_demo_delivers_to_every_made_up_user_and_says_so_in_one_object() {
    let output = demo(&["--users", "2000", "--json"]);

    let outcome = outcome(&output);
    assert_balanced(&outcome, 2_000, 0);
    assert_eq!(
        (&outcome["sent"], &outcome["grants"]),
        (&2_000.into(), &2_000.into())
    );
}

#[test]
fn a_demo_without_a_coupon_grants_none() {
    let output = demo(&["--users", "500", "--no-coupon", "--json"]);

    let outcome = outcome(&output);
    assert_balanced(&outcome, 500, 0);
    assert_eq!(outcome["grants"], 0);
}

#[test]
fn a_demo_of_a_file_with_bad_rows_delivers_to_the_good_ones() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/audience/tests/data/audience-20k.csv"
    );

    let output = demo(&["--csv", file, "--json"]);

    let outcome = outcome(&output);
    assert_balanced(&outcome, 18_288, 1_712);
    assert_eq!(outcome["grants"], 18_288);
}

#[test]
fn a_demo_of_a_file_that_is_no_audience_exits_with_64_and_prints_no_object() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("orders.csv");
    std::fs::write(&file, "order,amount\n1,2\n").unwrap();

    for file in [file.to_str().unwrap(), "no/such.csv"] {
        let output = demo(&["--csv", file, "--json"]);

        assert_eq!(output.status.code(), Some(64));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
