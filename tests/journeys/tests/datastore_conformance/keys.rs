//! Which keys there are, and how far they reach.

use gcloud_sdk::google::datastore::v1 as wire;
use tonic::Code;
use wire::key::path_element::IdType;

use crate::words::{delete, insert, int, update, upsert};
use crate::world::World;

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

pub(crate) async fn projects_and_namespaces_are_apart(world: &World) {
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
