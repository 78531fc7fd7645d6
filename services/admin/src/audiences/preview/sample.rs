//! The first rows of a file, as they are understood.

use std::collections::BTreeMap;
use std::io::Read;

use audience::{
    AudienceReader, FileSettings, ReadError, Recipient, Rejection, Row, Summary, Unzip, ZipLimits,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::file::{Extent, NotHereYet};
use crate::error::Error;
use crate::schema;

/// Rows that are read.
const READ: u64 = 1_000;

/// Rows that are shown, and rejected ones.
const SHOWN: usize = 20;

/// What the start of a file tells.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sample {
    /// How the file is written, as it was given or found.
    #[schema(value_type = schema::Encoding)]
    encoding: audience::Encoding,
    /// What separates its fields, as it was given or found.
    #[schema(value_type = schema::Delimiter)]
    delimiter: audience::Delimiter,
    /// Its columns, in their order.
    columns: Vec<PreviewColumn>,
    /// The first rows.
    rows: Vec<PreviewRow>,
    /// The first of the rows that would be rejected, wherever they stand.
    rejected_rows: Vec<PreviewRow>,
    /// Rows that were read.
    read_rows: u64,
    /// Those of them that would become recipients.
    accepted: u64,
    /// Those that would not, by reason.
    rejected: BTreeMap<&'static str, u64>,
    /// Whether these are all rows of the file.
    is_whole: bool,
    /// Why the file would be refused, if that shows in these rows.
    refusal: Option<String>,
}

/// A column of a file.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewColumn {
    /// In lower case.
    name: String,
    /// What becomes of it.
    meaning: Meaning,
}

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Meaning {
    /// Who it is.
    UserId,
    /// The user's time zone.
    TimeZone,
    /// The user's language.
    Locale,
    /// A template variable.
    Variable,
}

/// A row as it is understood.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewRow {
    /// The line on which it starts; the header is line 1.
    line: u32,
    /// Empty where it has none.
    user_id: String,
    /// IANA name; `null` is the campaign's.
    time_zone: Option<&'static str>,
    /// BCP 47; `null` is the message's default.
    locale: Option<String>,
    /// Template variables; of a rejected row, none.
    variables: BTreeMap<String, String>,
    /// Why it would be rejected.
    reason: Option<&'static str>,
    /// Of a duplicate: the line that has the user already.
    of_line: Option<u32>,
}

impl Sample {
    /// Of a file's first bytes.
    pub(super) fn of(
        start: &[u8],
        extent: Extent,
        settings: FileSettings,
        limits: ZipLimits,
    ) -> Result<Self, Error> {
        match extent {
            Extent::Whole => Self::read(Unzip::new(start, limits), settings),
            Extent::Start => Self::read(Unzip::new(start.chain(NotHereYet), limits), settings),
        }
    }

    /// The names of the template variables.
    pub(super) fn variables(&self) -> Vec<String> {
        let columns = self.columns.iter();
        let variables = columns.filter(|column| column.meaning == Meaning::Variable);
        variables.map(|column| column.name.clone()).collect()
    }

    fn read(source: impl Read, settings: FileSettings) -> Result<Self, Error> {
        // Nothing is kept under the key, and nobody learns of a hash.
        let mut reader = AudienceReader::open(source, settings, [0; 16]).map_err(|error| match error {
            ReadError::Refused(refusal) => Error::FileRefused(refusal),
            ReadError::Source(_) => Error::invalid("body", "its first mebibyte does not tell its columns"),
        })?;
        let mut summary = Summary::default();
        let (mut rows, mut rejected_rows) = (Vec::new(), Vec::new());
        let (mut is_whole, mut refusal) = (false, None);
        while summary.rows() < READ {
            match reader.next_row() {
                Ok(Some(row)) => {
                    summary.count(&row);
                    if rows.len() < SHOWN {
                        rows.push(PreviewRow::of(&row));
                    }
                    if row.verdict.is_err() && rejected_rows.len() < SHOWN {
                        rejected_rows.push(PreviewRow::of(&row));
                    }
                }
                Ok(None) => {
                    is_whole = true;
                    break;
                }
                Err(ReadError::Refused(refused)) => {
                    refusal = Some(refused.to_string());
                    break;
                }
                // The start ends here.
                Err(ReadError::Source(_)) => break,
            }
        }
        Ok(Self {
            encoding: reader.encoding(),
            delimiter: reader.delimiter(),
            columns: reader
                .columns()
                .iter()
                .map(|name| PreviewColumn::of(name))
                .collect(),
            rows,
            rejected_rows,
            read_rows: summary.rows(),
            accepted: summary.accepted(),
            rejected: summary.reasons().collect(),
            is_whole,
            refusal,
        })
    }
}

impl PreviewColumn {
    fn of(name: &str) -> Self {
        let meaning = match name {
            "user_id" => Meaning::UserId,
            "time_zone" => Meaning::TimeZone,
            "locale" => Meaning::Locale,
            _ => Meaning::Variable,
        };
        Self {
            name: name.to_owned(),
            meaning,
        }
    }
}

impl PreviewRow {
    fn of(row: &Row<'_>) -> Self {
        let recipient = row.verdict.as_ref().ok();
        let variables = recipient
            .into_iter()
            .flat_map(|recipient: &Recipient<'_>| recipient.variables.iter());
        let rejection = row.verdict.as_ref().err();
        Self {
            line: row.line,
            user_id: row.user_id.to_owned(),
            time_zone: recipient
                .and_then(|recipient| recipient.time_zone)
                .map(|zone| zone.name()),
            locale: recipient
                .and_then(|recipient| recipient.locale)
                .map(str::to_owned),
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            reason: rejection.map(|rejection| rejection.as_str()),
            of_line: match rejection {
                Some(Rejection::Duplicate { of_line }) => Some(*of_line),
                Some(_) | None => None,
            },
        }
    }
}
