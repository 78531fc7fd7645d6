//! Turns: the running campaigns of a lane, one after the other.

use campaign::{CampaignId, Lane};
use database::campaign::{Campaign, list_running};
use runtime::Backends;
use tracing::error;

use crate::error::Error;

/// Campaigns in one page.
const PAGE: u32 = 100;

/// Whose turn it is.
pub(crate) struct Turns<'a> {
    backends: &'a Backends,
    lane: Lane,
    page: std::vec::IntoIter<Campaign>,
    after: Option<CampaignId>,
}

impl<'a> Turns<'a> {
    /// The turns of the lane's running campaigns, by id.
    pub(crate) fn of(backends: &'a Backends, lane: Lane) -> Self {
        Self {
            backends,
            lane,
            page: Vec::new().into_iter(),
            after: None,
        }
    }

    /// Whose turn is next: `None` after the last, and when the process is to stop.
    pub(crate) async fn next(&mut self) -> Result<Option<Campaign>, Error> {
        if self.backends.process.stop.is_requested() {
            return Ok(None);
        }
        if self.page.as_slice().is_empty() {
            let page = list_running(&self.backends.db, self.lane, self.after, PAGE).await?;
            self.page = page.into_iter();
        }
        let next = self.page.next();
        if let Some(campaign) = &next {
            self.after = Some(campaign.id);
        }
        Ok(next)
    }
}

/// How a campaign's turn ended, for the pass: what is wrong with its own rows is for a person to
/// look at, and does not keep the others from theirs. Every other error ends the pass.
pub(crate) fn pass_over(campaign: CampaignId, turn: Result<(), Error>) -> Result<(), Error> {
    match turn {
        Err(error) if error.is_in_the_rows() => {
            error!(
                campaign.id = %campaign,
                error = &error as &dyn std::error::Error,
                "a campaign was passed over: its rows cannot be used"
            );
            Ok(())
        }
        ended => ended,
    }
}
