//! A client of any Datastore, and the entities that it works with.
//!
//! Entities lie as the pipeline lays them: groups of 500 under one ancestor, under hashed names,
//! with one indexed property, about 600 bytes each.

use anyhow::{Context, ensure};
use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google_cloud_auth::credentials::anonymous;
use gcloud_sdk::{GoogleApi, GoogleAuthMiddleware};
use wire::commit_request::{Mode, TransactionSelector};
use wire::datastore_client::DatastoreClient;
use wire::key::PathElement;
use wire::key::path_element::IdType;
use wire::mutation::Operation;
use wire::query_result_batch::MoreResultsType;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Entities of one group, commit, transaction or query.
pub(crate) const GROUP: u64 = 500;

/// 500 entities of 600 bytes fit well; clients take 4 MiB unless told.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The project that everything is written to.
pub(crate) const PROJECT: &str = "bench";

/// A connection.
#[derive(Clone)]
pub(crate) struct Datastore(DatastoreClient<GoogleAuthMiddleware>);

impl Datastore {
    /// Connects; an address at which nobody answers is an error.
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let client = |channel| DatastoreClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
        let anonymous = anonymous::Builder::new().build();
        let api =
            GoogleApi::from_function_with_credentials(client, format!("http://{address}"), None, anonymous)
                .await?;
        Ok(Self(api.get()))
    }

    /// Inserts all entities of a group by one commit.
    pub(crate) async fn insert(&self, group: u64) -> anyhow::Result<()> {
        let inserts = (0..GROUP).map(|n| Operation::Insert(entity(group, n, 0)));
        let once = TransactionSelector::SingleUseTransaction(wire::TransactionOptions::default());
        self.commit(once, inserts).await
    }

    /// Counts every entity of a group up, in one transaction: begin, look up, commit.
    pub(crate) async fn update(&self, group: u64) -> anyhow::Result<()> {
        let request = wire::BeginTransactionRequest {
            project_id: PROJECT.to_owned(),
            ..wire::BeginTransactionRequest::default()
        };
        let begun = self.0.clone().begin_transaction(request).await?;
        let transaction = begun.into_inner().transaction;
        let found = self.look_up_group(group, &transaction).await?;
        let updates = found.into_iter().map(|mut entity| {
            if let Some(state) = entity.properties.get_mut("state")
                && let Some(ValueType::IntegerValue(count)) = &mut state.value_type
            {
                *count += 1;
            }
            Operation::Update(entity)
        });
        self.commit(TransactionSelector::Transaction(transaction), updates)
            .await
    }

    /// Reads a group by an ancestor query, to the end.
    pub(crate) async fn query(&self, group: u64) -> anyhow::Result<()> {
        let mut query = group_query(group);
        let mut came = 0;
        loop {
            let request = wire::RunQueryRequest {
                project_id: PROJECT.to_owned(),
                partition_id: Some(partition()),
                query_type: Some(wire::run_query_request::QueryType::Query(query.clone())),
                ..wire::RunQueryRequest::default()
            };
            let answer = self.0.clone().run_query(request).await?.into_inner();
            let batch = answer.batch.context("an answer without a batch")?;
            came += batch.entity_results.len() as u64;
            if batch.more_results != MoreResultsType::NotFinished as i32 {
                break;
            }
            query.start_cursor = batch.end_cursor;
        }
        ensure!(came == GROUP, "a query answered {came} entities, not {GROUP}");
        Ok(())
    }

    /// Asks for one entity of a group; whether it is there.
    pub(crate) async fn holds(&self, group: u64) -> anyhow::Result<bool> {
        let request = wire::LookupRequest {
            project_id: PROJECT.to_owned(),
            keys: vec![key(group, Some(0))],
            ..wire::LookupRequest::default()
        };
        let answer = self.0.clone().lookup(request).await?.into_inner();
        Ok(!answer.found.is_empty())
    }

    /// The entities of these keys that are there; at most 1,000 keys.
    pub(crate) async fn look_up(&self, keys: Vec<wire::Key>) -> anyhow::Result<Vec<wire::Entity>> {
        let request = wire::LookupRequest {
            project_id: PROJECT.to_owned(),
            keys,
            ..wire::LookupRequest::default()
        };
        let answer = self.0.clone().lookup(request).await?.into_inner();
        ensure!(answer.deferred.is_empty(), "a lookup left keys for later");
        Ok(answer
            .found
            .into_iter()
            .filter_map(|result| result.entity)
            .collect())
    }

    async fn look_up_group(&self, group: u64, transaction: &[u8]) -> anyhow::Result<Vec<wire::Entity>> {
        let request = wire::LookupRequest {
            project_id: PROJECT.to_owned(),
            keys: (0..GROUP).map(|n| key(group, Some(n))).collect(),
            read_options: Some(wire::ReadOptions {
                consistency_type: Some(ConsistencyType::Transaction(transaction.to_vec())),
            }),
            ..wire::LookupRequest::default()
        };
        let answer = self.0.clone().lookup(request).await?.into_inner();
        let found: Vec<_> = answer
            .found
            .into_iter()
            .filter_map(|result| result.entity)
            .collect();
        let came = found.len() as u64;
        ensure!(came == GROUP, "a lookup found {came} entities, not {GROUP}");
        Ok(found)
    }

    async fn commit(
        &self,
        selector: TransactionSelector,
        operations: impl Iterator<Item = Operation>,
    ) -> anyhow::Result<()> {
        let mutations = operations.map(|operation| wire::Mutation {
            operation: Some(operation),
            ..wire::Mutation::default()
        });
        let request = wire::CommitRequest {
            project_id: PROJECT.to_owned(),
            mode: Mode::Transactional.into(),
            mutations: mutations.collect(),
            transaction_selector: Some(selector),
            ..wire::CommitRequest::default()
        };
        self.0.clone().commit(request).await?;
        Ok(())
    }
}

