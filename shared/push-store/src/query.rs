//! The parts that queries are made of.

use gcloud_sdk::google::datastore::v1::filter::FilterType;
use gcloud_sdk::google::datastore::v1::property_filter::Operator;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{
    Filter, KindExpression, Projection, PropertyFilter, PropertyReference, Query, Value,
};

/// A query for entities of `kind` that pass `filter`.
pub(crate) fn of_kind(kind: &str, filter: Filter, limit: Option<u16>) -> Query {
    Query {
        kind: vec![KindExpression {
            name: kind.to_owned(),
        }],
        filter: Some(filter),
        limit: limit.map(i32::from),
        ..Query::default()
    }
}

/// The same query for keys alone.
pub(crate) fn keys_only(query: Query) -> Query {
    let key = Projection {
        property: Some(reference("__key__")),
    };
    Query {
        projection: vec![key],
        ..query
    }
}

/// The filter `name` `operator` `value`.
pub(crate) fn property(name: &str, operator: Operator, value: ValueType) -> Filter {
    let value = Value {
        value_type: Some(value),
        ..Value::default()
    };
    let filter = PropertyFilter {
        property: Some(reference(name)),
        op: operator.into(),
        value: Some(value),
    };
    Filter {
        filter_type: Some(FilterType::PropertyFilter(filter)),
    }
}

/// A text to compare a property with.
pub(crate) fn text(text: impl Into<String>) -> ValueType {
    ValueType::StringValue(text.into())
}

pub(crate) fn reference(name: &str) -> PropertyReference {
    PropertyReference {
        name: name.to_owned(),
    }
}
