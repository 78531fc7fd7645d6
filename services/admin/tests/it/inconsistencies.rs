//! Inconsistencies where nobody reconciles: what is shown, and what a repair comes to.

use campaign::{CampaignId, InconsistencyId, IntentId};
use database::Insertion;
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::shard::intent::{self, IntentState};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, send};

/// An open inconsistency of that campaign, with an intent of one user that is due in an hour.
async fn note(world: &World, campaign: CampaignId, detail: &str) -> Inconsistency {
    let now = world.clock.clock().now();
    let noted = Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id: IntentId::allocate(),
        campaign_id: campaign,
        chunk_no: 0,
        kind: InconsistencyKind::Unknown,
        detail: detail.to_owned(),
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: now,
        resolved_at: None,
    };
    let due_at = now + std::time::Duration::from_secs(3_600);
    let mut users = [0; 64];
    users[0] = 1;
    let mut tx = world.backends.db.begin().await.unwrap();
    intent::insert(&mut tx, noted.intent_id, campaign, 0, &users, now, due_at)
        .await
        .unwrap();
    let inserted = inconsistency::insert(&mut tx, &noted).await.unwrap();
    tx.commit().await.repeatable().unwrap();
    assert_eq!(inserted, Insertion::New);
    noted
}

/// Ends it, with its intent or without.
async fn resolve(world: &World, noted: &Inconsistency, state: InconsistencyState, why: &str) {
    let now = world.clock.clock().now();
    let mut tx = world.backends.db.begin().await.unwrap();
    let _ = inconsistency::resolve(&mut tx, noted.intent_id, state, why, now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
}

#[tokio::test]
async fn what_is_not_repaired_is_listed_unless_others_are_asked_for() {
    let world = World::new().await;
    let (campaign, other) = (CampaignId::allocate(), CampaignId::allocate());
    let open = note(&world, campaign, "aborted").await;
    let dead = note(&world, campaign, "aborted").await;
    let repaired = note(&world, other, "aborted").await;
    resolve(&world, &dead, InconsistencyState::Dead, "refused").await;
    resolve(&world, &repaired, InconsistencyState::Repaired, "done").await;
    world.clock.advance(std::time::Duration::from_secs(90));

    let listed = async |query: &str| {
        let page = world.get(&format!("/v1/inconsistencies{query}")).await.json;
        let items = page["items"].as_array().unwrap().clone();
        let ids = items.iter().map(|item| item["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };

    let [open, dead, repaired] = [open.id, dead.id, repaired.id].map(|id| id.to_string());
    assert_eq!(listed("").await, [open.clone(), dead.clone()]);
    assert_eq!(listed("?state=open").await, std::slice::from_ref(&open));
    assert_eq!(listed("?state=dead").await, std::slice::from_ref(&dead));
    assert_eq!(listed("?state=all").await, [open.clone(), dead, repaired.clone()]);
    assert_eq!(listed(&format!("?state=all&campaign={other}")).await, [repaired]);
    let shown = world.get(&format!("/v1/inconsistencies/{open}")).await.json;
    assert_eq!(
        (&shown["age_seconds"], &shown["events"]),
        (&json!(90), &json!([]))
    );
}

#[tokio::test]
async fn an_explanation_without_datastore_says_what_sql_holds() {
    let world = World::new().await;
    let noted = note(&world, CampaignId::allocate(), "unavailable").await;
    let embedded = world.embedded.lock().unwrap().take();
    embedded.unwrap().stop().await;

    let path = format!("/v1/inconsistencies/{}/explanation", noted.id);
    let explained = world.get(&path).await;

    assert_eq!(explained.status, StatusCode::OK);
    assert_eq!(explained.json["sql"]["intent"]["state"], "open");
    assert_eq!(explained.json["datastore"]["answer"], "failed");
    assert_eq!(explained.json["action"], "retry");
}

#[tokio::test]
async fn a_repair_that_nobody_carries_out_in_time_is_due() {
    let world = World::new().await;
    let noted = note(&world, CampaignId::allocate(), "aborted").await;
    resolve(&world, &noted, InconsistencyState::Dead, "refused").await;

    let path = format!("/v1/inconsistencies/{}/repair", noted.id);
    let answer = world.spawn(send(world.request(Method::POST, &path)));
    world.clock.until_asleep(1).await;
    world.clock.advance(std::time::Duration::from_secs(5));
    let answer = answer.await.unwrap();

    assert_eq!(
        (answer.status, &answer.json["state"]),
        (StatusCode::ACCEPTED, &json!("open"))
    );
    assert_eq!(answer.json["events"][0]["detail"], "refused");
    let intent = intent::find(&world.backends.db, noted.intent_id).await;
    let intent = intent.unwrap().unwrap();
    assert_eq!(
        (intent.state, intent.due_at),
        (IntentState::Open, noted.detected_at)
    );
}

#[tokio::test]
async fn an_inconsistency_whose_intent_is_closed_is_repaired() {
    let world = World::new().await;
    let noted = note(&world, CampaignId::allocate(), "aborted").await;
    let mut tx = world.backends.db.begin().await.unwrap();
    let closed = intent::close(&mut tx, &[noted.intent_id], noted.detected_at).await;
    tx.commit().await.repeatable().unwrap();

    let path = format!("/v1/inconsistencies/{}/repair", noted.id);
    let repaired = world.post(&path, json!({})).await;
    let repeat = world.post(&path, json!({})).await;

    assert_eq!(closed.unwrap(), 1);
    assert_eq!(
        (repaired.status, &repaired.json["resolution"]),
        (StatusCode::OK, &json!("its intent was closed"))
    );
    assert_eq!(repeat.json, repaired.json);
}

#[tokio::test]
async fn an_export_has_every_line_and_no_formula() {
    let world = World::new().await;
    let campaign = CampaignId::allocate();
    let mut noted = Vec::new();
    for no in 0..501 {
        noted.push(note(&world, campaign, &format!("=HYPERLINK({no})")).await);
    }
    let export = async |query: &str| {
        let path = format!("/v1/inconsistencies/export{query}");
        let answer = world.request(Method::GET, &path).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, answer.text().await.unwrap())
    };

    let (csv_type, csv) = export("").await;
    let (lines_type, lines) = export("?format=jsonl&state=open").await;
    let refused = world.get("/v1/inconsistencies/export?format=xml").await;

    assert_eq!(
        (csv_type.as_str(), lines_type.as_str()),
        ("text/csv; charset=utf-8", "application/x-ndjson")
    );
    assert_eq!((csv.lines().count(), lines.lines().count()), (502, 501));
    assert!(csv.lines().skip(1).all(|line| line.contains(",'=HYPERLINK(")));
    for (line, noted) in lines.lines().zip(&noted) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["id"], noted.id.to_string());
    }
    assert_eq!(refused.unaccepted(), "query");
}

#[tokio::test]
async fn a_campaigns_progress_counts_its_inconsistencies() {
    let world = World::new().await;
    let id = world.draft().await;
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    let dead = note(&world, id.parse().unwrap(), "aborted").await;
    resolve(&world, &dead, InconsistencyState::Dead, "refused").await;

    let progress = world.get(&format!("/v1/campaigns/{id}/progress")).await.json;

    assert_eq!(
        progress["inconsistencies"],
        json!({"open": 0, "repaired": 0, "dead": 1})
    );
    let missing = progress["missing"].as_array().unwrap();
    let said = format!("0 inconsistencies are open and 1 dead: see /v1/inconsistencies?campaign={id}");
    assert!(missing.contains(&json!(said)), "{missing:?}");
}
