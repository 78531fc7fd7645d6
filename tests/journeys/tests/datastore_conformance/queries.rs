//! What queries find, and in which order.

use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google::r#type::LatLng;
use prost_types::Timestamp;
use tonic::Code;
use wire::aggregation_query::Aggregation;
use wire::aggregation_query::aggregation::{Avg, Count, Operator as Aggregate, Sum};
use wire::entity_result::ResultType;
use wire::property_filter::Operator;
use wire::value::ValueType;

use crate::world::{
    QueryWords, World, array, condition, excluded, int, names, properties, query, text, value,
};

pub(crate) async fn values_of_all_types_have_one_order(world: &World) {
    let at = |seconds, nanos| value(ValueType::TimestampValue(Timestamp { seconds, nanos }));
    let double = |number| value(ValueType::DoubleValue(number));
    let ascending = [
        ("null", value(ValueType::NullValue(0))),
        ("minus-five", int(-5)),
        ("zero", int(0)),
        ("five", int(5)),
        ("nine-microseconds", at(0, 9_000)),
        ("one-second", at(1, 0)),
        ("great", int(1 << 60)),
        ("false", value(ValueType::BooleanValue(false))),
        ("true", value(ValueType::BooleanValue(true))),
        ("no-text", text("")),
        ("blob-abc", value(ValueType::BlobValue(b"abc".to_vec()))),
        ("text-abd", text("abd")),
        ("blob-ff", value(ValueType::BlobValue(vec![0xFF]))),
        ("double-minus", double(-7.5)),
        ("double-zero", double(0.0)),
        ("double-two", double(2.0)),
        ("infinity", double(f64::INFINITY)),
        ("nan", double(f64::NAN)),
        (
            "point",
            value(ValueType::GeoPointValue(LatLng {
                latitude: 1.0,
                longitude: 2.0,
            })),
        ),
        ("key", value(ValueType::KeyValue(world.key("Task/x")))),
    ];
    let entity =
        |(name, value): &(&str, wire::Value)| world.entity(&format!("Task/{name}"), &[("v", value.clone())]);
    world.put(ascending.iter().map(entity).collect()).await;

    let mut expected = ascending.map(|(name, _)| name);
    assert_eq!(world.names(query("Task").order("v")).await, expected.join(" "));
    expected.reverse();
    assert_eq!(world.names(query("Task").order("-v")).await, expected.join(" "));
}

pub(crate) async fn strings_and_bytes_are_equal_but_numbers_are_not(world: &World) {
    world
        .put(vec![
            world.entity("Task/blob", &[("v", value(ValueType::BlobValue(b"x".to_vec())))]),
            world.entity("Task/text", &[("v", text("x"))]),
            world.entity("Task/integer", &[("v", int(2))]),
            world.entity("Task/double", &[("v", value(ValueType::DoubleValue(2.0)))]),
        ])
        .await;

    let equal = |wanted| query("Task").filter("v", Operator::Equal, wanted);
    assert_eq!(world.names(equal(text("x"))).await, "blob text");
    assert_eq!(world.names(equal(int(2))).await, "integer");
    assert_eq!(
        world.names(equal(value(ValueType::DoubleValue(2.0)))).await,
        "double"
    );
}

pub(crate) async fn keys_sort_by_kind_then_ids_before_names_then_parents_before_children(world: &World) {
    let ascending = [
        "-4",
        "1",
        "1/Task/11",
        "1/Task/a",
        "2",
        "10",
        "A",
        "a",
        "a/Task/5",
        "b",
    ]
    .map(|path| format!("Task/{path}"));
    world
        .put(
            ascending
                .iter()
                .rev()
                .map(|path| world.entity(path, &[]))
                .collect(),
        )
        .await;

    assert_eq!(world.names(query("Task")).await, "-4 1 11 a 2 10 A a 5 b");
    assert_eq!(
        world.names(query("Task").order("-__key__")).await,
        "b 5 a A 10 2 a 11 1 -4"
    );
}

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

