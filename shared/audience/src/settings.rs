//! What a person says about an audience file beside it.
//!
//! As JSON it is the same wherever it appears: in the API's parameters and in the database,
//! where it waits for the import.

use serde::{Deserialize, Serialize};

use crate::{Delimiter, Encoding};

/// How a file is to be read; what is not given is found from the file. `{}` gives nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// What separates its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// How it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_words_do_not_change() {
        let settings = FileSettings {
            delimiter: Some(Delimiter::Tab),
            encoding: Some(Encoding::ShiftJis),
        };

        let stored = serde_json::to_string(&settings).unwrap();

        assert_eq!(stored, r#"{"delimiter":"tab","encoding":"shift_jis"}"#);
        assert_eq!(serde_json::from_str::<FileSettings>(&stored).unwrap(), settings);
        assert_eq!(
            serde_json::from_str::<FileSettings>("{}").unwrap(),
            FileSettings::default()
        );
        assert!(serde_json::from_str::<FileSettings>(r#"{"quote":"'"}"#).is_err());
    }
}
