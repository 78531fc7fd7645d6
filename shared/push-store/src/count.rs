//! How many entities there are, without reading them.

use gcloud_sdk::google::datastore::v1::aggregation_query::aggregation::{Count, Operator};
use gcloud_sdk::google::datastore::v1::aggregation_query::{Aggregation, QueryType as Nested};
use gcloud_sdk::google::datastore::v1::run_aggregation_query_request::QueryType;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{AggregationQuery, Query, RunAggregationQueryRequest};

use crate::client::PushStore;
use crate::error::Error;

/// The name of the one number that is asked for.
const COUNT: &str = "count";

impl PushStore {
    /// How many entities `query` would find.
    pub(crate) async fn count(&self, query: Query) -> Result<u64, Error> {
        let count = Aggregation {
            alias: COUNT.to_owned(),
            operator: Some(Operator::Count(Count::default())),
        };
        let request = RunAggregationQueryRequest {
            project_id: self.partition.project_id.clone(),
            database_id: self.partition.database_id.clone(),
            partition_id: Some(self.partition.clone()),
            query_type: Some(QueryType::AggregationQuery(AggregationQuery {
                aggregations: vec![count],
                query_type: Some(Nested::NestedQuery(query)),
            })),
            ..RunAggregationQueryRequest::default()
        };
        let answer = self.service().run_aggregation_query(request).await?.into_inner();
        let results = answer.batch.unwrap_or_default().aggregation_results;
        let counted = results.into_iter().find_map(|mut result| {
            match result.aggregate_properties.remove(COUNT)?.value_type? {
                ValueType::IntegerValue(count) => u64::try_from(count).ok(),
                _ => None,
            }
        });
        counted.ok_or(Error::Malformed {
            kind: "count",
            key: String::new(),
            property: COUNT,
        })
    }
}
