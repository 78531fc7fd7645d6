//! Why a file is refused as a whole, and why a row is rejected.
//!
//! The words are stored, shown and counted; they never change their meaning.

use std::io;

use crate::zip::ZipRefusal;

/// What ends the reading of a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file can never be an audience; its sender has to mend it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file could not be read; it may be, another time.
    #[error("the audience file could not be read")]
    Source(#[source] io::Error),
}

impl From<io::Error> for ReadError {
    /// A refusal that came as an error of the source, as what unpacks a file gives it, is one.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Refusal>() {
            Ok(refusal) => Self::Refused(refusal),
            Err(error) => Self::Source(error),
        }
    }
}

/// Why a file is refused. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no header.
    #[error("the file is empty: it needs a header with a column `user_id`")]
    Empty,
    /// The header has no `user_id`.
    #[error("the header has no column `user_id`; it has: {}", columns.join(", "))]
    NoUserId {
        /// The columns it has, at most the first ten.
        columns: Vec<String>,
    },
    /// A column's name is there twice.
    #[error("the header has the column `{column}` twice")]
    DuplicateColumn {
        /// The name, in lower case.
        column: String,
    },
    /// A column has no name.
    #[error("column {number} of the header has no name")]
    UnnamedColumn {
        /// Which column, from 1.
        number: usize,
    },
    /// A column's name is too long.
    #[error("the name of column {number} is longer than {limit} bytes")]
    ColumnNameTooLong {
        /// Which column, from 1.
        number: usize,
        /// The most bytes that a name has.
        limit: usize,
    },
    /// There are too many columns.
    #[error("the header has more than {limit} columns")]
    TooManyColumns {
        /// The most that there may be.
        limit: usize,
    },
    /// The bytes are not text of the file's encoding.
    #[error("byte {offset} of the file is not {encoding}")]
    Undecodable {
        /// Of the first byte of what cannot be decoded, from 0.
        offset: u64,
        /// The encoding that was given or found.
        encoding: &'static str,
    },
    /// UTF-16 was given, but the file does not begin with its byte order mark.
    #[error("the file is said to be UTF-16 but has no byte order mark")]
    NoByteOrderMark,
    /// A record is too long.
    #[error("the record that starts on line {line} is longer than {limit} bytes; is a quote not closed?")]
    RecordTooLong {
        /// Where it starts.
        line: u64,
        /// The most bytes that a record has.
        limit: usize,
    },
    /// The file ends inside quotes.
    #[error("the record that starts on line {line} has a quote that is never closed")]
    QuoteNotClosed {
        /// Where the record starts.
        line: u64,
    },
    /// There are too many lines.
    #[error("the file has more than {limit} lines")]
    TooManyLines {
        /// The most that there may be.
        limit: u64,
    },
    /// It came as ZIP, and cannot be unpacked.
    #[error(transparent)]
    Zip(#[from] ZipRefusal),
    /// The lists that the audience is made of leave no recipient. Whoever merges them finds it.
    #[error("no recipient is left: everybody is excluded, or nobody is included")]
    NobodyLeft,
    /// There are rows, or none, but no recipients. Whoever counts the rows finds it.
    #[error("no row of the file can be accepted; {rejected} were rejected")]
    NoRecipients {
        /// How many rows there are.
        rejected: u64,
    },
}

impl Refusal {
    /// The word that the API uses.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoUserId { .. } => "no_user_id",
            Self::DuplicateColumn { .. } => "duplicate_column",
            Self::UnnamedColumn { .. } => "unnamed_column",
            Self::ColumnNameTooLong { .. } => "column_name_too_long",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::Undecodable { .. } => "undecodable",
            Self::NoByteOrderMark => "no_byte_order_mark",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::QuoteNotClosed { .. } => "quote_not_closed",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::Zip(refusal) => refusal.as_str(),
            Self::NobodyLeft => "nobody_left",
            Self::NoRecipients { .. } => "no_recipients",
        }
    }
}

/// Why a row is rejected, in the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// It has more or fewer fields than the header.
    FieldCount,
    /// Its user id is empty.
    MissingUserId,
    /// Its user id has more than 128 bytes.
    UserIdTooLong,
    /// Its user id has control characters.
    UserIdInvalid,
    /// Its time zone is not an IANA name.
    UnknownTimeZone,
    /// Its locale is not a well-formed BCP 47 tag.
    UnknownLocale,
    /// Its variables have more than 2,048 bytes.
    VariablesTooLarge,
    /// Its user id was accepted before.
    Duplicate {
        /// The line of the accepted row.
        of_line: u32,
    },
}

impl Rejection {
    /// Every reason's word, in the order in which they are checked.
    pub const WORDS: [&'static str; 8] = [
        "field_count",
        "missing_user_id",
        "user_id_too_long",
        "user_id_invalid",
        "unknown_time_zone",
        "unknown_locale",
        "variables_too_large",
        "duplicate",
    ];

    /// The word that the report and the API use.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self.position()]
    }

    /// Its place in [`Self::WORDS`].
    pub(crate) fn position(self) -> usize {
        match self {
            Self::FieldCount => 0,
            Self::MissingUserId => 1,
            Self::UserIdTooLong => 2,
            Self::UserIdInvalid => 3,
            Self::UnknownTimeZone => 4,
            Self::UnknownLocale => 5,
            Self::VariablesTooLarge => 6,
            Self::Duplicate { .. } => 7,
        }
    }
}
