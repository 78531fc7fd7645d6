//! User ids, under the rules of the audience file.

use serde::Deserialize;

/// A user id that an audience can have: 1 to 128 bytes, no control characters, and no white
/// space around it, which the file's reader would take off.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct UserId(String);

impl UserId {
    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As text of its own.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for UserId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        audience::check_user_id(&id)
            .map_err(|rejection| format!("is not a user id: {}", rejection.as_str()))?;
        if id.trim() == id {
            Ok(Self(id))
        } else {
            Err("is not a user id: white space around it".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_audience_can_have_is_no_user_id() {
        let long = "x".repeat(129);
        for wrong in ["", " a", "a\n", "a\u{7}b", long.as_str()] {
            assert!(UserId::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
        }
        for right in ["a", "ユーザー", "a b", "a/b?c"] {
            assert!(UserId::try_from(right.to_owned()).is_ok(), "{right:?}");
        }
    }
}
