//! What is written is what the generated messages read.

use campaign::{CampaignId, ChunkId, PushId, Reason, Standing};
use chrono::DateTime;
use gcloud_sdk::google::datastore::v1::commit_request::TransactionSelector;
use gcloud_sdk::google::datastore::v1::mutation::Operation;
use gcloud_sdk::google::datastore::v1::transaction_options::{Mode as TransactionMode, ReadWrite};
use gcloud_sdk::google::datastore::v1::{CommitRequest, Entity, Mutation, TransactionOptions};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entity::{chunk_key, push_key};
use crate::push::Push;

fn partition() -> PartitionId {
    PartitionId {
        project_id: "project".to_owned(),
        database_id: "database".to_owned(),
        namespace_id: "namespace".to_owned(),
    }
}

fn push() -> Push {
    Push {
        id: PushId(Uuid::from_u128(1)),
        chunk: ChunkId(Uuid::from_u128(2)),
        campaign: CampaignId(Uuid::from_u128(3)),
        place: 498,
        user: Some("user".to_owned()),
        locale: Some("ja-JP".to_owned()),
        variables: vec![("name".to_owned(), "狼煙".to_owned())],
        message: None,
        standing: Standing::Settled(Reason::Accepted),
        settled_at: DateTime::from_timestamp_micros(1_782_907_200_123_456),
    }
}

fn read(changes: Changes, within: &Within) -> CommitRequest {
    CommitRequest::decode(changes.into_request(&partition(), within).as_slice()).unwrap()
}

fn inserted(push: &Push) -> Entity {
    let mut changes = Changes::default();
    changes.insert(|entity| push.write(&partition(), entity));
    let mut mutations = read(changes, &Within::Itself).mutations;
    match mutations.remove(0).operation {
        Some(Operation::Insert(entity)) => entity,
        other => panic!("not an insertion: {other:?}"),
    }
}

#[test]
fn changes_are_read_in_their_order_and_in_their_transaction() {
    let (partition, push) = (partition(), push());
    let key = push_key(&partition, push.chunk, push.id);
    let entity = inserted(&push);
    let mut changes = Changes::default();
    changes.update(|entity| push.write(&partition, entity));
    changes.insert(|entity| push.write(&partition, entity));
    changes.delete(&key);

    let request = read(changes.clone(), &Within::Transaction(vec![0, 255]));
    let by_itself = read(changes, &Within::Itself).transaction_selector;

    let operations = [
        Operation::Update(entity.clone()),
        Operation::Insert(entity),
        Operation::Delete(key),
    ];
    let expected = CommitRequest {
        project_id: partition.project_id,
        database_id: partition.database_id,
        mode: Mode::Transactional as i32,
        mutations: operations
            .map(|operation| Mutation {
                operation: Some(operation),
                ..Mutation::default()
            })
            .into(),
        transaction_selector: Some(TransactionSelector::Transaction(vec![0, 255])),
        ..CommitRequest::default()
    };
    assert_eq!(request, expected);
    let options = TransactionOptions {
        mode: Some(TransactionMode::ReadWrite(ReadWrite::default())),
    };
    assert_eq!(
        by_itself,
        Some(TransactionSelector::SingleUseTransaction(options))
    );
}

#[test]
fn a_push_is_found_by_its_user_alone() {
    let entity = inserted(&push());

    let indexed = entity.properties.iter();
    let indexed = indexed.filter(|(_, value)| !value.exclude_from_indexes);
    let names = indexed.map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["user"]);
    assert_eq!(entity.key, Some(push_key(&partition(), push().chunk, push().id)));
}

#[test]
fn an_instant_beyond_datastores_last_is_stored_as_that() {
    let push = Push {
        settled_at: Some(DateTime::<chrono::Utc>::MAX_UTC),
        ..push()
    };

    let read = Push::from_entity(inserted(&push)).unwrap();

    let at = read.settled_at.unwrap();
    assert_eq!(at.format("%Y-%m-%d %H:%M:%S").to_string(), "9999-12-31 23:59:59");
}

#[test]
fn a_chunks_key_is_what_its_pushes_keys_begin_with() {
    let (partition, push) = (partition(), push());

    let key = push_key(&partition, push.chunk, push.id);

    assert_eq!(key.path[..1], chunk_key(&partition, push.chunk).path);
}

proptest! {
    #[test]
    fn a_push_is_read_as_it_was_written(
        user in ".{0,200}",
        variables in prop::collection::btree_map(".{1,20}", ".{0,3000}", 0..5),
        place in any::<u16>(),
        id in any::<u128>(),
    ) {
        let push = Push {
            id: PushId(Uuid::from_u128(id)),
            place,
            user: Some(user),
            variables: variables.into_iter().collect(),
            ..push()
        };

        let read = Push::from_entity(inserted(&push)).unwrap();

        prop_assert_eq!(read, push);
    }
}
