//! The stages of a campaign, and how far each is, seen from outside.

use campaign::{AudienceId, CampaignId};
use journeys::world::settings::CHUNK;
use serde::Deserialize;
use serde_json::Value;

use super::USERS;
use super::installation::Installation;

/// What a process is killed in the middle of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Rows of the file become chunks: by the API.
    Import(AudienceId),
    /// Chunks become pushes: a user has a push as soon as the chunk is expanded.
    FanOut,
    /// Due chunks become tasks: by the log's summary of each pass. Begins anew in each process.
    Dispatch,
    /// Coupons are granted: by the API, which counts them in SQL.
    Grants(CampaignId),
    /// Pushes are handed to the gateway: by the length of its ledger.
    Sending(CampaignId),
    /// What the gateway said is settled: by the totals.
    Settling(CampaignId),
}

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Import(_) => "import",
            Self::FanOut => "fan-out",
            Self::Dispatch => "dispatch",
            Self::Grants(_) => "grants",
            Self::Sending(_) => "sending",
            Self::Settling(_) => "settling",
        }
    }

    /// Its progress when it is over.
    pub(crate) fn whole(self) -> u64 {
        let whole = match self {
            Self::FanOut => USERS / CHUNK,
            // While everything is stopped, it is never over.
            Self::Dispatch => usize::MAX,
            Self::Import(_) | Self::Grants(_) | Self::Sending(_) | Self::Settling(_) => USERS,
        };
        whole as u64
    }

    /// The campaign, from the stages on in which something may be handed over.
    pub(crate) fn campaign(self) -> Option<CampaignId> {
        match self {
            Self::Import(_) | Self::FanOut | Self::Dispatch => None,
            Self::Grants(id) | Self::Sending(id) | Self::Settling(id) => Some(id),
        }
    }

    /// How far it is.
    pub(crate) async fn progress(self, noroshi: &Installation) -> u64 {
        match self {
            Self::Import(audience) => accepted(noroshi, audience).await,
            Self::FanOut => expanded(noroshi).await,
            Self::Dispatch => handed_over(noroshi),
            Self::Grants(campaign) => noroshi.api().progress(campaign).await.grants,
            Self::Sending(_) => noroshi.ledger_length() as u64,
            Self::Settling(campaign) => noroshi.api().progress(campaign).await.count("sent"),
        }
    }
}

async fn accepted(noroshi: &Installation, audience: AudienceId) -> u64 {
    #[derive(Deserialize)]
    struct Progress {
        accepted: u64,
    }
    let path = format!("/v1/audiences/{audience}/progress");
    noroshi.api().get::<Progress>(&path).await.accepted
}

/// Chunks that are expanded: several are at once, so the last one's number is only nearly their
/// count. The campaign's audience is in the file's order.
async fn expanded(noroshi: &Installation) -> u64 {
    let (mut there, mut missing) = (0, USERS / CHUNK);
    while there < missing {
        let middle = usize::midpoint(there, missing);
        let path = format!("/v1/users/user-{:05}/pushes", middle * CHUNK);
        let history: Value = noroshi.api().get(&path).await;
        if history["items"].as_array().unwrap().is_empty() {
            missing = middle;
        } else {
            there = middle + 1;
        }
    }
    there as u64
}

/// Chunks that this process has handed to the queue.
fn handed_over(noroshi: &Installation) -> u64 {
    let log = noroshi.log();
    let passes = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" chunks handed to the queue")?;
        let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u64>().ok()
    });
    passes.sum()
}
