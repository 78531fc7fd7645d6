//! The words in which cases speak of values, mutations and queries.

use std::collections::HashMap;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::key::path_element::IdType;
use wire::mutation::Operation;
use wire::read_options::ConsistencyType;
use wire::value::ValueType;

use crate::world::World;

/// The last ids or names of results, joined by spaces.
pub(crate) fn names(batch: &wire::QueryResultBatch) -> String {
    let entities = batch
        .entity_results
        .iter()
        .filter_map(|result| result.entity.as_ref());
    let last = entities.filter_map(|entity| entity.key.as_ref()?.path.last()?.id_type.clone());
    let words = last.map(|id| match id {
        IdType::Id(id) => id.to_string(),
        IdType::Name(name) => name,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A plain indexed value.
pub(crate) fn value(value_type: ValueType) -> wire::Value {
    wire::Value {
        value_type: Some(value_type),
        ..wire::Value::default()
    }
}

/// An integer.
pub(crate) fn int(number: i64) -> wire::Value {
    value(ValueType::IntegerValue(number))
}

/// A string.
pub(crate) fn text(text: &str) -> wire::Value {
    value(ValueType::StringValue(text.to_owned()))
}

/// An array.
pub(crate) fn array(values: Vec<wire::Value>) -> wire::Value {
    value(ValueType::ArrayValue(wire::ArrayValue { values }))
}

/// A value that no index holds.
pub(crate) fn excluded(value: wire::Value) -> wire::Value {
    wire::Value {
        exclude_from_indexes: true,
        ..value
    }
}

/// An insert.
pub(crate) fn insert(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Insert(entity))
}

/// An update.
pub(crate) fn update(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Update(entity))
}

/// An upsert.
pub(crate) fn upsert(entity: wire::Entity) -> wire::Mutation {
    mutation(Operation::Upsert(entity))
}

/// A delete.
pub(crate) fn delete(key: wire::Key) -> wire::Mutation {
    mutation(Operation::Delete(key))
}

/// Reading in a transaction.
pub(crate) fn inside(transaction: &[u8]) -> Option<ConsistencyType> {
    Some(ConsistencyType::Transaction(transaction.to_vec()))
}

fn mutation(operation: Operation) -> wire::Mutation {
    wire::Mutation {
        operation: Some(operation),
        ..wire::Mutation::default()
    }
}

/// A query of a kind, or of all kinds for the empty string.
pub(crate) fn query(kind: &str) -> wire::Query {
    let kind = (!kind.is_empty()).then(|| wire::KindExpression {
        name: kind.to_owned(),
    });
    wire::Query {
        kind: kind.into_iter().collect(),
        ..wire::Query::default()
    }
}

/// The words in which a query is put together.
pub(crate) trait QueryWords: Sized {
    /// With one more condition.
    fn filter(self, property: &str, operator: wire::property_filter::Operator, value: wire::Value) -> Self;
    /// With any of these conditions.
    fn any(self, filters: Vec<wire::Filter>) -> Self;
    /// In the order of a property; with `-` in front from great to small.
    fn order(self, property: &str) -> Self;
    /// Showing these properties only.
    fn show(self, properties: &[&str]) -> Self;
    /// Only the first result of those with equal values.
    fn distinct(self, properties: &[&str]) -> Self;
    /// At most so many results.
    fn limit(self, limit: i32) -> Self;
}

impl QueryWords for wire::Query {
    fn filter(self, property: &str, operator: wire::property_filter::Operator, value: wire::Value) -> Self {
        and(self, condition(property, operator, value))
    }

    fn any(self, filters: Vec<wire::Filter>) -> Self {
        and(self, composite(wire::composite_filter::Operator::Or, filters))
    }

    fn order(mut self, property: &str) -> Self {
        use wire::property_order::Direction;

        let (direction, name) = match property.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, property),
        };
        self.order.push(wire::PropertyOrder {
            property: Some(reference(name)),
            direction: direction.into(),
        });
        self
    }

    fn show(mut self, properties: &[&str]) -> Self {
        let shown = properties.iter().map(|name| wire::Projection {
            property: Some(reference(name)),
        });
        self.projection = shown.collect();
        self
    }

    fn distinct(mut self, properties: &[&str]) -> Self {
        self.distinct_on = properties.iter().map(|name| reference(name)).collect();
        self
    }

    fn limit(mut self, limit: i32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// One condition of a filter.
pub(crate) fn condition(
    property: &str,
    operator: wire::property_filter::Operator,
    value: wire::Value,
) -> wire::Filter {
    let leaf = wire::PropertyFilter {
        property: Some(reference(property)),
        op: operator.into(),
        value: Some(value),
    };
    wire::Filter {
        filter_type: Some(wire::filter::FilterType::PropertyFilter(leaf)),
    }
}

fn and(mut query: wire::Query, filter: wire::Filter) -> wire::Query {
    query.filter = Some(match query.filter.take() {
        None => filter,
        Some(before) => composite(wire::composite_filter::Operator::And, vec![before, filter]),
    });
    query
}

fn composite(operator: wire::composite_filter::Operator, filters: Vec<wire::Filter>) -> wire::Filter {
    let composite = wire::CompositeFilter {
        op: operator.into(),
        filters,
    };
    wire::Filter {
        filter_type: Some(wire::filter::FilterType::CompositeFilter(composite)),
    }
}

fn reference(name: &str) -> wire::PropertyReference {
    wire::PropertyReference {
        name: name.to_owned(),
    }
}

/// The properties of a result.
pub(crate) fn properties(result: &wire::EntityResult) -> &HashMap<String, wire::Value> {
    &result.entity.as_ref().expect("a result has an entity").properties
}

/// v, w: a 1 1, b 2 1, c 1 2, d 2 2, e 3 1.
pub(crate) async fn five(world: &World) {
    let entities = [("a", 1, 1), ("b", 2, 1), ("c", 1, 2), ("d", 2, 2), ("e", 3, 1)];
    let entities =
        entities.map(|(name, v, w)| world.entity(&format!("Task/{name}"), &[("v", int(v)), ("w", int(w))]));
    world.put(entities.to_vec()).await;
}

/// A key as a value.
pub(crate) fn key(world: &World, path: &str) -> wire::Value {
    value(ValueType::KeyValue(world.key(path)))
}
