//! The recorded entities as lines of JSON, for clients that are written in other languages.
//!
//! A line is one batch: an array of entities. `properties` has texts, integers and nested
//! entities as JSON has them; `blobs` are in base64, `instants` in RFC 3339. A property that is
//! not named in `indexed` is excluded from indexes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::requests::{Requests, entities};

/// An entity of a line.
#[derive(Debug, Default, Serialize)]
struct Listed {
    /// Kind and name, from the root down.
    path: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    indexed: Vec<String>,
    properties: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    blobs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    instants: BTreeMap<String, String>,
}

/// Writes the entities of a record to `file`.
pub(super) fn write(record: &Path, file: &Path) -> anyhow::Result<()> {
    let mut lines = BufWriter::new(File::create(file)?);
    for request in Requests::open(record)? {
        let batch = entities(request?)?.into_iter().map(listed);
        let batch = batch.collect::<anyhow::Result<Vec<_>>>()?;
        serde_json::to_writer(&mut lines, &batch)?;
        lines.write_all(b"\n")?;
    }
    Ok(lines.flush()?)
}

fn listed(entity: Entity) -> anyhow::Result<Listed> {
    let mut listed = Listed::default();
    for element in entity.key.context("an entity without a key")?.path {
        let Some(IdType::Name(name)) = element.id_type else {
            bail!("a key without names");
        };
        listed.path.extend([element.kind, name]);
    }
    for (name, value) in entity.properties {
        if !value.exclude_from_indexes {
            listed.indexed.push(name.clone());
        }
        match value.value_type {
            Some(ValueType::BlobValue(bytes)) => {
                listed.blobs.insert(name, STANDARD.encode(bytes));
            }
            Some(ValueType::TimestampValue(at)) => {
                let at = DateTime::from_timestamp(at.seconds, at.nanos.unsigned_abs());
                let at = at.with_context(|| format!("{name} is out of range"))?;
                let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
                listed.instants.insert(name, at);
            }
            _ => {
                listed.properties.insert(name, plain(value)?);
            }
        }
    }
    Ok(listed)
}

/// A text, an integer, or an entity of such.
fn plain(value: Value) -> anyhow::Result<Json> {
    Ok(match value.value_type {
        Some(ValueType::StringValue(text)) => text.into(),
        Some(ValueType::IntegerValue(number)) => json!(number),
        Some(ValueType::EntityValue(nested)) => {
            let properties = nested.properties.into_iter();
            let properties = properties.map(|(name, value)| Ok((name, plain(value)?)));
            Json::Object(properties.collect::<anyhow::Result<_>>()?)
        }
        other => bail!("a value that cannot be listed: {other:?}"),
    })
}

#[cfg(test)]
mod tests {
    use gcloud_sdk::google::datastore::v1::Key;
    use gcloud_sdk::google::datastore::v1::key::PathElement;

    use super::*;

    fn value(value_type: ValueType, exclude_from_indexes: bool) -> Value {
        Value {
            value_type: Some(value_type),
            exclude_from_indexes,
            ..Value::default()
        }
    }

    #[test]
    fn a_listed_entity_has_its_key_its_values_and_what_is_indexed() {
        let nested = Entity {
            properties: [("n".to_owned(), value(ValueType::IntegerValue(1), true))].into(),
            ..Entity::default()
        };
        let entity = Entity {
            key: Some(Key {
                path: vec![PathElement {
                    kind: "Chunk".to_owned(),
                    id_type: Some(IdType::Name("a".to_owned())),
                }],
                ..Key::default()
            }),
            properties: [
                (
                    "user".to_owned(),
                    value(ValueType::StringValue("u".to_owned()), false),
                ),
                ("tally".to_owned(), value(ValueType::EntityValue(nested), true)),
                ("digest".to_owned(), value(ValueType::BlobValue(vec![0]), true)),
            ]
            .into(),
        };

        let listed = serde_json::to_value(listed(entity).unwrap()).unwrap();

        assert_eq!(
            listed,
            json!({
                "path": ["Chunk", "a"],
                "indexed": ["user"],
                "properties": {"user": "u", "tally": {"n": 1}},
                "blobs": {"digest": "AA=="},
            })
        );
    }
}
