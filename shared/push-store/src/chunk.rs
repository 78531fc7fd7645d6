//! The `Chunk` entity: the marker of an expansion, the chunk's timer, lease and counts.
//!
//! `due` joins timer key and due time in one indexed value, `<timer key>/<due time>`, so the
//! time never leads an index: two properties and a composite index would put the bare time
//! into an index of its own, which grows at one end. A closed chunk has no `due`, and only a
//! queued one has `queued`, so neither index holds more than what it is asked for. The chunk of a
//! triggered push has two more, which [`triggered`] tells of.

use std::collections::HashMap;

use campaign::{
    AudienceId, CampaignId, CampaignState, ChunkId, ChunkRecord, ChunkState, Lease, LeaseToken, Reason,
    Standing, Tally, TimerKey,
};
use chrono::{DateTime, SecondsFormat, Utc};
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, PartitionId, Value};

use crate::entity::{CHUNK, Properties};
use crate::error::Error;
use crate::fields::Fields;
use crate::reading::Reading;
use crate::triggered;

/// Up to 499 recipients of one campaign, as Datastore holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Computed from campaign and number.
    pub id: ChunkId,
    /// The campaign it belongs to.
    pub campaign: CampaignId,
    /// Its number in the campaign, from 0.
    pub no: u32,
    /// The audience version that it was expanded from.
    pub audience: AudienceId,
    /// The digest of its recipients, as stored at import.
    pub digest: [u8; 32],
    /// How many pushes it has.
    pub size: u16,
    /// The leading part of its place in the index of due chunks.
    pub timer: TimerKey,
    /// When its pushes expire.
    pub expires_at: DateTime<Utc>,
    /// State, generation, timer and lease.
    pub record: ChunkRecord,
    /// How many delivery attempts left something to be tried again.
    pub attempts: u32,
    /// Its pushes by state and reason.
    pub tally: Tally,
    /// Grows with every change of the tally and with a cancel: of two tallies, the later one has
    /// the larger.
    pub version: u64,
    /// Of a triggered push alone: when it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
}

impl Chunk {
    /// Writes it as the entity that Datastore holds.
    pub(crate) fn write(&self, partition: &PartitionId, entity: &mut Fields) {
        let record = &self.record;
        let queued = record.state == ChunkState::Queued;
        Properties::of_chunk(entity, partition, self.id)
            .id("campaign", self.campaign.0)
            .integer("no", self.no)
            .id("audience", self.audience.0)
            .bytes("digest", &self.digest)
            .integer("size", self.size)
            .text("timer", &self.timer.0.to_string())
            .instant("expires_at", self.expires_at)
            .text("state", record.state.as_str())
            .integer("generation", record.generation)
            .maybe(record.due_at, |properties, at| {
                properties
                    .indexed("due", &due(self.timer, at))
                    .instant("due_at", at)
            })
            .maybe(queued.then_some(self.campaign), |properties, campaign| {
                properties.indexed("queued", &campaign.to_string())
            })
            .instant("not_before", record.not_before)
            .maybe(record.lease, |properties, lease| {
                properties
                    .text("lease_token", &lease.token.to_string())
                    .instant("lease_until", lease.until)
            })
            .integer("hand_overs", record.hand_overs)
            .integer("attempts", self.attempts)
            .nested("tally", |nested| write_tally(&self.tally, nested))
            .integer("version", i64::try_from(self.version).unwrap_or(i64::MAX))
            .maybe(self.accepted_at, |properties, at| {
                let standing = triggered::standing_of(&self.tally);
                properties
                    .instant("accepted_at", at)
                    .indexed("accepted", &due(self.timer, at))
                    .indexed("outcome", &triggered::outcome(self.timer, standing))
            });
    }

    pub(crate) fn from_entity(entity: Entity) -> Result<Self, Error> {
        let mut reading = Reading::of(CHUNK, entity);
        let digest = reading
            .bytes("digest")?
            .try_into()
            .map_err(|_| reading.malformed("digest"))?;
        Ok(Self {
            id: ChunkId(reading.id_at(0)?),
            campaign: reading.parsed("campaign", |text| text.parse().ok())?,
            no: reading.number("no")?,
            audience: reading.parsed("audience", |text| text.parse().ok())?,
            digest,
            size: reading.number("size")?,
            timer: reading.parsed("timer", |text| text.parse().ok().map(TimerKey))?,
            expires_at: reading.instant("expires_at")?,
            record: record(&mut reading)?,
            attempts: reading.number("attempts")?,
            tally: tally(&mut reading)?,
            version: reading.number("version")?,
            accepted_at: reading.find_instant("accepted_at")?,
        })
    }

    /// The counts as they read: in a chunk of a campaign that ended early, whoever is not settled
    /// is cancelled.
    pub fn tally_as_read(&self, campaign: CampaignState) -> Tally {
        match self.record.state {
            ChunkState::Cancelled => self.tally.read_in(campaign, u64::from(self.size)),
            ChunkState::Waiting | ChunkState::Queued | ChunkState::Leased | ChunkState::Done => {
                self.tally.clone()
            }
        }
    }

    /// Whether every push is final.
    pub fn is_settled(&self) -> bool {
        self.tally.pending == 0 && self.tally.granted == 0
    }
}

/// A place in the index of due chunks. Of one timer key, text order is time order.
pub(crate) fn due(timer: TimerKey, at: DateTime<Utc>) -> String {
    format!("{}/{}", timer.0, at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn record(reading: &mut Reading) -> Result<ChunkRecord, Error> {
    let lease = match reading.find_text("lease_token") {
        Some(token) => Some(Lease {
            token: token
                .parse::<LeaseToken>()
                .map_err(|_| reading.malformed("lease_token"))?,
            until: reading.instant("lease_until")?,
        }),
        None => None,
    };
    Ok(ChunkRecord {
        state: reading.parsed("state", ChunkState::parse)?,
        generation: reading.number("generation")?,
        due_at: reading.find_instant("due_at")?,
        not_before: reading.instant("not_before")?,
        lease,
        hand_overs: reading.number("hand_overs")?,
    })
}

/// Pending and granted under their own names, settled pushes under their reason's; the names
/// with no push are left out.
fn write_tally<'a>(tally: &Tally, properties: Properties<'a>) -> Properties<'a> {
    let unsettled = [("pending", tally.pending), ("granted", tally.granted)];
    let settled = tally
        .settled
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count));
    unsettled
        .into_iter()
        .chain(settled)
        .filter(|(_, count)| *count > 0)
        .fold(properties, |properties, (name, count)| {
            properties.integer(name, i64::try_from(count).unwrap_or(i64::MAX))
        })
}

fn tally(reading: &mut Reading) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let counts: HashMap<String, Value> = reading.nested("tally");
    for (name, value) in counts {
        let standing = match name.as_str() {
            "pending" => Standing::Pending,
            "granted" => Standing::Granted,
            reason => Standing::Settled(Reason::parse(reason).ok_or_else(|| reading.malformed("tally"))?),
        };
        match value.value_type {
            Some(ValueType::IntegerValue(count)) => {
                tally.add(
                    standing,
                    u64::try_from(count).map_err(|_| reading.malformed("tally"))?,
                );
            }
            _ => return Err(reading.malformed("tally")),
        }
    }
    Ok(tally)
}
