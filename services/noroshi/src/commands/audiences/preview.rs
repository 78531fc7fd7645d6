//! Shows what a file will be understood as.

use std::collections::BTreeMap;

use runtime::ExitCode;
use serde::Deserialize;

use super::PreviewArguments;
use super::file::LocalFile;
use crate::api::{Api, Error};
use crate::commands::on_api::show;
use crate::table::{Table, count, plain};

/// What the API says of a file's start.
#[derive(Debug, Deserialize)]
struct Preview {
    encoding: String,
    delimiter: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    rejected_rows: Vec<Row>,
    read_rows: u64,
    accepted: u64,
    rejected: BTreeMap<String, u64>,
    is_whole: bool,
    refusal: Option<String>,
    missing_variables: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    meaning: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    line: u64,
    user_id: String,
    time_zone: Option<String>,
    locale: Option<String>,
    variables: BTreeMap<String, String>,
    reason: Option<String>,
}

pub(super) async fn run(api: &Api, arguments: PreviewArguments) -> Result<ExitCode, Error> {
    let start = LocalFile::open(&arguments.file).await?.read(0).await?;
    let mut request = api
        .post("/audiences/preview")
        .query(&[("campaign", arguments.campaign)]);
    for setting in arguments.settings.words() {
        request = request.query(&[setting]);
    }
    let request = request
        .header("content-type", "application/octet-stream")
        .body(start);
    let previewed = api.document("the preview", request).await?;
    show(&previewed, arguments.json, |preview: &Preview| {
        preview.to_string()
    })
}

impl std::fmt::Display for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self
            .columns
            .iter()
            .map(|column| format!("{} ({})", plain(&column.name), column.meaning.replace('_', " ")));
        writeln!(
            f,
            "{}, separated by {}; columns: {}\n",
            self.encoding,
            self.delimiter,
            columns.collect::<Vec<_>>().join(", ")
        )?;
        writeln!(f, "{}\n", table(&self.rows))?;
        let of = if self.is_whole { "" } else { "the first " };
        write!(
            f,
            "Of {of}{} rows, {} would be accepted.",
            count(self.read_rows),
            count(self.accepted)
        )?;
        for (reason, rows) in &self.rejected {
            write!(
                f,
                "\n{} would be rejected: {}",
                count(*rows),
                reason.replace('_', " ")
            )?;
        }
        if !self.rejected_rows.is_empty() {
            write!(f, "\n\n{}", table(&self.rejected_rows))?;
        }
        if let Some(refusal) = &self.refusal {
            write!(f, "\n\nThe file would be refused: {}", plain(refusal))?;
        }
        if !self.missing_variables.is_empty() {
            write!(
                f,
                "\n\nThe message names variables that it does not have: {}",
                self.missing_variables.join(", ")
            )?;
        }
        Ok(())
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::with_header(["LINE", "USER", "ZONE", "LOCALE", "VARIABLES", "REJECTED"]);
    for row in rows {
        let variables = row
            .variables
            .iter()
            .map(|(name, value)| format!("{}={}", plain(name), plain(value)));
        table.row([
            &row.line,
            &plain(&row.user_id),
            &row.time_zone.as_deref().unwrap_or_default(),
            &row.locale.as_deref().map(plain).unwrap_or_default(),
            &variables.collect::<Vec<_>>().join(" "),
            &row.reason.as_deref().unwrap_or_default().replace('_', " "),
        ]);
    }
    table
}
