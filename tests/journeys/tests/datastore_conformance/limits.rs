//! Where production is stricter than Google's emulators, or more careful.

use gcloud_sdk::google::datastore::v1 as wire;
use tonic::Code;
use wire::mutation::ConflictDetectionStrategy;
use wire::property_filter::Operator;
use wire::query_result_batch::MoreResultsType;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;

use crate::words::{QueryWords, array, delete, excluded, int, query, text, upsert, value};
use crate::world::World;

pub(crate) async fn more_mutations_than_allowed_are_refused(world: &World) {
    let deletes = |number: i64| {
        (1..=number)
            .map(|id| delete(world.key(&format!("Task/{id}"))))
            .collect()
    };

    world
        .commit(deletes(500))
        .await
        .expect("five hundred are allowed");
    let refused = world.commit(deletes(501)).await;

    let status = refused.expect_err("one more is not");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "cannot write more than 500 entities in a single call"
    );
}

pub(crate) async fn more_keys_than_allowed_are_refused(world: &World) {
    let paths: Vec<String> = (1..=1_001).map(|id| format!("Task/{id}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();

    world
        .lookup(&paths[..1_000], None)
        .await
        .expect("a thousand are allowed");
    let refused = world.lookup(&paths, None).await;

    assert_eq!(
        refused.expect_err("one more is not").code(),
        Code::InvalidArgument
    );
}

pub(crate) async fn a_request_over_ten_mebibytes_is_refused(world: &World) {
    let entity = |id: usize| world.entity(&format!("Task/{id}"), &[("v", blob(1_000_000))]);

    world
        .commit((1..=10).map(entity).map(upsert).collect())
        .await
        .expect("less than 10 MiB is allowed");
    let refused = world.commit((1..=11).map(entity).map(upsert).collect()).await;

    assert_eq!(refused.expect_err("more is not").code(), Code::InvalidArgument);
}

pub(crate) async fn an_entity_over_one_mebibyte_is_refused(world: &World) {
    let of_size = |bytes| world.entity("Task/a", &[("v", blob(bytes))]);

    world
        .commit(vec![upsert(of_size(1_000_000))])
        .await
        .expect("a megabyte is allowed");
    let refused = world.commit(vec![upsert(of_size(1 << 20))]).await;

    assert_eq!(
        refused.expect_err("more than a mebibyte is not").code(),
        Code::InvalidArgument
    );
}

pub(crate) async fn long_names_and_indexed_strings_are_refused(world: &World) {
    let (fits, long) = ("x".repeat(1_500), "x".repeat(1_501));
    let named = |name: &str| world.entity(&format!("Task/{name}"), &[]);
    let valued = |value| world.entity("Task/a", &[("v", value)]);

    for entity in [named(&fits), valued(text(&fits)), valued(excluded(text(&long)))] {
        world.commit(vec![upsert(entity)]).await.expect("it is allowed");
    }
    for entity in [
        named(&long),
        valued(text(&long)),
        valued(array(vec![text(&long)])),
    ] {
        let refused = world.commit(vec![upsert(entity)]).await;
        assert_eq!(
            refused.expect_err("it is not allowed").code(),
            Code::InvalidArgument
        );
    }
}

pub(crate) async fn too_many_index_entries_are_refused(world: &World) {
    let numbers = |number| world.entity("Task/a", &[("n", array((0..number).map(int).collect()))]);

    world
        .commit(vec![upsert(numbers(20_000))])
        .await
        .expect("20,000 are allowed");
    let refused = world.commit(vec![upsert(numbers(20_001))]).await;

    assert_eq!(
        refused.expect_err("one more is not").code(),
        Code::InvalidArgument
    );
}

pub(crate) async fn a_query_without_its_index_names_the_one_it_needs(world: &World) {
    let ancestor = value(ValueType::KeyValue(world.key("Chunk/c")));
    let asking = query("Push")
        .filter("__key__", Operator::HasAncestor, ancestor)
        .filter("state", Operator::Equal, text("sent"))
        .order("-at");

    let refused = world.run(asking).await;

    let status = refused.expect_err("there is no such index");
    assert_eq!(status.code(), Code::FailedPrecondition);
    let expected = "no matching index found. recommended index is:\n\
                    - kind: Push\n  \
                      ancestor: yes\n  \
                      properties:\n  \
                      - name: state\n  \
                      - name: at\n    \
                        direction: desc\n";
    assert_eq!(status.message(), expected);
}

pub(crate) async fn a_conflict_in_version_keeps_the_stored_entity(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let outdated = wire::Mutation {
        conflict_detection_strategy: Some(ConflictDetectionStrategy::BaseVersion(1)),
        ..upsert(world.entity("Task/a", &[("v", int(2))]))
    };

    let answer = world
        .commit(vec![outdated])
        .await
        .expect("the commit goes through");

    assert!(answer.mutation_results[0].conflict_detected);
    assert_eq!(world.number("Task/a", "v").await, Some(1));
}

pub(crate) async fn a_lookup_can_begin_a_transaction(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let new = ConsistencyType::NewTransaction(wire::TransactionOptions::default());

    let answer = world
        .lookup(&["Task/a"], Some(new))
        .await
        .expect("it is answered");
    world
        .commit_in(
            &answer.transaction,
            vec![upsert(world.entity("Task/a", &[("v", int(2))]))],
        )
        .await
        .expect("it commits");

    assert_eq!(world.number("Task/a", "v").await, Some(2));
}

pub(crate) async fn an_unlimited_query_ends_before_its_answer_grows_too_big(world: &World) {
    for part in 0..4 {
        let entity = |id: i64| world.entity(&format!("Task/{}", part * 25 + id), &[("v", blob(50_000))]);
        world.put((1..=25).map(entity).collect()).await;
    }

    // A client that is not told otherwise takes no answer over 4 MiB.
    let first = world.run(query("Task")).await.expect("it is answered");
    let rest = wire::Query {
        start_cursor: first.end_cursor.clone(),
        ..query("Task")
    };
    let second = world.run(rest).await.expect("it is answered");

    assert_eq!(first.more_results(), MoreResultsType::NotFinished);
    assert_eq!(second.more_results(), MoreResultsType::NoMoreResults);
    assert_eq!(first.entity_results.len() + second.entity_results.len(), 100);
}

pub(crate) async fn the_end_of_results_has_a_cursor_that_stays_there(world: &World) {
    world.put(vec![world.entity("Task/a", &[])]).await;
    let last = world.run(query("Task")).await.expect("it is answered");

    let behind = wire::Query {
        start_cursor: last.end_cursor.clone(),
        ..query("Task")
    };
    let nothing = world.run(behind).await.expect("it is answered");

    assert!(nothing.entity_results.is_empty());
    assert_eq!(nothing.end_cursor, last.end_cursor);
}

pub(crate) async fn gql_is_refused(world: &World) {
    let gql = wire::GqlQuery {
        query_string: "SELECT * FROM Task".to_owned(),
        ..wire::GqlQuery::default()
    };
    let request = wire::RunQueryRequest {
        project_id: world.project.clone(),
        query_type: Some(wire::run_query_request::QueryType::GqlQuery(gql)),
        ..wire::RunQueryRequest::default()
    };

    let refused = world.client().run_query(request).await;

    assert_eq!(refused.expect_err("it is refused").code(), Code::Unimplemented);
}

fn blob(bytes: usize) -> wire::Value {
    excluded(value(ValueType::BlobValue(vec![7; bytes])))
}
