//! Single pushes, as events happen: each is a chunk of one.
//!
//! Its id comes from the campaign and the key of the request, and its marker holds the request's
//! hash: the same request again finds its own marker, and another one under the same key finds a
//! marker that is not its own. From there on it goes the way of every chunk.
//!
//! Nothing else counts these pushes, so their chunks have two places in indexes: by the time at
//! which they were accepted, to be found when they are old, and by what became of them, to be
//! counted. Both begin with the timer key, so neither grows at one end.

use std::fmt::Write;

use campaign::{AudienceId, CampaignId, ChunkId, ChunkRecord, PushId, Reason, Standing, Tally, TimerShards};
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use gcloud_sdk::google::datastore::v1::composite_filter::Operator as CompositeOperator;
use gcloud_sdk::google::datastore::v1::filter::FilterType;
use gcloud_sdk::google::datastore::v1::property_filter::Operator;
use gcloud_sdk::google::datastore::v1::{CompositeFilter, Filter, PropertyOrder, Query};

use crate::chunk::{Chunk, due};
use crate::client::PushStore;
use crate::entity::CHUNK;
use crate::error::Error;
use crate::expand::{Expansion, FIRST_VERSION, NewPush};
use crate::push::Push;
use crate::query::{of_kind, property, reference, text};

/// Counts that are asked for at once.
const AT_ONCE: usize = 16;

/// A push to be sent because something happened.
#[derive(Clone, Debug)]
pub struct NewTriggered {
    /// A campaign of that kind.
    pub campaign: CampaignId,
    /// Computed from the campaign and the request's key.
    pub id: PushId,
    /// The hash of the request.
    pub digest: [u8; 32],
    /// When it is to be sent.
    pub send_at: DateTime<Utc>,
    /// When it is too late.
    pub expires_at: DateTime<Utc>,
    /// Whom it is for.
    pub recipient: NewPush,
    /// Its message as JSON, if it is not the campaign's.
    pub message: Option<String>,
}

impl PushStore {
    /// Makes the push exist; a repeat changes nothing. [`Expansion::DigestDiffers`] if another
    /// request has taken its key.
    ///
    /// A conflict is an [`Error::Conflict`] and for the caller to repeat.
    pub async fn trigger(&self, new: NewTriggered, now: DateTime<Utc>) -> Result<Expansion, Error> {
        let (chunk, push) = made(new, now);
        self.insert_or_find(chunk, std::slice::from_ref(&push)).await
    }

    /// Up to `limit` chunks of the campaign that were accepted after `after` (or from the first)
    /// and before `before`, of one of its shards, the earliest first.
    pub async fn list_accepted(
        &self,
        campaign: CampaignId,
        shard: u32,
        after: Option<DateTime<Utc>>,
        before: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<Chunk>, Error> {
        let timer = TimerShards::TRIGGERED.key(campaign, shard);
        let after = due(timer, after.unwrap_or(DateTime::UNIX_EPOCH));
        let both = CompositeFilter {
            op: CompositeOperator::And.into(),
            filters: vec![
                property("accepted", Operator::GreaterThan, text(after)),
                property("accepted", Operator::LessThan, text(due(timer, before))),
            ],
        };
        let filter = Filter {
            filter_type: Some(FilterType::CompositeFilter(both)),
        };
        let order = PropertyOrder {
            property: Some(reference("accepted")),
            ..PropertyOrder::default()
        };
        let query = Query {
            order: vec![order],
            ..of_kind(CHUNK, filter, Some(limit))
        };
        let found = self.run(query).await?;
        found.into_iter().map(Chunk::from_entity).collect()
    }

    /// What became of the campaign's pushes, counted now.
    pub async fn count_triggered(&self, campaign: CampaignId) -> Result<Tally, Error> {
        let standings = Reason::ALL.into_iter().map(Standing::Settled);
        let standings = standings.chain([Standing::Pending]);
        let queries = standings.flat_map(|standing| {
            TimerShards::TRIGGERED.keys(campaign).map(move |timer| {
                let outcome = text(outcome(timer, standing));
                (
                    standing,
                    of_kind(CHUNK, property("outcome", Operator::Equal, outcome), None),
                )
            })
        });
        stream::iter(queries)
            .map(async |(standing, query)| Ok((standing, self.count(query).await?)))
            .buffer_unordered(AT_ONCE)
            .try_fold(Tally::default(), async |mut tally, (standing, count)| {
                if count > 0 {
                    tally.add(standing, count);
                }
                Ok(tally)
            })
            .await
    }
}

fn made(new: NewTriggered, now: DateTime<Utc>) -> (Chunk, Push) {
    let id = ChunkId::of_triggered(new.id);
    let push = Push {
        id: new.id,
        chunk: id,
        campaign: new.campaign,
        place: 0,
        user: Some(new.recipient.user),
        locale: new.recipient.locale,
        variables: new.recipient.variables,
        message: new.message,
        standing: Standing::Pending,
        settled_at: None,
    };
    let chunk = Chunk {
        id,
        campaign: new.campaign,
        no: 0,
        // It comes from no audience.
        audience: AudienceId(uuid::Uuid::nil()),
        digest: new.digest,
        size: 1,
        timer: TimerShards::TRIGGERED.key_of_triggered(new.campaign, new.id),
        expires_at: new.expires_at,
        record: ChunkRecord::new(new.send_at),
        attempts: 0,
        tally: [push.standing].into_iter().collect(),
        version: FIRST_VERSION,
        accepted_at: Some(now),
    };
    (chunk, push)
}

/// A place in the index of what became of pushes: what is not settled is open.
pub(crate) fn outcome(timer: campaign::TimerKey, standing: Standing) -> String {
    let mut place = timer.0.to_string();
    let word = standing.reason().map_or("open", Reason::as_str);
    write!(place, "/{word}").expect("a string takes everything");
    place
}

/// What became of the one push that those counts are of.
pub(crate) fn standing_of(tally: &Tally) -> Standing {
    let settled = tally.settled.keys().next();
    settled.map_or(Standing::Pending, |reason| Standing::Settled(*reason))
}
