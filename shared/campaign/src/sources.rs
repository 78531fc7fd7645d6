//! What an audience is made of, beside a file of its own or without one.

use serde::{Deserialize, Serialize};

use crate::{AudienceId, CampaignId};

/// The lists that an audience is made of. As JSON it stands beside the audience.
///
/// A recipient is who is in the file or in an included audience, is not excluded, and failed in
/// that campaign, where one is named. Of a user who is in several lists, the file's row counts
/// first, then those of the audiences in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// What the users of the file are.
    pub file: FileRole,
    /// Audiences whose recipients are in it.
    pub include: Vec<AudienceId>,
    /// Audiences whose recipients are not.
    pub exclude: Vec<AudienceId>,
    /// Campaigns: whoever was sent one of them is not in it.
    pub exclude_sent_in: Vec<CampaignId>,
    /// A campaign: nobody else is in it than those to whom it failed.
    pub only_failed_in: Option<CampaignId>,
}

/// What the users of an audience's file are to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// Its recipients.
    #[default]
    Recipients,
    /// Those who are not.
    Excluded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_words_do_not_change() {
        let base = AudienceId::allocate();
        let sources = Sources {
            file: FileRole::Excluded,
            include: vec![base],
            ..Sources::default()
        };

        let stored = serde_json::to_string(&sources).unwrap();

        assert_eq!(
            stored,
            format!(
                r#"{{"file":"excluded","include":["{base}"],"exclude":[],"exclude_sent_in":[],"only_failed_in":null}}"#
            )
        );
        assert_eq!(serde_json::from_str::<Sources>(&stored).unwrap(), sources);
        assert_eq!(serde_json::from_str::<Sources>("{}").unwrap(), Sources::default());
    }
}
