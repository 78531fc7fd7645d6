//! What queries find.

use gcloud_sdk::google::datastore::v1 as wire;
use tonic::Code;
use wire::property_filter::Operator;
use wire::value::ValueType;

use crate::words::{QueryWords, array, condition, excluded, five, int, key, query, text, value};
use crate::world::World;

pub(crate) async fn an_ancestor_query_finds_the_entity_and_all_below(world: &World) {
    let paths = [
        "Chunk/c",
        "Chunk/c/Push/1",
        "Chunk/c/Push/1/Push/2",
        "Chunk/cc/Push/3",
        "Chunk/d/Push/4",
    ];
    world
        .put(paths.map(|path| world.entity(path, &[("v", int(1))])).to_vec())
        .await;

    let below = |kind| query(kind).filter("__key__", Operator::HasAncestor, key(world, "Chunk/c"));
    assert_eq!(world.names(below("Push")).await, "1 2");
    assert_eq!(world.names(below("Chunk")).await, "c");
    assert_eq!(world.names(below("")).await, "c 1 2");
    assert_eq!(
        world
            .names(below("Push").filter("v", Operator::Equal, int(1)))
            .await,
        "1 2"
    );
}

pub(crate) async fn a_query_without_kind_finds_every_kind(world: &World) {
    world
        .put(
            ["B/1", "A/2", "A/2/C/3", "C/4"]
                .map(|path| world.entity(path, &[]))
                .to_vec(),
        )
        .await;

    let behind = query("").filter("__key__", Operator::GreaterThan, key(world, "A/2"));

    assert_eq!(world.names(query("")).await, "2 3 1 4");
    assert_eq!(world.names(behind).await, "3 1 4");
}

pub(crate) async fn filters_on_the_key_are_ranges(world: &World) {
    world
        .put(
            ["1", "2", "3", "a", "b"]
                .map(|id| world.entity(&format!("Task/{id}"), &[]))
                .to_vec(),
        )
        .await;

    let by_key =
        |operator, id: &str| query("Task").filter("__key__", operator, key(world, &format!("Task/{id}")));
    assert_eq!(world.names(by_key(Operator::GreaterThan, "2")).await, "3 a b");
    assert_eq!(world.names(by_key(Operator::LessThanOrEqual, "2")).await, "1 2");
    assert_eq!(world.names(by_key(Operator::Equal, "a")).await, "a");
    let either = array(vec![
        key(world, "Task/a"),
        key(world, "Task/2"),
        key(world, "Task/none"),
    ]);
    assert_eq!(
        world
            .names(query("Task").filter("__key__", Operator::In, either))
            .await,
        "2 a"
    );
}

pub(crate) async fn inequalities_bound_an_order(world: &World) {
    five(world).await;

    let bounded = |operator, number| query("Task").filter("v", operator, int(number));
    assert_eq!(world.names(bounded(Operator::GreaterThan, 1)).await, "b d e");
    assert_eq!(
        world
            .names(bounded(Operator::GreaterThanOrEqual, 2).order("-v"))
            .await,
        "e d b"
    );
    assert_eq!(world.names(bounded(Operator::LessThan, 2)).await, "a c");
    assert_eq!(
        world
            .names(bounded(Operator::GreaterThan, 1).filter("v", Operator::LessThan, int(3)))
            .await,
        "b d"
    );
    assert_eq!(world.names(bounded(Operator::GreaterThan, 3)).await, "");
}

pub(crate) async fn equalities_are_merged(world: &World) {
    let entity = |number: i64| {
        let properties = [
            ("two", int(number % 2)),
            ("three", int(number % 3)),
            ("five", int(number % 5)),
        ];
        world.entity(&format!("Number/{number}"), &properties)
    };
    world.put((1..=120).map(entity).collect()).await;

    let equal = query("Number")
        .filter("two", Operator::Equal, int(1))
        .filter("three", Operator::Equal, int(2))
        .filter("five", Operator::Equal, int(0));
    assert_eq!(world.names(equal.clone()).await, "5 35 65 95");
    assert_eq!(world.names(equal.order("-__key__")).await, "95 65 35 5");
}

pub(crate) async fn membership_and_exclusion(world: &World) {
    five(world).await;

    let among = |operator| query("Task").filter("v", operator, array(vec![int(3), int(1)]));
    assert_eq!(world.names(among(Operator::In)).await, "a c e");
    assert_eq!(world.names(among(Operator::In).order("-v")).await, "e c a");
    assert_eq!(world.names(among(Operator::NotIn)).await, "b d");
    assert_eq!(
        world
            .names(query("Task").filter("v", Operator::NotEqual, int(2)))
            .await,
        "a c e"
    );
}

