//! What of an entity a result shows, and what is computed of results.

use gcloud_sdk::google::datastore::v1 as wire;
use wire::aggregation_query::Aggregation;
use wire::aggregation_query::aggregation::{Avg, Count, Operator as Aggregate, Sum};
use wire::entity_result::ResultType;
use wire::value::ValueType;

use crate::words::{QueryWords, array, five, int, names, properties, query};
use crate::world::World;

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
