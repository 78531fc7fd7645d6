//! What stands in a report before its rows.

use std::collections::BTreeMap;

use archive::{Archive, Block};
use audience::REPORT_HEADER;
use database::audience::Progress;
use serde::Serialize;

use crate::Error;

/// `summary.json`.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    /// The audience's.
    name: &'a str,
    rows: u64,
    accepted: u64,
    rejected: u64,
    /// Rejected rows by reason.
    reasons: BTreeMap<String, u64>,
}

/// Begins the archive: the summary, and the rows' file with its header.
pub(super) fn begin(
    out: &mut Vec<u8>,
    archive: &mut Archive,
    name: &str,
    progress: &Progress,
) -> Result<(), Error> {
    let reasons: BTreeMap<String, u64> = serde_json::from_str(&progress.rejected)
        .map_err(|error| Error::stored("an audience's rejected rows", error))?;
    let rejected = reasons.values().sum();
    let summary = Summary {
        name,
        rows: progress.records,
        accepted: progress.records - rejected,
        rejected,
        reasons,
    };
    let mut text =
        serde_json::to_string_pretty(&summary).map_err(|error| Error::stored("a report's summary", error))?;
    text.push('\n');
    archive.begin(out, "summary.json", text.len() as u64);
    archive.push(out, &Block::deflate(text.as_bytes()));
    archive.end(out);
    archive.begin(out, "report.csv", most_bytes(progress));
    archive.push(out, &Block::deflate(REPORT_HEADER.as_bytes()));
    Ok(())
}

/// What the rows' file has at most: each user id is a field of the file, three bytes of UTF-8 for
/// one of its own, each of them a doubled quote; and beside it stand a line number, quotes and two
/// words.
fn most_bytes(progress: &Progress) -> u64 {
    6 * progress.read_bytes + 64 * progress.records
}
