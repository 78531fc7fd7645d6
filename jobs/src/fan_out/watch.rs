//! What may be expanded: the running campaigns, asked for several times a second, and at once
//! when one was started in this process.
//!
//! An answer lets chunks start for less than a second from when it was asked for. So no chunk of
//! a campaign starts later than that after its pause or cancel; and while SQL does not answer,
//! none starts at all.

use std::collections::BTreeSet;
use std::time::Duration;

use campaign::CampaignId;
use database::fan_out_stripe::Supply;
use runtime::clock::Moment;

/// How often it is asked.
pub(super) const POLL: Duration = Duration::from_millis(250);

/// How long an answer holds, from when it was asked for.
const HOLDS: Duration = Duration::from_millis(900);

/// The last answer.
#[derive(Debug, Default)]
pub(super) struct Watch {
    asked_at: Option<Moment>,
    is_asking: bool,
    /// Whether there is more to know than was asked for.
    is_stale: bool,
    running: BTreeSet<CampaignId>,
    free: BTreeSet<CampaignId>,
}

impl Watch {
    /// Whether to ask.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let is_time = self.asked_at.is_none_or(|asked_at| now.since(asked_at) >= POLL);
        !self.is_asking && (is_time || self.is_stale)
    }

    /// It is being asked.
    pub(super) fn ask(&mut self) {
        self.is_asking = true;
        self.is_stale = false;
    }

    /// A campaign was started, of which what is being asked may not know.
    pub(super) fn hurry(&mut self) {
        self.is_stale = true;
    }

    /// It could not be answered.
    pub(super) fn give_up(&mut self) {
        self.is_asking = false;
    }

    /// What was asked for at `asked_at` is answered.
    pub(super) fn answer(&mut self, asked_at: Moment, campaigns: &[(CampaignId, Supply)]) {
        self.is_asking = false;
        self.asked_at = Some(asked_at);
        self.running = campaigns.iter().map(|(id, _)| *id).collect();
        let free = campaigns.iter().filter(|(_, supply)| *supply == Supply::Free);
        self.free = free.map(|(id, _)| *id).collect();
    }

    /// Whether the last answer holds.
    pub(super) fn holds(&self, now: Moment) -> bool {
        self.asked_at.is_some_and(|asked_at| now.since(asked_at) < HOLDS)
    }

    /// Whether the campaign ran when it was asked.
    pub(super) fn runs(&self, campaign: CampaignId) -> bool {
        self.running.contains(&campaign)
    }

    /// Campaigns that have a stripe to lease.
    pub(super) fn free(&self) -> impl Iterator<Item = CampaignId> {
        self.free.iter().copied()
    }

    /// The campaign has none, as was just found out.
    pub(super) fn is_used_up(&mut self, campaign: CampaignId) {
        self.free.remove(&campaign);
    }
}

#[cfg(test)]
mod tests {
    use runtime::Clock;

    use super::*;

    #[test]
    fn an_answer_lets_chunks_start_for_less_than_a_second_from_the_question() {
        let asked_at = Clock::system().monotonic();
        let campaign = CampaignId::allocate();
        let mut watch = Watch::default();

        let before = (watch.is_due(asked_at), watch.holds(asked_at));
        watch.ask();
        let while_asking = watch.is_due(asked_at);
        watch.answer(asked_at, &[(campaign, Supply::Free)]);

        assert_eq!((before, while_asking), ((true, false), false));
        assert!(!watch.is_due(asked_at) && watch.is_due(asked_at + POLL));
        assert!(watch.holds(asked_at + POLL * 3));
        assert!(!watch.holds(asked_at + Duration::from_secs(1)));
        assert!(watch.runs(campaign));
    }

    #[test]
    fn what_is_started_while_it_is_asked_is_asked_for_again() {
        let asked_at = Clock::system().monotonic();
        let mut watch = Watch::default();
        watch.ask();

        watch.hurry();
        let while_asking = watch.is_due(asked_at);
        watch.answer(asked_at, &[]);
        let after = watch.is_due(asked_at);
        watch.ask();
        watch.answer(asked_at, &[]);

        assert_eq!((while_asking, after), (false, true));
        assert!(!watch.is_due(asked_at));
    }
}
