//! Expands one chunk, in a task of its own.

use std::sync::Arc;

use campaign::{CampaignId, SendTime, Transition};
use database::audience_chunk::{self, AudienceChunk};
use database::campaign::{self as campaigns, Transitioned};
use database::chunk_tally::ChunkTally;
use push_store::{Expansion, NewChunk, NewPush};
use runtime::Backends;
use tracing::{error, warn};

use super::pace::Felt;
use super::target::Target;
use crate::error::Error;
use crate::plan::Plan;

/// How it went.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The chunk's tally; `None` if the chunk cannot be expanded, which has failed the campaign.
    pub(super) result: Result<Option<ChunkTally>, Error>,
    /// What the commit said of the store's load.
    pub(super) felt: Option<Felt>,
}

/// Expands the campaign's chunk `no`, with one commit.
pub(super) async fn expand(backends: Backends, target: Arc<Target>, no: u32) -> Attempt {
    let result = match read(&backends, &target, no).await {
        Ok(Some(chunk)) => return commit(&backends, &target, chunk).await,
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    Attempt { result, felt: None }
}

async fn commit(backends: &Backends, target: &Target, chunk: NewChunk) -> Attempt {
    let no = chunk.no;
    let mutations = u32::try_from(chunk.recipients.len() + 1).unwrap_or(u32::MAX);
    let clock = &backends.process.clock;
    let begun = clock.monotonic();
    match backends.push_store.expand(chunk, clock.now()).await {
        Ok(expansion) => {
            let after = clock.monotonic().since(begun);
            Attempt {
                result: count(backends, target, no, expansion).await,
                felt: Some(Felt::Answered { after, mutations }),
            }
        }
        Err(error) => Attempt {
            felt: Felt::of(&error),
            result: Err(error.into()),
        },
    }
}

/// The chunk, as it is to be expanded; `None` if it is not there.
async fn read(backends: &Backends, target: &Target, no: u32) -> Result<Option<NewChunk>, Error> {
    let Some(stored) = audience_chunk::find(&backends.db, target.plan.audience, no).await? else {
        let reason = format!("chunk {no} of its audience is not there");
        fail(backends, target.campaign, &reason).await?;
        return Ok(None);
    };
    fault_points::reach!(
        RecipientsRead,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    new_chunk(target.campaign, &target.plan, &stored).map(Some)
}

async fn count(
    backends: &Backends,
    target: &Target,
    no: u32,
    expansion: Expansion,
) -> Result<Option<ChunkTally>, Error> {
    match expansion {
        Expansion::Expanded(marker) => {
            let (version, state) = (marker.version, marker.record.state);
            let tally = &marker.tally;
            Ok(Some(ChunkTally::of(target.campaign, no, version, state, tally)))
        }
        Expansion::DigestDiffers => {
            let reason = format!("chunk {no} was expanded from other recipients");
            fail(backends, target.campaign, &reason).await?;
            Ok(None)
        }
    }
}

fn new_chunk(campaign: CampaignId, plan: &Plan, stored: &AudienceChunk) -> Result<NewChunk, Error> {
    let no = stored.header.no;
    let unpacked = audience::Unpacked::open(&stored.recipients)
        .map_err(|error| Error::stored(format!("chunk {no} of audience {}", plan.audience), error))?;
    let send_time = plan.schedule.send_time(unpacked.time_zone(), plan.started_at);
    let expires_at = match send_time {
        SendTime::At(at) => plan.schedule.expires_at(at),
        SendTime::LocalTimePast => plan.started_at,
    };
    let recipients = unpacked.iter().map(|recipient| {
        recipient.map(|recipient| NewPush {
            user: recipient.user_id.to_owned(),
            locale: recipient.locale.map(str::to_owned),
            variables: recipient
                .variables
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    });
    Ok(NewChunk {
        campaign,
        no,
        audience: plan.audience,
        digest: stored.header.digest,
        timer: plan.timers.key(campaign, no),
        send_time,
        expires_at,
        recipients: recipients.collect(),
    })
}

/// Audience and campaign do not belong together, which nobody can repair: the campaign fails.
async fn fail(backends: &Backends, campaign: CampaignId, reason: &str) -> Result<(), Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let moved = campaigns::transition(&mut tx, campaign, Transition::Fail, Some(reason), now).await?;
    tx.commit().await.repeatable()?;
    match moved {
        Transitioned::To(_) => error!(campaign.id = %campaign, cause = reason, "a campaign failed"),
        Transitioned::Refused(_) | Transitioned::Missing => {
            warn!(campaign.id = %campaign, cause = reason, "a campaign that had ended cannot be expanded");
        }
    }
    Ok(())
}
