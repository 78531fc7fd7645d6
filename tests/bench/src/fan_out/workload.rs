//! What all clients write: the entities of one campaign, as the product sends them.
//!
//! It is made before anybody is measured. The product expands the campaign into a recorder; its
//! commits are what the bare loop sends, and their entities what the others are handed.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use gcloud_sdk::google::datastore::v1::{Entity, Key};
use prost::Message;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::campaign::Campaign;
use super::client;
use super::listing;
use super::recorder::Recorder;
use super::requests::{Requests, entities};
use crate::engine::Running;

/// Batches that are compared entity by entity, evenly spread over all.
const COMPARED: usize = 32;

/// The entities of one campaign, and where the clients find them.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) campaign: Campaign,
    directory: TempDir,
    /// Chunk markers and pushes.
    pub(super) entities: u64,
    /// Of all commits, encoded.
    pub(super) bytes: u64,
}

impl Workload {
    /// That of a campaign to `users`.
    pub(super) fn prepare(runtime: &Runtime, users: u64) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let record = directory.path().join("record");
        let recorder = runtime.block_on(Recorder::start(&record))?;
        let campaign = runtime.block_on(Campaign::start(users, &recorder.address))?;
        client::expand(&campaign, &recorder.address, 1)?;
        recorder.flush()?;
        let mut workload = Self {
            campaign,
            directory,
            entities: 0,
            bytes: 0,
        };
        for request in Requests::open(&record)? {
            let request = request?;
            workload.bytes += request.len() as u64;
            workload.entities += entities(request)?.len() as u64;
        }
        ensure!(
            workload.entities > users,
            "the product sent {} entities for {users} users",
            workload.entities
        );
        listing::write(&record, &workload.listing())?;
        Ok(workload)
    }

    /// The commits, as a recorder wrote them.
    pub(super) fn record(&self) -> PathBuf {
        self.directory.path().join("record")
    }

    /// The same entities as lines of JSON.
    pub(super) fn listing(&self) -> PathBuf {
        self.directory.path().join("entities.jsonl")
    }

    /// Sees that a client wrote them: the first entity of every batch is there, and of some
    /// batches every entity is what the product would have written.
    pub(super) async fn check(&self, running: &Running) -> anyhow::Result<()> {
        let batches = Requests::open(&self.record())?.collect::<anyhow::Result<Vec<_>>>()?;
        let step = batches.len().div_ceil(COMPARED);
        let mut firsts = Vec::new();
        for (at, batch) in batches.into_iter().enumerate() {
            let wanted = entities(batch)?;
            if at % step == 0 {
                let keys = wanted.iter().filter_map(|entity| entity.key.clone());
                let found = running.datastore.look_up(keys.collect()).await?;
                compare(wanted, found)?;
            } else {
                firsts.extend(wanted.into_iter().take(1));
            }
        }
        for batch in firsts.chunks(COMPARED) {
            let keys = batch.iter().filter_map(|entity| entity.key.clone());
            let found = running.datastore.look_up(keys.collect()).await?;
            ensure!(found.len() == batch.len(), "a batch is missing");
        }
        Ok(())
    }
}

/// Whether the same entities were found, in whatever order.
fn compare(wanted: Vec<Entity>, found: Vec<Entity>) -> anyhow::Result<()> {
    ensure!(
        wanted.len() == found.len(),
        "{} entities of {} are there",
        found.len(),
        wanted.len()
    );
    let wanted: HashMap<_, _> = wanted
        .iter()
        .map(|wanted| (encoded_key(wanted), wanted))
        .collect();
    for entity in found {
        let same = wanted.get(&encoded_key(&entity));
        let same = same.context("an entity was found that nobody asked for")?;
        ensure!(
            **same == entity,
            "an entity differs: the product writes\n{same:#?}\nand there is\n{entity:#?}"
        );
    }
    Ok(())
}

/// The key, encoded.
fn encoded_key(entity: &Entity) -> Vec<u8> {
    entity.key.as_ref().map(Key::encode_to_vec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use gcloud_sdk::google::datastore::v1::Value;
    use gcloud_sdk::google::datastore::v1::key::PathElement;

    use super::*;

    fn entity(kind: &str, properties: &[&str]) -> Entity {
        let path = vec![PathElement {
            kind: kind.to_owned(),
            id_type: None,
        }];
        Entity {
            key: Some(Key {
                path,
                ..Key::default()
            }),
            properties: properties
                .iter()
                .map(|name| ((*name).to_owned(), Value::default()))
                .collect(),
        }
    }

    #[test]
    fn the_same_entities_are_the_same_in_any_order_and_a_missing_or_other_one_is_told() {
        let (a, b) = (entity("A", &["x"]), entity("B", &[]));
        let wanted = || vec![a.clone(), b.clone()];

        let same = compare(wanted(), vec![b.clone(), a.clone()]);
        let missing = compare(wanted(), vec![a.clone()]);
        let other = compare(wanted(), vec![entity("A", &["y"]), b.clone()]);

        assert!(same.is_ok());
        assert_eq!(missing.unwrap_err().to_string(), "1 entities of 2 are there");
        assert!(other.unwrap_err().to_string().starts_with("an entity differs"));
    }
}
