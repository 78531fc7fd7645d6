//! Rows on their way out of a statement.
//!
//! Columns are read by name and into one type, whatever the engine. A value that does not fit
//! its type was not written by this program, and is a fault.

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::error::Error;
use super::value::INSTANT_TEXT;

/// One row of an answer.
pub struct Row(pub(crate) EngineRow);

pub(crate) enum EngineRow {
    MySql(MySqlRow),
    Sqlite(SqliteRow),
}

impl Row {
    /// The value of `column`. [`Error::Fault`] if there is no such column or it holds something
    /// else.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        T::read(self, column)
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").finish_non_exhaustive()
    }
}

/// A type that a column can be read into; NULL needs an `Option`.
pub trait Column: Sized {
    /// Reads `column` of `row`.
    fn read(row: &Row, column: &str) -> Result<Self, Error> {
        Self::read_nullable(row, column)?.ok_or_else(|| Error::fault(format!("column {column} is NULL")))
    }

    /// Reads `column` of `row`, NULL as `None`.
    fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error>;
}

impl<T: Column> Column for Option<T> {
    fn read(row: &Row, column: &str) -> Result<Self, Error> {
        T::read_nullable(row, column)
    }

    fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error> {
        Ok(Some(T::read_nullable(row, column)?))
    }
}

/// Types that both drivers read by themselves. Unchecked, since the drivers' checks refuse JSON
/// as text and know nothing of SQLite's declared types; what does not fit fails to decode.
macro_rules! native {
    ($($type:ty)+) => {$(
        impl Column for $type {
            fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error> {
                match &row.0 {
                    EngineRow::MySql(row) => Ok(row.try_get_unchecked(column)?),
                    EngineRow::Sqlite(row) => Ok(row.try_get_unchecked(column)?),
                }
            }
        }
    )+};
}

native! { bool i64 String Vec<u8> Uuid }

impl Column for DateTime<Utc> {
    fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error> {
        match &row.0 {
            EngineRow::MySql(row) => Ok(row.try_get_unchecked(column)?),
            EngineRow::Sqlite(row) => {
                let text: Option<&str> = row.try_get_unchecked(column)?;
                text.map(|text| NaiveDateTime::parse_from_str(text, INSTANT_TEXT))
                    .transpose()
                    .map(|instant| instant.map(|instant| instant.and_utc()))
                    .map_err(|error| misfit(column, error))
            }
        }
    }
}

/// Gives types that are made of another column type, perhaps in vain, a reading of their own.
macro_rules! derived {
    ($($type:ty: |$raw:ident: $from:ty| $into:expr;)+) => {$(
        impl Column for $type {
            fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error> {
                let raw = <$from as Column>::read_nullable(row, column)?;
                raw.map(|$raw| $into).transpose().map_err(|error| misfit(column, error))
            }
        }
    )+};
}

derived! {
    u16: |raw: i64| u16::try_from(raw);
    u32: |raw: i64| u32::try_from(raw);
    u64: |raw: i64| u64::try_from(raw);
    campaign::CampaignId: |raw: Uuid| fitting(Self(raw));
    campaign::AudienceId: |raw: Uuid| fitting(Self(raw));
    campaign::ReportId: |raw: Uuid| fitting(Self(raw));
    campaign::CouponId: |raw: Uuid| fitting(Self(raw));
    campaign::IntentId: |raw: Uuid| fitting(Self(raw));
    campaign::InconsistencyId: |raw: Uuid| fitting(Self(raw));
    campaign::LeaseToken: |raw: Uuid| fitting(Self(raw));
    campaign::CampaignState: |raw: String| Self::parse(&raw).ok_or_else(|| unknown_word(&raw));
    campaign::CanaryState: |raw: String| Self::parse(&raw).ok_or_else(|| unknown_word(&raw));
    campaign::Lane: |raw: String| Self::parse(&raw).ok_or_else(|| unknown_word(&raw));
}

impl<const N: usize> Column for [u8; N] {
    fn read_nullable(row: &Row, column: &str) -> Result<Option<Self>, Error> {
        let raw = Vec::<u8>::read_nullable(row, column)?;
        raw.map(Self::try_from)
            .transpose()
            .map_err(|raw| misfit(column, format!("{} bytes in place of {N}", raw.len())))
    }
}

fn unknown_word(word: &str) -> String {
    format!("unknown word {word:?}")
}

fn fitting<T>(value: T) -> Result<T, std::convert::Infallible> {
    Ok(value)
}

fn misfit(column: &str, error: impl std::fmt::Display) -> Error {
    Error::fault(format!("column {column}: {error}"))
}
