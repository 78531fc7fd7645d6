//! The header: which columns a file has, and by what its fields are separated.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::records::Records;
use super::text::{BLOCK, Encoding, Text};
use crate::{ReadError, Refusal};

/// The most columns of a file.
pub(super) const MAX_COLUMNS: usize = 64;

/// The longest column name, in bytes.
const MAX_COLUMN_NAME_BYTES: usize = 128;

/// What separates the fields of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// A tab character.
    Tab,
    /// `;`
    Semicolon,
}

impl Delimiter {
    const ALL: [Self; 3] = [Self::Comma, Self::Tab, Self::Semicolon];

    pub(super) fn as_byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Semicolon => b';',
        }
    }
}

/// Where which column stands.
#[derive(Debug)]
pub(super) struct Columns {
    /// The header: every column's name, in lower case.
    pub(super) header: Vec<String>,
    pub(super) user_id: usize,
    pub(super) time_zone: Option<usize>,
    pub(super) locale: Option<usize>,
    /// All the others, in their order.
    pub(super) variables: Vec<usize>,
    /// Their names.
    pub(super) names: Vec<String>,
}

/// Finds the delimiter by the start of the text: the one that gives the header a `user_id`,
/// and of several the one that gives it the most columns. Consumes nothing.
pub(super) fn find_delimiter<R: Read>(text: &mut Text<R>) -> Result<Delimiter, ReadError> {
    while text.rest().len() < BLOCK && text.decode_more()? {}
    let sample = &text.rest()[..text.rest().len().min(BLOCK)];
    let mut found = (Delimiter::Comma, 0);
    for delimiter in Delimiter::ALL {
        let columns = count_columns(sample, delimiter);
        if columns > found.1 {
            found = (delimiter, columns);
        }
    }
    Ok(found.0)
}

/// How many columns a header with `user_id` has under that delimiter; else none.
fn count_columns(sample: &[u8], delimiter: Delimiter) -> usize {
    let mut records = Records::new(
        Text::new(sample, Some(Encoding::Utf8)),
        delimiter.as_byte(),
        MAX_COLUMNS,
    );
    let Ok(Some(header)) = records.next_record() else {
        return 0;
    };
    let mut names = (0..header.count).map_while(|position| header.field(position));
    if names.any(|name| name.eq_ignore_ascii_case("user_id")) {
        header.count
    } else {
        0
    }
}

impl Columns {
    /// Reads the header off the front of the records.
    pub(super) fn read<R: Read>(records: &mut Records<R>) -> Result<Self, ReadError> {
        let header = records.next_record()?.ok_or(Refusal::Empty)?;
        if header.count > MAX_COLUMNS {
            return Err(Refusal::TooManyColumns { limit: MAX_COLUMNS }.into());
        }
        let names = (0..header.count).map_while(|position| header.field(position));
        Ok(Self::of(names.map(str::to_lowercase).collect())?)
    }

    /// Of a header with these names, in lower case.
    pub(super) fn of(names: Vec<String>) -> Result<Self, Refusal> {
        check_names(&names)?;
        let position_of = |wanted: &str| names.iter().position(|name| name == wanted);
        let Some(user_id) = position_of("user_id") else {
            let columns = names.into_iter().take(10).collect();
            return Err(Refusal::NoUserId { columns });
        };
        let time_zone = position_of("time_zone");
        let locale = position_of("locale");
        let is_variable = |position: &usize| {
            *position != user_id && Some(*position) != time_zone && Some(*position) != locale
        };
        let variables: Vec<usize> = (0..names.len()).filter(is_variable).collect();
        Ok(Self {
            user_id,
            time_zone,
            locale,
            names: variables
                .iter()
                .map(|position| names[*position].clone())
                .collect(),
            variables,
            header: names,
        })
    }
}

fn check_names(names: &[String]) -> Result<(), Refusal> {
    for (position, name) in names.iter().enumerate() {
        let number = position + 1;
        if name.is_empty() {
            return Err(Refusal::UnnamedColumn { number });
        }
        if name.len() > MAX_COLUMN_NAME_BYTES {
            let limit = MAX_COLUMN_NAME_BYTES;
            return Err(Refusal::ColumnNameTooLong { number, limit });
        }
        if names[..position].contains(name) {
            return Err(Refusal::DuplicateColumn { column: name.clone() });
        }
    }
    Ok(())
}
