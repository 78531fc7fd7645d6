//! A Datastore server, and a client with a project of its own.

use emulator::datastore::{Config, Server};
use gcloud_sdk::google::datastore::v1 as wire;
use tonic::Status;
use tonic::transport::Channel;
use wire::commit_request::{Mode, TransactionSelector};
use wire::datastore_client::DatastoreClient;
use wire::key::PathElement;
use wire::key::path_element::IdType;
use wire::mutation::Operation;
use wire::property_filter::Operator;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;

const PROJECT: &str = "project";

/// A server, and a client of it.
pub(crate) async fn start(config: Config) -> (Server, Tasks) {
    let server = Server::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .expect("it starts");
    let tasks = Tasks::at(&format!("http://{}", server.address())).await;
    (server, tasks)
}

/// Entities of kind `Task` with a name and an indexed number `v`.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(DatastoreClient<Channel>);

impl Tasks {
    pub(crate) async fn at(url: &str) -> Self {
        let client = DatastoreClient::connect(url.to_owned())
            .await
            .expect("it listens");
        Self(client)
    }

    pub(crate) async fn begin(&self) -> Vec<u8> {
        let request = wire::BeginTransactionRequest {
            project_id: PROJECT.to_owned(),
            ..Default::default()
        };
        self.0
            .clone()
            .begin_transaction(request)
            .await
            .expect("a transaction begins")
            .into_inner()
            .transaction
    }

    pub(crate) async fn roll_back(&self, transaction: &[u8]) {
        let request = wire::RollbackRequest {
            project_id: PROJECT.to_owned(),
            transaction: transaction.to_vec(),
            ..Default::default()
        };
        self.0
            .clone()
            .rollback(request)
            .await
            .expect("a rollback is answered");
    }

    /// Writes tasks in a transaction; a `None` deletes.
    pub(crate) async fn commit(
        &self,
        transaction: Option<&[u8]>,
        tasks: &[(String, Option<i64>)],
    ) -> Result<wire::CommitResponse, Status> {
        let selector = match transaction {
            Some(transaction) => TransactionSelector::Transaction(transaction.to_vec()),
            None => TransactionSelector::SingleUseTransaction(wire::TransactionOptions::default()),
        };
        let request = wire::CommitRequest {
            project_id: PROJECT.to_owned(),
            mode: Mode::Transactional.into(),
            mutations: tasks.iter().map(|(name, v)| mutation(name, *v)).collect(),
            transaction_selector: Some(selector),
            ..Default::default()
        };
        Ok(self.0.clone().commit(request).await?.into_inner())
    }

    pub(crate) async fn put(&self, name: &str, v: Option<i64>) {
        self.commit(None, &[(name.to_owned(), v)])
            .await
            .expect("a task is written");
    }

    /// The numbers of those tasks that are there, in the order of the names.
    pub(crate) async fn find(&self, transaction: Option<&[u8]>, names: &[&str]) -> Result<Vec<i64>, Status> {
        let request = wire::LookupRequest {
            project_id: PROJECT.to_owned(),
            keys: names.iter().map(|name| key(name)).collect(),
            read_options: options(transaction),
            ..Default::default()
        };
        let found = self.0.clone().lookup(request).await?.into_inner().found;
        Ok(found
            .iter()
            .filter_map(|result| number(result.entity.as_ref()?))
            .collect())
    }

    /// The names of tasks with these equalities, in that order (`-` in front: descending).
    pub(crate) async fn query(
        &self,
        transaction: Option<&[u8]>,
        equal: &[(&str, i64)],
        order: &str,
    ) -> Result<String, Status> {
        let conditions = equal.iter().map(|(name, number)| equals(name, *number)).collect();
        let filter = wire::CompositeFilter {
            op: wire::composite_filter::Operator::And.into(),
            filters: conditions,
        };
        let query = wire::Query {
            kind: vec![wire::KindExpression {
                name: "Task".to_owned(),
            }],
            filter: Some(wire::Filter {
                filter_type: Some(wire::filter::FilterType::CompositeFilter(filter)),
            }),
            order: vec![property_order(order)],
            ..Default::default()
        };
        let request = wire::RunQueryRequest {
            project_id: PROJECT.to_owned(),
            read_options: options(transaction),
            query_type: Some(wire::run_query_request::QueryType::Query(query)),
            ..Default::default()
        };
        let batch = self
            .0
            .clone()
            .run_query(request)
            .await?
            .into_inner()
            .batch
            .unwrap_or_default();
        let names = batch
            .entity_results
            .iter()
            .filter_map(|result| name(result.entity.as_ref()?));
        Ok(names.collect::<Vec<_>>().join(" "))
    }
}

fn key(name: &str) -> wire::Key {
    let element = PathElement {
        kind: "Task".to_owned(),
        id_type: Some(IdType::Name(name.to_owned())),
    };
    wire::Key {
        path: vec![element],
        ..Default::default()
    }
}

fn mutation(name: &str, v: Option<i64>) -> wire::Mutation {
    let operation = match v {
        Some(v) => {
            let value = |number| wire::Value {
                value_type: Some(ValueType::IntegerValue(number)),
                ..Default::default()
            };
            let properties = [("v".to_owned(), value(v)), ("w".to_owned(), value(v % 2))];
            Operation::Upsert(wire::Entity {
                key: Some(key(name)),
                properties: properties.into(),
            })
        }
        None => Operation::Delete(key(name)),
    };
    wire::Mutation {
        operation: Some(operation),
        ..Default::default()
    }
}

fn options(transaction: Option<&[u8]>) -> Option<wire::ReadOptions> {
    let transaction = ConsistencyType::Transaction(transaction?.to_vec());
    Some(wire::ReadOptions {
        consistency_type: Some(transaction),
    })
}

fn equals(name: &str, number: i64) -> wire::Filter {
    let value = wire::Value {
        value_type: Some(ValueType::IntegerValue(number)),
        ..Default::default()
    };
    let leaf = wire::PropertyFilter {
        property: Some(wire::PropertyReference {
            name: name.to_owned(),
        }),
        op: Operator::Equal.into(),
        value: Some(value),
    };
    wire::Filter {
        filter_type: Some(wire::filter::FilterType::PropertyFilter(leaf)),
    }
}

fn property_order(order: &str) -> wire::PropertyOrder {
    use wire::property_order::Direction;

    let (direction, name) = match order.strip_prefix('-') {
        Some(name) => (Direction::Descending, name),
        None => (Direction::Ascending, order),
    };
    let property = Some(wire::PropertyReference {
        name: name.to_owned(),
    });
    wire::PropertyOrder {
        property,
        direction: direction.into(),
    }
}

fn number(entity: &wire::Entity) -> Option<i64> {
    match entity.properties.get("v")?.value_type {
        Some(ValueType::IntegerValue(number)) => Some(number),
        _ => None,
    }
}

fn name(entity: &wire::Entity) -> Option<String> {
    match &entity.key.as_ref()?.path.last()?.id_type {
        Some(IdType::Name(name)) => Some(name.clone()),
        _ => None,
    }
}
