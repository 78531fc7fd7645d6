//! Audiences that are given as a list of user ids: written as the file that says the same.

use audience::{Delimiter, Encoding, FileSettings, file_of_user_ids};

use super::upload::Upload;
use crate::error::Error;
use crate::user_id::UserId;

/// The most user ids of a list.
const MAX_USER_IDS: usize = 10_000;

/// An audience without a file.
#[derive(Debug)]
pub(super) struct InlineAudience {
    /// For people; 1 to 255 characters.
    pub(super) name: String,
    /// Its recipients; of one that is there twice, the second is rejected as `duplicate`.
    pub(super) user_ids: Vec<UserId>,
}

/// The upload of these users, of which nothing is stored yet.
pub(crate) fn upload(name: String, user_ids: &[UserId]) -> Result<Upload, Error> {
    if user_ids.is_empty() || user_ids.len() > MAX_USER_IDS {
        return Err(Error::invalid(
            "user_ids",
            "must have 1 to 10000 user ids; upload a file for more",
        ));
    }
    let settings = FileSettings {
        delimiter: Some(Delimiter::Comma),
        encoding: Some(Encoding::Utf8),
    };
    let file = file_of_user_ids(user_ids.iter().map(UserId::as_str));
    Ok(Upload::new(name, settings).with_file(file.into_bytes()))
}
