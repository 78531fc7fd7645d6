//! Due chunks, and their hand-over to the queue.

use campaign::{CampaignId, ChunkId, HandOverTerms, Queued, TimerKey};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::composite_filter::Operator as CompositeOperator;
use gcloud_sdk::google::datastore::v1::filter::FilterType;
use gcloud_sdk::google::datastore::v1::property_filter::Operator;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{
    CompositeFilter, Filter, KindExpression, Projection, PropertyFilter, PropertyOrder, PropertyReference,
    Query, Value,
};

use crate::chunk::{Chunk, due};
use crate::client::PushStore;
use crate::entity::CHUNK;
use crate::error::Error;

impl PushStore {
    /// Up to `limit` chunks of one timer key that are due at `until`, the earliest first.
    pub async fn list_due(
        &self,
        timer: TimerKey,
        until: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<Chunk>, Error> {
        let from = property(
            "due",
            Operator::GreaterThanOrEqual,
            &due(timer, DateTime::UNIX_EPOCH),
        );
        let to = property("due", Operator::LessThanOrEqual, &due(timer, until));
        let both = CompositeFilter {
            op: CompositeOperator::And.into(),
            filters: vec![from, to],
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
        let results = self.run(query).await?;
        results
            .into_iter()
            .filter_map(|result| result.entity)
            .map(Chunk::from_entity)
            .collect()
    }

    /// How many chunks of the campaign are with the queue, counted up to `limit`.
    pub async fn count_queued(&self, campaign: CampaignId, limit: u16) -> Result<usize, Error> {
        let filter = property("queued", Operator::Equal, &campaign.to_string());
        let query = keys_only(of_kind(CHUNK, filter, Some(limit)));
        Ok(self.run(query).await?.len())
    }

    /// Marks a due chunk as handed over, before its task is created; see
    /// [`campaign::ChunkRecord::queue`]. `None` if there is no such chunk.
    pub async fn queue(
        &self,
        chunk: ChunkId,
        now: DateTime<Utc>,
        terms: HandOverTerms,
    ) -> Result<Option<Queued>, Error> {
        self.change(chunk, &[], |open| open.record_mut().queue(now, terms))
            .await
    }
}

/// A query for entities of `kind` that pass `filter`.
pub(crate) fn of_kind(kind: &str, filter: Filter, limit: Option<u16>) -> Query {
    Query {
        kind: vec![KindExpression {
            name: kind.to_owned(),
        }],
        filter: Some(filter),
        limit: limit.map(i32::from),
        ..Query::default()
    }
}

/// The same query for keys alone.
pub(crate) fn keys_only(query: Query) -> Query {
    let key = Projection {
        property: Some(reference("__key__")),
    };
    Query {
        projection: vec![key],
        ..query
    }
}

/// The filter `name` `operator` `text`.
pub(crate) fn property(name: &str, operator: Operator, text: &str) -> Filter {
    let value = Value {
        value_type: Some(ValueType::StringValue(text.to_owned())),
        ..Value::default()
    };
    let filter = PropertyFilter {
        property: Some(reference(name)),
        op: operator.into(),
        value: Some(value),
    };
    Filter {
        filter_type: Some(FilterType::PropertyFilter(filter)),
    }
}

pub(crate) fn reference(name: &str) -> PropertyReference {
    PropertyReference {
        name: name.to_owned(),
    }
}
