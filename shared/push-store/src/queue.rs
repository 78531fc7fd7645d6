//! Due chunks, and their hand-over to the queue.

use campaign::{CampaignId, ChunkId, HandOverTerms, Queued, TimerKey};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::composite_filter::Operator as CompositeOperator;
use gcloud_sdk::google::datastore::v1::filter::FilterType;
use gcloud_sdk::google::datastore::v1::property_filter::Operator;
use gcloud_sdk::google::datastore::v1::{CompositeFilter, Filter, PropertyOrder, Query};

use crate::chunk::{Chunk, due};
use crate::client::PushStore;
use crate::entity::CHUNK;
use crate::error::Error;
use crate::query::{keys_only, of_kind, property, reference, text};

impl PushStore {
    /// Up to `limit` chunks of one timer key that are due at `until`, the earliest first.
    pub async fn list_due(
        &self,
        timer: TimerKey,
        until: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<Chunk>, Error> {
        let first = text(due(timer, DateTime::UNIX_EPOCH));
        let last = text(due(timer, until));
        let both = CompositeFilter {
            op: CompositeOperator::And.into(),
            filters: vec![
                property("due", Operator::GreaterThanOrEqual, first),
                property("due", Operator::LessThanOrEqual, last),
            ],
        };
        let filter = Filter {
            filter_type: Some(FilterType::CompositeFilter(both)),
        };
        let order = PropertyOrder {
            property: Some(reference("due")),
            ..PropertyOrder::default()
        };
        let query = Query {
            order: vec![order],
            ..of_kind(CHUNK, filter, Some(limit))
        };
        let found = self.run(query).await?;
        found.into_iter().map(Chunk::from_entity).collect()
    }

    /// How many chunks of the campaign are with the queue, counted up to `limit`.
    pub async fn count_queued(&self, campaign: CampaignId, limit: u16) -> Result<usize, Error> {
        Ok(self.run(keys_only(queued(campaign, limit))).await?.len())
    }

    /// Up to `limit` chunks of the campaign that are with the queue, in no order.
    pub async fn list_queued(&self, campaign: CampaignId, limit: u16) -> Result<Vec<Chunk>, Error> {
        let found = self.run(queued(campaign, limit)).await?;
        found.into_iter().map(Chunk::from_entity).collect()
    }

    /// Marks a due chunk as handed over, before its task is created; see
    /// [`campaign::ChunkRecord::queue`]. `None` if there is no such chunk.
    ///
    /// Where Datastore did not answer, a chunk that is found as this call would have left it was
    /// handed over by it. (Or by another dispatch in the same microsecond, whose task is the same.)
    pub async fn queue(
        &self,
        chunk: ChunkId,
        now: DateTime<Utc>,
        terms: HandOverTerms,
    ) -> Result<Option<Queued>, Error> {
        let mut handed_over = None;
        self.change(chunk, &[], |open| {
            let record = open.record_mut();
            match handed_over {
                Some((left, queued)) if *record == left => queued,
                _ if fault_points::bug!(LeaseForEver) && record.lease.is_some() => Queued::NotDue,
                Some(_) | None => {
                    let queued = record.queue(now, terms);
                    if fault_points::bug!(TimerCleared) {
                        record.due_at = None;
                    }
                    handed_over = Some((*record, queued));
                    queued
                }
            }
        })
        .await
    }
}

fn queued(campaign: CampaignId, limit: u16) -> Query {
    let filter = property("queued", Operator::Equal, text(campaign.to_string()));
    of_kind(CHUNK, filter, Some(limit))
}