pub(crate) async fn equal_values_come_in_the_direction_of_the_last_order(world: &World) {
    five(world).await;

    assert_eq!(world.names(query("Task").order("v")).await, "a c b d e");
    assert_eq!(world.names(query("Task").order("-v")).await, "e d b c a");
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

pub(crate) async fn an_order_by_two_properties(world: &World) {
    five(world).await;

    assert_eq!(
        world.names(query("Task").order("v").order("-w")).await,
        "c a d b e"
    );
    assert_eq!(
        world.names(query("Task").order("-v").order("w")).await,
        "e b d a c"
    );
    let fixed = query("Task").filter("w", Operator::Equal, int(1));
    assert_eq!(world.names(fixed.clone().order("-v")).await, "e b a");
    assert_eq!(
        world
            .names(fixed.order("v").filter("v", Operator::GreaterThan, int(1)))
            .await,
        "b e"
    );
}

pub(crate) async fn an_ancestor_and_an_order(world: &World) {
    let entity = |(path, v): (&str, i64)| world.entity(path, &[("v", int(v))]);
    let entities = [
        ("Chunk/c/Task/a", 2),
        ("Chunk/c/Task/b", 1),
        ("Chunk/d/Task/x", 0),
        ("Chunk/c/Task/b/Task/c", 1),
    ];
    world.put(entities.map(entity).to_vec()).await;

    let below = query("Task").filter("__key__", Operator::HasAncestor, key(world, "Chunk/c"));
    assert_eq!(world.names(below.clone().order("v")).await, "b c a");
    assert_eq!(world.names(below.order("-v")).await, "a c b");
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

pub(crate) async fn keys_only_and_projections_show_what_is_asked(world: &World) {
    five(world).await;

    let keys = world
        .run(query("Task").show(&["__key__"]).limit(1))
        .await
        .expect("it is answered");
    let values = world
        .run(query("Task").show(&["v"]).limit(1))
        .await
        .expect("it is answered");

    assert_eq!(keys.entity_result_type(), ResultType::KeyOnly);
    assert!(properties(&keys.entity_results[0]).is_empty());
    assert_eq!(values.entity_result_type(), ResultType::Projection);
    let shown = properties(&values.entity_results[0]);
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["v"]);
    assert_eq!(shown["v"].value_type, Some(ValueType::IntegerValue(1)));
    assert_eq!(world.names(query("Task").show(&["v", "w"])).await, "a c b d e");
}

pub(crate) async fn a_projection_gives_every_element_of_an_array(world: &World) {
    world
        .put(vec![
            world.entity("Task/a", &[("v", array(vec![int(1), int(3)]))]),
            world.entity("Task/b", &[("v", int(2))]),
        ])
        .await;

    let batch = world
        .run(query("Task").show(&["v"]))
        .await
        .expect("it is answered");

    assert_eq!(names(&batch), "a b a");
    let shown = batch
        .entity_results
        .iter()
        .map(|result| properties(result)["v"].value_type.clone());
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [1, 2, 3].map(|number| Some(ValueType::IntegerValue(number)))
    );
}

pub(crate) async fn distinct_results_differ_in_their_values(world: &World) {
    five(world).await;

    assert_eq!(
        world.names(query("Task").show(&["v"]).distinct(&["v"])).await,
        "a b e"
    );
    assert_eq!(
        world
            .names(query("Task").distinct(&["v"]).order("v").order("-w"))
            .await,
        "c d e"
    );
}

pub(crate) async fn counts_sums_and_averages(world: &World) {
    five(world).await;
    let over_v = || Some(wire::PropertyReference { name: "v".to_owned() });
    let named = |alias: &str, operator| Aggregation {
        alias: alias.to_owned(),
        operator: Some(operator),
    };
    let aggregation = wire::AggregationQuery {
        aggregations: vec![
            named("all", Aggregate::Count(Count { up_to: None })),
            named("some", Aggregate::Count(Count { up_to: Some(2) })),
            named("sum", Aggregate::Sum(Sum { property: over_v() })),
            named("average", Aggregate::Avg(Avg { property: over_v() })),
            named("", Aggregate::Count(Count { up_to: Some(0) })),
        ],
        query_type: Some(wire::aggregation_query::QueryType::NestedQuery(query("Task"))),
    };
    let request = wire::RunAggregationQueryRequest {
        project_id: world.project.clone(),
        partition_id: Some(world.partition()),
        query_type: Some(wire::run_aggregation_query_request::QueryType::AggregationQuery(
            aggregation,
        )),
        ..wire::RunAggregationQueryRequest::default()
    };

    let answer = world
        .client()
        .run_aggregation_query(request)
        .await
        .expect("it is answered")
        .into_inner();

    let results = &answer.batch.expect("an answer has a batch").aggregation_results;
    let result = |alias: &str| results[0].aggregate_properties[alias].value_type.clone();
    assert_eq!(result("all"), Some(ValueType::IntegerValue(5)));
    assert_eq!(result("some"), Some(ValueType::IntegerValue(2)));
    assert_eq!(result("sum"), Some(ValueType::IntegerValue(9)));
    assert_eq!(result("average"), Some(ValueType::DoubleValue(1.8)));
    assert_eq!(result("property_1"), Some(ValueType::IntegerValue(0)));
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

/// v, w: a 1 1, b 2 1, c 1 2, d 2 2, e 3 1.
async fn five(world: &World) {
    let entities = [("a", 1, 1), ("b", 2, 1), ("c", 1, 2), ("d", 2, 2), ("e", 3, 1)];
    let entities =
        entities.map(|(name, v, w)| world.entity(&format!("Task/{name}"), &[("v", int(v)), ("w", int(w))]));
    world.put(entities.to_vec()).await;
}

fn key(world: &World, path: &str) -> wire::Value {
    value(ValueType::KeyValue(world.key(path)))
}
