//! What mutations do.

use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google::r#type::LatLng;
use prost_types::Timestamp;
use tonic::Code;
use wire::commit_request::{Mode, TransactionSelector};
use wire::mutation::{ConflictDetectionStrategy, ConflictResolutionStrategy};
use wire::value::ValueType;

use crate::words::{array, delete, excluded, insert, int, properties, text, update, upsert, value};
use crate::world::World;

pub(crate) async fn an_entity_comes_back_as_it_was_written(world: &World) {
    let inner = world.entity("Inner/x", &[("deep", int(1))]);
    let written = world.entity(
        "Task/all",
        &[
            ("null", value(ValueType::NullValue(0))),
            ("boolean", value(ValueType::BooleanValue(true))),
            ("integer", int(i64::MIN)),
            ("double", value(ValueType::DoubleValue(-1.5))),
            (
                "timestamp",
                value(ValueType::TimestampValue(Timestamp {
                    seconds: 7,
                    nanos: 8_000,
                })),
            ),
            ("key", value(ValueType::KeyValue(world.key("Task/other")))),
            ("string", text("狼煙")),
            ("blob", value(ValueType::BlobValue(vec![0, 255]))),
            (
                "point",
                value(ValueType::GeoPointValue(LatLng {
                    latitude: 35.0,
                    longitude: 139.0,
                })),
            ),
            ("entity", excluded(value(ValueType::EntityValue(inner)))),
            ("array", array(vec![int(2), excluded(text("two"))])),
            ("empty", array(vec![])),
            ("hidden", excluded(text("not indexed"))),
        ],
    );

    world
        .commit(vec![insert(written.clone())])
        .await
        .expect("it is written");

    let found = world.find("Task/all").await.expect("it is there");
    assert_eq!(found.entity, Some(written));
}

pub(crate) async fn an_insert_of_an_existing_key_undoes_its_transaction(world: &World) {
    world.put(vec![world.entity("Task/old", &[("v", int(1))])]).await;
    let transaction = world.begin().await;

    let refused = world
        .commit_in(
            &transaction,
            vec![
                insert(world.entity("Task/new", &[])),
                insert(world.entity("Task/old", &[("v", int(2))])),
            ],
        )
        .await;

    assert_eq!(refused.expect_err("it is refused").code(), Code::AlreadyExists);
    assert!(world.find("Task/new").await.is_none());
    assert_eq!(world.number("Task/old", "v").await, Some(1));
}

pub(crate) async fn an_update_needs_an_entity(world: &World) {
    let refused = world
        .commit(vec![update(world.entity("Task/a", &[("v", int(1))]))])
        .await;
    assert_eq!(refused.expect_err("it is refused").code(), Code::NotFound);

    world
        .put(vec![world.entity("Task/a", &[("v", int(1)), ("w", int(1))])])
        .await;
    world
        .commit(vec![update(world.entity("Task/a", &[("v", int(2))]))])
        .await
        .expect("it is updated");

    assert_eq!(world.number("Task/a", "v").await, Some(2));
    assert_eq!(world.number("Task/a", "w").await, None);
}

pub(crate) async fn an_upsert_creates_and_replaces(world: &World) {
    world
        .commit(vec![upsert(world.entity("Task/a", &[("v", int(1))]))])
        .await
        .expect("it is created");
    world
        .commit(vec![upsert(world.entity("Task/a", &[("w", int(2))]))])
        .await
        .expect("it is replaced");

    assert_eq!(world.number("Task/a", "v").await, None);
    assert_eq!(world.number("Task/a", "w").await, Some(2));
}

pub(crate) async fn a_delete_of_a_missing_entity_is_no_error(world: &World) {
    world.put(vec![world.entity("Task/a", &[])]).await;

    let deleted = world
        .commit(vec![delete(world.key("Task/a")), delete(world.key("Task/none"))])
        .await;

    assert_eq!(deleted.expect("both are deleted").mutation_results.len(), 2);
    assert!(world.find("Task/a").await.is_none());
}

pub(crate) async fn a_write_raises_the_version_and_keeps_the_creation_time(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let first = world.find("Task/a").await.expect("it is there");

    let answer = world
        .commit(vec![upsert(world.entity("Task/a", &[("v", int(2))]))])
        .await
        .expect("it is written");

    let second = world.find("Task/a").await.expect("it is there");
    assert!(second.version > first.version);
    assert_eq!(answer.mutation_results[0].version, second.version);
    assert_eq!(second.create_time, first.create_time);
    assert_eq!(first.create_time, first.update_time);
    assert_eq!(answer.mutation_results[0].update_time, second.update_time);
}

pub(crate) async fn a_write_of_the_same_content_keeps_the_version(world: &World) {
    let entity = world.entity("Task/a", &[("v", int(1)), ("w", text("x"))]);
    world.put(vec![entity.clone()]).await;
    let first = world.find("Task/a").await.expect("it is there");

    world.put(vec![entity]).await;

    assert_eq!(
        world.find("Task/a").await.expect("it is there").version,
        first.version
    );
}

