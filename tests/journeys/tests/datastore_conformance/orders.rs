//! In which order results come.

use gcloud_sdk::google::datastore::v1 as wire;
use gcloud_sdk::google::r#type::LatLng;
use prost_types::Timestamp;
use wire::property_filter::Operator;
use wire::value::ValueType;

use crate::words::{QueryWords, five, int, key, query, text, value};
use crate::world::World;

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

pub(crate) async fn equal_values_come_in_the_direction_of_the_last_order(world: &World) {
    five(world).await;

    assert_eq!(world.names(query("Task").order("v")).await, "a c b d e");
    assert_eq!(world.names(query("Task").order("-v")).await, "e d b c a");
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
