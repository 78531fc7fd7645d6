//! What a plan counts is what Datastore is asked for.
//!
//! The wire counts what a whole campaign writes. A plan is the least that it can be: a chunk that
//! is settled in parts, or whose transaction was in another's way, is written once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gcloud_sdk::google::datastore::v1::mutation::Operation;
use gcloud_sdk::google::datastore::v1::{CommitRequest, Mutation};
use journeys::wire::grpc::Call;
use journeys::wire::{Fault, Rule};
use journeys::world::{World, users};
use serde_json::Value;

use crate::stamp::on;

on! { wired Wired:
    every_entity_that_a_plan_counts_is_written
}

/// Entities that commits have written.
#[derive(Debug, Default)]
struct Written {
    chunks: AtomicU64,
    pushes: AtomicU64,
}

impl Written {
    fn count(&self, call: &Call) {
        if call.method() != "Commit" {
            return;
        }
        for mutation in call
            .message::<CommitRequest>()
            .into_iter()
            .flat_map(|commit| commit.mutations)
        {
            let entities = match depth(&mutation) {
                1 => &self.chunks,
                _ => &self.pushes,
            };
            entities.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Elements of the key that is written: a chunk has one, a push two.
fn depth(mutation: &Mutation) -> usize {
    match &mutation.operation {
        Some(Operation::Insert(entity) | Operation::Update(entity)) => {
            entity.key.as_ref().map_or(0, |key| key.path.len())
        }
        other => panic!("a campaign only inserts and updates: {other:?}"),
    }
}

async fn every_entity_that_a_plan_counts_is_written(world: &World) {
    const RECIPIENTS: u64 = 250;
    let audience = world.audience_with_devices(&users(RECIPIENTS as usize)).await;
    let campaign = world.campaign(audience).coupon(RECIPIENTS).draft().await;
    let plan: Value = world.api().get(&format!("/v1/campaigns/{campaign}/plan")).await;
    let written = Arc::new(Written::default());
    let watcher = Rule::new(Fault::Slow(Duration::ZERO), {
        let written = written.clone();
        move |call: &Call| {
            written.count(call);
            false
        }
    });
    let _watching = world.datastore_wire().unwrap().inject(watcher.always());

    world.api().turn(campaign, "start").await;
    world.finished(campaign).await;

    let writes = |step: &str| {
        let costs = plan["costs"].as_array().unwrap().iter();
        let mut costs = costs.filter(|cost| cost["step"] == step);
        costs.next().unwrap()["entity_writes"].as_u64().unwrap()
    };
    let planned = writes("fan_out") + writes("dispatch") + writes("deliver");
    let (chunks, pushes) = (
        written.chunks.load(Ordering::Relaxed),
        written.pushes.load(Ordering::Relaxed),
    );
    // Inserted, granted, settled; and of three chunks: inserted, queued, leased, granted, settled.
    assert_eq!(planned, 3 * RECIPIENTS + 5 * 3);
    assert!(pushes >= 3 * RECIPIENTS && chunks >= 5 * 3, "{written:?}");
    assert!(chunks + pushes < planned * 3 / 2, "{written:?} of {planned}");
}