fn group_query(group: u64) -> wire::Query {
    let below = wire::PropertyFilter {
        property: Some(wire::PropertyReference {
            name: "__key__".to_owned(),
        }),
        op: wire::property_filter::Operator::HasAncestor.into(),
        value: Some(value(ValueType::KeyValue(key(group, None)))),
    };
    wire::Query {
        kind: vec![wire::KindExpression {
            name: "Push".to_owned(),
        }],
        filter: Some(wire::Filter {
            filter_type: Some(wire::filter::FilterType::PropertyFilter(below)),
        }),
        ..wire::Query::default()
    }
}

/// The `n`th entity of a group.
fn entity(group: u64, n: u64, state: i64) -> wire::Entity {
    let user = format!("user-{:032x}", hash(group, n));
    let variables = format!("{{\"name\":\"{n:0>420}\"}}");
    let excluded = |value_type| wire::Value {
        exclude_from_indexes: true,
        ..value(value_type)
    };
    let properties = [
        ("user", value(ValueType::StringValue(user))),
        ("state", excluded(ValueType::IntegerValue(state))),
        ("variables", excluded(ValueType::StringValue(variables))),
    ];
    wire::Entity {
        key: Some(key(group, Some(n))),
        properties: properties
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

/// The key of the `n`th entity of a group, or of their ancestor.
fn key(group: u64, n: Option<u64>) -> wire::Key {
    let element = |kind: &str, name: u128| PathElement {
        kind: kind.to_owned(),
        id_type: Some(IdType::Name(format!("{name:032x}"))),
    };
    let ancestor = element("Chunk", hash(group, u64::MAX));
    let entity = n.map(|n| element("Push", hash(group, n)));
    wire::Key {
        partition_id: Some(partition()),
        path: [ancestor].into_iter().chain(entity).collect(),
    }
}

fn hash(group: u64, n: u64) -> u128 {
    xxh3_128_with_seed(&n.to_le_bytes(), group)
}

fn partition() -> wire::PartitionId {
    wire::PartitionId {
        project_id: PROJECT.to_owned(),
        ..wire::PartitionId::default()
    }
}

fn value(value_type: ValueType) -> wire::Value {
    wire::Value {
        value_type: Some(value_type),
        ..wire::Value::default()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn an_entity_has_about_600_bytes_whatever_its_number() {
        for n in [0, 7, GROUP - 1] {
            let bytes = entity(3, n, 0).encoded_len();

            assert!((580..=680).contains(&bytes), "{bytes} bytes");
        }
    }

    #[test]
    fn no_two_entities_share_a_key() {
        assert_ne!(key(1, Some(2)), key(2, Some(1)));
        assert_ne!(key(1, Some(2)), key(1, Some(3)));
    }
}
