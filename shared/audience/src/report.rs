//! What became of a file: counts by reason, and a report with one line a row.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{Rejection, Row};

/// Counts of an audience file's rows. As JSON, part of how far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    accepted: u64,
    rejected: [u64; Rejection::WORDS.len()],
}

impl Summary {
    /// Counts one more row.
    pub fn count(&mut self, row: &Row<'_>) {
        match row.verdict {
            Ok(_) => self.accepted += 1,
            Err(rejection) => self.rejected[rejection.position()] += 1,
        }
    }

    /// Moves so many of the accepted rows to the duplicates: those of which it was found later.
    #[must_use]
    pub fn with_duplicates(&self, duplicates: u64) -> Self {
        let mut summary = self.clone();
        summary.accepted = summary.accepted.saturating_sub(duplicates);
        summary.rejected[Rejection::Duplicate { of_line: 0 }.position()] += duplicates;
        summary
    }

    /// How many rows became recipients.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many did not.
    pub fn rejected(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// How many rows there were.
    pub fn rows(&self) -> u64 {
        self.accepted + self.rejected()
    }

    /// How many were rejected for which reason, for every reason that occurred.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Rejection::WORDS.into_iter().zip(self.rejected);
        counts.filter(|(_, count)| *count > 0)
    }
}

/// The first line of a row report.
pub const REPORT_HEADER: &str = "line,user_id,result,reason\r\n";

/// Appends a row's line of the report: `line,user_id,result,reason`, with a reason where the
/// row is rejected.
///
/// The report is made to be opened in a spreadsheet: a user id that begins like a formula is
/// prefixed with an apostrophe.
pub fn write_report_line(report: &mut String, row: &Row<'_>) {
    write!(report, "{},", row.line).expect("a string takes whatever is written");
    write_cell(report, row.user_id);
    match row.verdict {
        Ok(_) => report.push_str(",accepted,\r\n"),
        Err(rejection) => {
            report.push_str(",rejected,");
            report.push_str(rejection.as_str());
            report.push_str("\r\n");
        }
    }
}

fn write_cell(report: &mut String, text: &str) {
    let is_quoted = text.contains(['"', ',', '\r', '\n']);
    if is_quoted {
        report.push('"');
    }
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        report.push('\'');
    }
    if is_quoted {
        report.push_str(&text.replace('"', "\"\""));
        report.push('"');
    } else {
        report.push_str(text);
    }
}
