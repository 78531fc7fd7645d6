//! Expands a chunk: its marker and its pushes, inserted in one transaction.
//!
//! The marker is the proof. A commit that may or may not have happened, and one that met an
//! existing marker, are decided by reading it: the same digest means that the chunk is
//! expanded, whoever did it.

use campaign::{AudienceId, CampaignId, ChunkId, ChunkRecord, PushId, Reason, SendTime, Standing, TimerKey};
use chrono::{DateTime, Utc};

use crate::chunk::Chunk;
use crate::client::PushStore;
use crate::commit::{Changes, Within};
use crate::error::Error;
use crate::push::Push;

/// Mutations in one transaction: the marker and up to 499 pushes. It was Datastore's limit when
/// this design was described, no emulator enforces it, and larger ones were not found faster.
pub const MAX_MUTATIONS: usize = 500;

/// The version of a chunk that was just expanded.
pub const FIRST_VERSION: u64 = 1;

/// A chunk to be expanded.
#[derive(Clone, Debug)]
pub struct NewChunk {
    /// The campaign.
    pub campaign: CampaignId,
    /// The chunk's number in it.
    pub no: u32,
    /// The audience version that it comes from.
    pub audience: AudienceId,
    /// The digest of its recipients, as stored at import.
    pub digest: [u8; 32],
    /// Where it stands in the index of due chunks.
    pub timer: TimerKey,
    /// When it is to be sent. Where that is past and skipped, the pushes are settled and the
    /// chunk is done from the start.
    pub send_time: SendTime,
    /// When its pushes expire.
    pub expires_at: DateTime<Utc>,
    /// Its recipients, by place; `None` for one that was erased.
    pub recipients: Vec<Option<NewPush>>,
}

/// A push to be created.
#[derive(Clone, Debug)]
pub struct NewPush {
    /// Who it is for.
    pub user: String,
    /// The recipient's locale, if it has one of its own.
    pub locale: Option<String>,
    /// The recipient's template variables.
    pub variables: Vec<(String, String)>,
}

/// What became of an expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// The chunk is expanded, now or before, and this is its marker. One of before may have been
    /// made of recipients of whom fewer were erased, and pushes of it may be further on.
    Expanded(Box<Chunk>),
    /// A marker of other recipients is there: audience and campaign do not belong together.
    DigestDiffers,
}

impl PushStore {
    /// Makes `chunk` exist; a repeat changes nothing.
    ///
    /// A conflict is an [`Error::Conflict`] and for the caller to repeat, when its limits allow.
    pub async fn expand(&self, chunk: NewChunk, now: DateTime<Utc>) -> Result<Expansion, Error> {
        if chunk.recipients.len() >= MAX_MUTATIONS {
            return Err(Error::TooLarge {
                recipients: chunk.recipients.len(),
                limit: MAX_MUTATIONS,
            });
        }
        let (chunk, pushes) = expanded(chunk, now);
        self.insert_or_find(chunk, &pushes).await
    }

    /// Inserts a chunk with its pushes, or finds its marker where that is there.
    pub(crate) async fn insert_or_find(&self, chunk: Chunk, pushes: &[Push]) -> Result<Expansion, Error> {
        let (id, digest) = (chunk.id, chunk.digest);
        match self.insert(&chunk, pushes).await {
            Ok(()) => Ok(Expansion::Expanded(Box::new(chunk))),
            Err(_) if fault_points::bug!(UnknownTakenForExpanded) => Ok(Expansion::Expanded(Box::new(chunk))),
            Err(error @ Error::Conflict(_)) => Err(error),
            Err(error) => self.read_marker(id, digest, error).await,
        }
    }

    async fn insert(&self, chunk: &Chunk, pushes: &[Push]) -> Result<(), Error> {
        let mut changes = Changes::default();
        changes.insert(|entity| chunk.write(&self.partition, entity));
        if fault_points::bug!(MarkerApart) {
            self.commit(Within::Itself, std::mem::take(&mut changes)).await?;
        }
        for push in pushes {
            changes.insert(|entity| push.write(&self.partition, entity));
        }
        fault_points::reach!(PushesBuilt);
        fault_points::reach!(
            ExpandCommit,
            Err(gcloud_sdk::tonic::Status::unavailable("an injected fault").into())
        );
        self.commit(Within::Itself, changes).await?;
        fault_points::reach!(
            ExpandCommitAnswer,
            Err(gcloud_sdk::tonic::Status::unavailable("an injected fault").into())
        );
        Ok(())
    }

    async fn read_marker(&self, id: ChunkId, digest: [u8; 32], error: Error) -> Result<Expansion, Error> {
        match self.find_chunk(id).await? {
            Some(_) if fault_points::bug!(MarkerTakenForForeign) => Ok(Expansion::DigestDiffers),
            Some(marker) if marker.digest == digest => Ok(Expansion::Expanded(Box::new(marker))),
            Some(_) => Ok(Expansion::DigestDiffers),
            None => Err(error),
        }
    }
}

/// The chunk and its pushes as they are right after the expansion.
fn expanded(new: NewChunk, now: DateTime<Utc>) -> (Chunk, Vec<Push>) {
    let id = ChunkId::of(new.campaign, new.no);
    let numbered = (0_u16..).zip(new.recipients);
    let pushes = numbered.map(|(place, recipient)| match recipient {
        Some(recipient) => pending(id, new.campaign, place, recipient),
        None => erased(id, new.campaign, new.no, place, now),
    });
    let mut pushes = pushes.collect::<Vec<_>>();
    let record = record(new.send_time, &mut pushes, now);
    let chunk = Chunk {
        id,
        campaign: new.campaign,
        no: new.no,
        audience: new.audience,
        digest: new.digest,
        size: u16::try_from(pushes.len()).expect("fewer than MAX_MUTATIONS"),
        timer: new.timer,
        expires_at: new.expires_at,
        record,
        attempts: 0,
        tally: pushes.iter().map(|push| push.standing).collect(),
        version: FIRST_VERSION,
        accepted_at: None,
    };
    (chunk, pushes)
}

fn record(send_time: SendTime, pushes: &mut [Push], now: DateTime<Utc>) -> ChunkRecord {
    match send_time {
        SendTime::At(at) => ChunkRecord::new(at),
        SendTime::LocalTimePast => {
            for push in pushes
                .iter_mut()
                .filter(|push| push.standing == Standing::Pending)
            {
                push.standing = Standing::Settled(Reason::LocalTimePast);
                push.settled_at = Some(now);
            }
            ChunkRecord::closed(now)
        }
    }
}

fn pending(chunk: ChunkId, campaign: CampaignId, place: u16, recipient: NewPush) -> Push {
    Push {
        id: PushId::of(campaign, &recipient.user),
        chunk,
        campaign,
        place,
        user: Some(recipient.user),
        locale: recipient.locale,
        variables: recipient.variables,
        message: None,
        standing: Standing::Pending,
        settled_at: None,
    }
}

fn erased(chunk: ChunkId, campaign: CampaignId, no: u32, place: u16, now: DateTime<Utc>) -> Push {
    Push {
        id: PushId::of_erased(campaign, no, place),
        chunk,
        campaign,
        place,
        user: None,
        locale: None,
        variables: Vec::new(),
        message: None,
        standing: Standing::Settled(Reason::Erased),
        settled_at: Some(now),
    }
}
