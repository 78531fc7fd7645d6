//! What mutations do.

use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google::r#type::LatLng;
use prost_types::Timestamp;
use tonic::Code;
use wire::commit_request::{Mode, TransactionSelector};
use wire::key::path_element::IdType;
use wire::mutation::{ConflictDetectionStrategy, ConflictResolutionStrategy};
use wire::value::ValueType;

use crate::world::{World, array, delete, excluded, insert, int, properties, text, update, upsert, value};

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

pub(crate) async fn an_incomplete_key_is_given_an_id(world: &World) {
    let incomplete = || world.entity("Parent/p/Task", &[("v", int(1))]);

    let answer = world
        .commit(vec![
            insert(incomplete()),
            upsert(incomplete()),
            insert(world.entity("Task/named", &[])),
        ])
        .await
        .expect("they are written");

    let ids: Vec<Option<i64>> = answer
        .mutation_results
        .iter()
        .map(|result| given_id(result.key.as_ref()?))
        .collect();
    assert!(
        matches!(ids[..], [Some(a), Some(b), None] if a > 0 && b > 0 && a != b),
        "{ids:?}"
    );
    let id = ids[0].expect("checked above");
    assert_eq!(world.number(&format!("Parent/p/Task/{id}"), "v").await, Some(1));
}

pub(crate) async fn allocated_ids_differ(world: &World) {
    let request = wire::AllocateIdsRequest {
        project_id: world.project.clone(),
        keys: vec![world.key("Task"); 50],
        ..wire::AllocateIdsRequest::default()
    };

    let answer = world
        .client()
        .allocate_ids(request)
        .await
        .expect("ids are allocated")
        .into_inner();

    let mut ids: Vec<i64> = answer.keys.iter().filter_map(given_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    assert!(ids[0] > 0);
}

pub(crate) async fn keys_must_be_complete_where_nothing_is_inserted(world: &World) {
    let refused = [
        world
            .commit(vec![update(world.entity("Task", &[]))])
            .await
            .map(|_| ()),
        world.commit(vec![delete(world.key("Task"))]).await.map(|_| ()),
        world.lookup(&["Task"], None).await.map(|_| ()),
    ];

    for refused in refused {
        assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    }
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

pub(crate) async fn names_that_datastore_reserves_are_refused(world: &World) {
    let refused = [
        world.entity("__Task__/a", &[]),
        world.entity("Task/a", &[("__v__", int(1))]),
        world.entity("Task/a", &[("", int(1))]),
        world.entity("Task/0", &[]),
        world.entity("/a", &[]),
    ];

    for entity in refused {
        let refused = world.commit(vec![upsert(entity)]).await;
        assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    }
}

pub(crate) async fn projects_databases_and_namespaces_are_apart(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let mut elsewhere = world.entity("Task/a", &[("v", int(2))]);
    let partition = elsewhere.key.as_mut().and_then(|key| key.partition_id.as_mut());
    partition.expect("the key has a partition").namespace_id = "other".to_owned();

    world.put(vec![elsewhere]).await;

    assert_eq!(world.number("Task/a", "v").await, Some(1));
    assert!(world.beside().find("Task/a").await.is_none());
}

pub(crate) async fn keys_of_another_project_are_refused(world: &World) {
    let mut key = world.key("Task/a");
    key.partition_id
        .as_mut()
        .expect("the key has a partition")
        .project_id = "somebody-else".to_owned();

    let refused = world.commit(vec![delete(key)]).await;

    assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
}

pub(crate) async fn a_lookup_answers_a_key_once(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;

    let answer = world
        .lookup(&["Task/a", "Task/none", "Task/a"], None)
        .await
        .expect("it is answered");

    assert_eq!(
        (answer.found.len(), answer.missing.len(), answer.deferred.len()),
        (1, 1, 0)
    );
    let missing = answer.missing[0]
        .entity
        .as_ref()
        .expect("a missing one has its key");
    assert_eq!(missing.key, Some(world.key("Task/none")));
}

fn given_id(key: &wire::Key) -> Option<i64> {
    match key.path.last()?.id_type {
        Some(IdType::Id(id)) => Some(id),
        Some(IdType::Name(_)) | None => None,
    }
}
