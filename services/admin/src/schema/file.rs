//! How an audience file is written, as the API's document describes it.

use serde::Deserialize;
use utoipa::ToSchema;

/// What separates the fields of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delimiter {
    /// `,`
    Comma,
    /// A tab character.
    Tab,
    /// `;`
    Semicolon,
}

/// How a file is written.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) enum Encoding {
    /// With or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Of either byte order, with a byte order mark.
    #[serde(rename = "utf-16")]
    Utf16,
    /// As Windows writes it (code page 932).
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, to_value};

    use super::*;

    #[test]
    fn what_a_file_can_be_is_described() {
        for delimiter in [
            audience::Delimiter::Comma,
            audience::Delimiter::Tab,
            audience::Delimiter::Semicolon,
        ] {
            from_value::<Delimiter>(to_value(delimiter).unwrap()).unwrap();
        }
        for encoding in [
            audience::Encoding::Utf8,
            audience::Encoding::Utf16,
            audience::Encoding::ShiftJis,
        ] {
            from_value::<Encoding>(to_value(encoding).unwrap()).unwrap();
        }
    }
}