pub(crate) async fn alternatives_are_united(world: &World) {
    five(world).await;

    let either = vec![
        condition("v", Operator::Equal, int(3)),
        condition("w", Operator::Equal, int(2)),
    ];
    assert_eq!(world.names(query("Task").any(either.clone())).await, "c d e");
    assert_eq!(
        world
            .names(query("Task").any(either).filter("v", Operator::Equal, int(2)))
            .await,
        "d"
    );
}

pub(crate) async fn two_inequalities_bound_two_properties(world: &World) {
    five(world).await;

    let both =
        query("Task")
            .filter("v", Operator::GreaterThan, int(1))
            .filter("w", Operator::LessThan, int(2));

    assert_eq!(world.names(both).await, "b e");
}

pub(crate) async fn arrays_are_found_by_each_element(world: &World) {
    let tags = |name: &str, tags: &[&str]| {
        world.entity(
            &format!("Task/{name}"),
            &[("t", array(tags.iter().map(|tag| text(tag)).collect()))],
        )
    };
    world
        .put(vec![
            tags("a", &["x", "z"]),
            tags("b", &["y"]),
            tags("c", &["x", "y", "x"]),
            tags("d", &[]),
        ])
        .await;

    let tagged = |tag| query("Task").filter("t", Operator::Equal, text(tag));
    assert_eq!(world.names(tagged("x")).await, "a c");
    assert_eq!(
        world
            .names(tagged("x").filter("t", Operator::Equal, text("y")))
            .await,
        "c"
    );
    let between = query("Task").filter("t", Operator::GreaterThan, text("x"));
    assert_eq!(world.names(between.clone()).await, "b c a");
    assert_eq!(
        world
            .names(between.filter("t", Operator::LessThan, text("z")))
            .await,
        "b c"
    );
}

pub(crate) async fn what_is_excluded_from_indexes_is_not_found(world: &World) {
    world
        .put(vec![
            world.entity("Task/a", &[("v", excluded(text("q"))), ("w", int(1))]),
            world.entity("Task/b", &[("v", text("q")), ("w", int(1))]),
            world.entity(
                "Task/c",
                &[("v", array(vec![excluded(text("q")), text("r")])), ("w", int(1))],
            ),
        ])
        .await;

    let found = |word| query("Task").filter("v", Operator::Equal, text(word));
    assert_eq!(world.names(found("q")).await, "b");
    assert_eq!(world.names(found("r")).await, "c");
    assert_eq!(world.names(query("Task").order("v")).await, "b c");
    assert_eq!(
        world
            .names(query("Task").filter("w", Operator::Equal, int(1)).order("v"))
            .await,
        "b c"
    );
}

pub(crate) async fn embedded_entities_are_found_by_their_properties(world: &World) {
    let inner = world.entity("Inner/x", &[("x", int(1)), ("hidden", excluded(int(1)))]);
    world
        .put(vec![
            world.entity("Task/a", &[("v", value(ValueType::EntityValue(inner)))]),
        ])
        .await;

    assert_eq!(
        world
            .names(query("Task").filter("v.x", Operator::Equal, int(1)))
            .await,
        "a"
    );
    assert_eq!(
        world
            .names(query("Task").filter("v.hidden", Operator::Equal, int(1)))
            .await,
        ""
    );
}

pub(crate) async fn queries_that_make_no_sense_are_refused(world: &World) {
    let many = array((0..31).map(int).collect());
    let senseless = [
        query("").filter("v", Operator::Equal, int(1)),
        query("").order("v"),
        query("Task").filter("v", Operator::In, many),
        query("Task").filter("v", Operator::In, array(vec![])),
        query("Task").filter("__key__", Operator::Equal, text("x")),
        query("Task").filter("v", Operator::Equal, int(1)).show(&["v"]),
        query("Task").limit(-1),
        wire::Query {
            offset: -1,
            ..query("Task")
        },
        wire::Query {
            start_cursor: b"no cursor".to_vec(),
            ..query("Task")
        },
        wire::Query {
            kind: [query("A").kind, query("B").kind].concat(),
            ..query("A")
        },
    ];

    for query in senseless {
        let refused = world.run(query.clone()).await;
        assert_eq!(
            refused.expect_err("it is refused").code(),
            Code::InvalidArgument,
            "{query:?}"
        );
    }
}