pub(crate) async fn several_mutations_of_a_key_are_refused_outside_of_a_transaction(world: &World) {
    let twice = vec![insert(world.entity("Task/a", &[])), delete(world.key("Task/a"))];

    let refused = world.commit(twice).await;

    assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    assert!(world.find("Task/a").await.is_none());
}

pub(crate) async fn several_mutations_of_a_key_follow_each_other_in_a_transaction(world: &World) {
    let transaction = world.begin().await;

    world
        .commit_in(
            &transaction,
            vec![
                insert(world.entity("Task/kept", &[("v", int(1))])),
                update(world.entity("Task/kept", &[("v", int(2))])),
                insert(world.entity("Task/gone", &[])),
                delete(world.key("Task/gone")),
            ],
        )
        .await
        .expect("they follow each other");

    assert_eq!(world.number("Task/kept", "v").await, Some(2));
    assert!(world.find("Task/gone").await.is_none());
}

pub(crate) async fn mutations_that_cannot_follow_each_other_are_refused(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let entity = || world.entity("Task/a", &[("v", int(2))]);
    let pairs = [
        vec![insert(entity()), insert(entity())],
        vec![update(entity()), insert(entity())],
        vec![upsert(entity()), insert(entity())],
        vec![delete(world.key("Task/a")), update(entity())],
    ];

    for pair in pairs {
        let transaction = world.begin().await;
        let refused = world.commit_in(&transaction, pair).await;
        assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    }

    assert_eq!(world.number("Task/a", "v").await, Some(1));
}

pub(crate) async fn a_commit_without_a_transaction_keeps_what_came_before_its_failure(world: &World) {
    world.put(vec![world.entity("Task/old", &[])]).await;

    let refused = world
        .commit(vec![
            insert(world.entity("Task/before", &[])),
            insert(world.entity("Task/old", &[])),
            insert(world.entity("Task/after", &[])),
        ])
        .await;

    assert_eq!(refused.expect_err("one is refused").code(), Code::AlreadyExists);
    assert!(world.find("Task/before").await.is_some());
    assert!(world.find("Task/after").await.is_none());
}

pub(crate) async fn a_single_use_transaction_commits(world: &World) {
    let selector = TransactionSelector::SingleUseTransaction(wire::TransactionOptions::default());

    let answer = world
        .send_commit(
            Mode::Transactional,
            Some(selector),
            vec![insert(world.entity("Task/a", &[("v", int(1))]))],
        )
        .await
        .expect("it commits");

    assert_eq!(answer.mutation_results.len(), 1);
    assert_eq!(world.number("Task/a", "v").await, Some(1));
}

pub(crate) async fn a_masked_update_keeps_the_other_properties(world: &World) {
    world
        .put(vec![
            world.entity("Task/a", &[("v", int(1)), ("w", int(1)), ("x", int(1))]),
        ])
        .await;
    let given = world.entity("Task/a", &[("v", int(2)), ("x", int(2))]);
    let mask = wire::PropertyMask {
        paths: vec!["v".to_owned(), "w".to_owned()],
    };

    world
        .commit(vec![wire::Mutation {
            property_mask: Some(mask),
            ..update(given)
        }])
        .await
        .expect("it is updated");

    let found = world.find("Task/a").await.expect("it is there");
    assert_eq!(properties(&found)["v"], int(2));
    assert!(!properties(&found).contains_key("w"));
    assert_eq!(properties(&found)["x"], int(1));
}

pub(crate) async fn a_failing_condition_on_the_version_stops_the_commit(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let version = world.find("Task/a").await.expect("it is there").version;
    let conditional = |number: i64| wire::Mutation {
        conflict_detection_strategy: Some(ConflictDetectionStrategy::BaseVersion(version)),
        conflict_resolution_strategy: ConflictResolutionStrategy::Fail.into(),
        ..upsert(world.entity("Task/a", &[("v", int(number))]))
    };

    world
        .commit(vec![conditional(2)])
        .await
        .expect("the version is the one that is there");
    let refused = world.commit(vec![conditional(3)]).await;

    assert_eq!(
        refused.expect_err("the version has gone by").code(),
        Code::FailedPrecondition
    );
    assert_eq!(world.number("Task/a", "v").await, Some(2));
}

pub(crate) async fn five_hundred_inserts_are_one_transaction(world: &World) {
    let transaction = world.begin().await;
    let entity = |number: i64| world.entity(&format!("Chunk/c/Push/{}", number + 1), &[("v", int(number))]);

    let answer = world
        .commit_in(&transaction, (0..500).map(entity).map(insert).collect())
        .await;

    let results = answer.expect("they are written").mutation_results;
    assert_eq!(results.len(), 500);
    assert!(results.iter().all(|result| result.version == results[0].version));
    assert_eq!(world.number("Chunk/c/Push/500", "v").await, Some(499));
}
