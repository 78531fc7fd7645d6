//! What a campaign takes, and when it will be done.

use std::num::NonZeroU32;
use std::time::Duration;

use campaign::{CampaignId, ChunkState, Reason, Tally};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::campaign_pace::{self, Fastest, Pace, Sample};
use database::chunk_tally::{self, ChunkTally};
use database::ramp::{self, Position};
use runtime::Config;
use runtime::config::RampUp;
use serde_json::{Value, json};

use crate::world::{World, plan};

/// A world whose deliveries 800 streams bound, a tenth of a second each: 8,000 a second.
async fn world_of_800_streams() -> World {
    let mut config = Config::default();
    config.provider.fcm.connections = NonZeroU32::new(8).unwrap();
    World::with(config).await
}

async fn outlook(world: &World, id: &str) -> Value {
    let answer = world.get(&format!("/v1/campaigns/{id}/plan")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

/// A draft to so many, with that schedule.
async fn draft(world: &World, recipients: u64, schedule: Value) -> String {
    let audience = world.ready_audience(recipients, &[]).await;
    draft_to(world, &audience, schedule).await
}

async fn draft_to(world: &World, audience: &str, schedule: Value) -> String {
    let mut plan = plan(audience);
    plan["schedule"] = schedule;
    world.post("/v1/campaigns", plan).await.id()
}

/// Packs recipients of these zones into an audience, a chunk for each.
async fn pack(world: &World, audience: &str, zones: &[(&str, u32)]) {
    let mut tx = world.backends.db.begin().await.unwrap();
    for (no, (zone, size)) in (0..).zip(zones) {
        let chunk = AudienceChunk {
            header: ChunkHeader {
                audience_id: audience.parse().unwrap(),
                no,
                size: *size,
                time_zone: (*zone).to_owned(),
                digest: [0; 32],
            },
            recipients: Vec::new(),
        };
        audience_chunk::insert(&mut tx, &chunk).await.unwrap();
    }
    tx.commit().await.repeatable().unwrap();
}

#[tokio::test]
async fn what_a_draft_takes_is_told_before_it_starts() {
    let world = world_of_800_streams().await;
    let id = draft(&world, 1_000, json!({"at": "now"})).await;

    let outlook = outlook(&world, &id).await;

    assert_eq!(outlook["state"], "draft");
    assert_eq!(
        [&outlook["recipients"], &outlook["chunks"], &outlook["tasks"]],
        [1_000, 3, 3]
    );
    let all = &outlook["costs"][4];
    assert_eq!(all["step"], "all");
    assert_eq!(
        [&all["entity_writes"], &all["entity_deletes"], &all["commits"]],
        [2_012, 1_003, 15]
    );
    assert_eq!(
        (&outlook["fan_out"]["left"], &outlook["fan_out"]["source"]),
        (&json!(1_000), &json!("assumed"))
    );
    assert_eq!(outlook["fan_out"]["ramp"], Value::Null);
    assert_eq!(outlook["fan_out"]["begins_at"], "2026-07-01T12:00:00Z");
    assert_eq!(outlook["delivery"]["pushes_per_second"], 8_000);
    assert_eq!(outlook["delivery"]["ends_at"], "2026-07-01T12:00:00.125Z");
    assert_eq!(outlook["warnings"], json!([]));
}

#[tokio::test]
async fn an_audience_that_is_not_ready_cannot_be_planned_for() {
    let world = World::new().await;
    let audience = world.upload("user_id\nu1\n").await.id();
    let id = draft_to(&world, &audience, json!({"at": "now"})).await;

    let refused = world.get(&format!("/v1/campaigns/{id}/plan")).await;

    assert_eq!(refused.problem(), (409, "audience-state"));
}

#[tokio::test]
async fn a_cold_store_is_written_to_as_its_ramp_allows() {
    let mut config = Config::default();
    config.fan_out.ramp_up = RampUp::Always;
    let world = World::with(config).await;
    let id = draft(&world, 1_000_000, json!({"at": "now"})).await;

    let cold = outlook(&world, &id).await;
    let mut tx = world.backends.db.begin().await.unwrap();
    let now = world.clock.clock().now();
    ramp::lock(&mut tx, "noroshi//", now).await.unwrap();
    let position = Position {
        elapsed: Duration::from_secs(15 * 60),
        free_at: now,
    };
    ramp::advance(&mut tx, "noroshi//", position).await.unwrap();
    tx.commit().await.repeatable().unwrap();
    let warmer = outlook(&world, &id).await;

    assert_eq!(
        cold["fan_out"]["ramp"],
        json!({"elapsed_seconds": 0, "writes_per_second": 500})
    );
    // 17 min 51 s, as `docs/fan-out.md` has it in whole minutes.
    assert_eq!(cold["fan_out"]["seconds"], 1_071);
    assert_eq!(
        warmer["fan_out"]["ramp"],
        json!({"elapsed_seconds": 900, "writes_per_second": 1_687})
    );
    assert!(warmer["fan_out"]["seconds"].as_u64() < Some(540), "{warmer}");
}

#[tokio::test]
async fn who_is_due_when_is_told_by_time_zone() {
    let world = World::new().await;
    let audience = world.ready_audience(1_000, &[]).await;
    pack(
        &world,
        &audience,
        &[("Asia/Tokyo", 400), ("Europe/Paris", 350), ("", 250)],
    )
    .await;
    // At noon in UTC it is 21:00 in Tokyo and 14:00 in Paris.
    let local = json!({"time": "2026-07-01T20:00:00", "time_zone": "America/New_York", "if_past": "skip"});
    let id = draft_to(&world, &audience, json!({"at": {"local": local}})).await;

    let outlook = outlook(&world, &id).await;

    let times = outlook["times"].as_array().unwrap();
    let told: Vec<_> = times
        .iter()
        .map(|time| {
            (
                time["time_zone"].as_str().unwrap(),
                time["due_at"].as_str(),
                time["left"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Europe/Paris", Some("2026-07-01T18:00:00Z"), Some(350)),
            ("America/New_York", Some("2026-07-02T00:00:00Z"), Some(250)),
            ("Asia/Tokyo", None, Some(0)),
        ]
    );
    assert_eq!(times[0]["local_time"], "2026-07-01T20:00:00");
    assert_eq!(
        outlook["warnings"],
        json!(["400 recipients in 1 time zones are skipped: their local time is past"])
    );
    assert_eq!(outlook["tasks"], 2);
    assert_eq!(outlook["delivery"]["begins_at"], "2026-07-01T18:00:00Z");
}

#[tokio::test]
async fn who_would_expire_before_is_warned_of() {
    let world = world_of_800_streams().await;
    let schedule = json!({"at": "now", "expires": {"after_seconds": 100}});
    let id = draft(&world, 1_000_000, schedule).await;

    let outlook = outlook(&world, &id).await;

    assert_eq!(outlook["times"][0]["late"], 200_000);
    assert_eq!(
        outlook["warnings"],
        json!([
            "200000 of 1000000 recipients expire at 2026-07-01 12:01:40 UTC before they can be sent theirs"
        ])
    );
}

#[tokio::test]
async fn too_few_coupons_are_warned_of() {
    let world = World::new().await;
    let audience = world.ready_audience(1_000, &[]).await;
    let mut plan = plan(&audience);
    plan["coupon"] = json!({"name": "10 %", "stock": 600});
    let id = world.post("/v1/campaigns", plan).await.id();

    let outlook = outlook(&world, &id).await;

    assert_eq!(
        outlook["warnings"],
        json!(["600 coupons are left for 1000 recipients: who comes too late is skipped"])
    );
}

#[tokio::test]
async fn what_was_seen_lately_is_believed_before_what_is_assumed() {
    let world = World::new().await;
    let id = draft(&world, 1_000_000, json!({"at": "now"})).await;
    let fastest = Fastest {
        expansion: Some(20_000),
        delivery: Some(2_500),
    };
    note(&world, CampaignId::allocate(), (0, 0), fastest).await;

    let outlook = outlook(&world, &id).await;

    assert_eq!(
        (
            &outlook["fan_out"]["pushes_per_second"],
            &outlook["fan_out"]["seconds"]
        ),
        (&json!(20_000), &json!(50))
    );
    assert_eq!(
        (&outlook["delivery"]["source"], &outlook["delivery"]["seconds"]),
        (&json!("lately"), &json!(400))
    );
}

#[tokio::test]
async fn a_running_campaign_is_told_its_end_by_what_it_does_now() {
    let world = World::new().await;
    let id = draft(&world, 998, json!({"at": "now"})).await;
    let before = world.get(&format!("/v1/campaigns/{id}/progress")).await.json;
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    note(&world, id.parse().unwrap(), (998, 0), Fastest::default()).await;
    world.clock.advance(Duration::from_secs(40));
    let tally = Tally {
        pending: 99,
        granted: 0,
        settled: [(Reason::Accepted, 400)].into(),
    };
    for no in [0, 1] {
        let tally = ChunkTally::of(id.parse().unwrap(), no, 2, ChunkState::Leased, &tally);
        let mut tx = world.backends.db.begin().await.unwrap();
        let replaced = chunk_tally::replace(&mut tx, &tally).await.unwrap();
        assert_eq!(replaced, database::Change::Applied);
        tx.commit().await.repeatable().unwrap();
    }

    let progress = world.get(&format!("/v1/campaigns/{id}/progress")).await.json;
    let outlook = outlook(&world, &id).await;

    assert_eq!((&before["eta"], &before["pace"]), (&Value::Null, &Value::Null));
    // 800 in 40 seconds; 198 are left.
    assert_eq!(
        progress["pace"],
        json!({"expanded_per_second": 0, "settled_per_second": 20, "seconds": 40})
    );
    assert_eq!(progress["eta"], "2026-07-01T12:00:49.900Z");
    assert_eq!(
        (&outlook["delivery"]["left"], &outlook["delivery"]["source"]),
        (&json!(198), &json!("now"))
    );
}

/// Takes note of what a campaign has expanded and settled by now.
async fn note(world: &World, campaign: CampaignId, (expanded, settled): (u64, u64), fastest: Fastest) {
    let sample = Sample {
        at: world.clock.clock().now(),
        expanded,
        settled,
    };
    let pace = Pace {
        before: sample,
        taken: sample,
        fastest,
    };
    let mut tx = world.backends.db.begin().await.unwrap();
    campaign_pace::replace(&mut tx, campaign, &pace).await.unwrap();
    tx.commit().await.repeatable().unwrap();
}

#[tokio::test]
async fn a_recount_is_asked_for_page_by_page() {
    let world = World::new().await;
    let id = draft(&world, 1_000, json!({"at": "now"})).await;
    let path = format!("/v1/campaigns/{id}/verification");

    let unstarted = world.get(&path).await.json;
    let none = world.get(&format!("{path}?limit=0")).await;
    let many = world.get(&format!("{path}?limit=65")).await;
    let other = world.get(&format!("{path}?cursor=AgAB")).await;

    assert_eq!(
        (
            &unstarted["chunk_count"],
            &unstarted["differences"],
            &unstarted["next_cursor"]
        ),
        (&json!(0), &json!([]), &Value::Null)
    );
    assert_eq!((none.unaccepted(), many.unaccepted()), ("limit", "limit"));
    assert_eq!(other.unaccepted(), "cursor");
}
