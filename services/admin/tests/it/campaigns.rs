//! Campaigns as drafts, and what is said of them later.

use campaign::{ChunkState, Reason, Tally};
use database::chunk_tally::{self, ChunkTally};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, message, plan, send};

#[tokio::test]
async fn a_draft_is_made_shown_and_listed() {
    let world = World::new().await;
    let audience = world.ready_audience(1_000, &[]).await;

    let made = world.post("/v1/campaigns", plan(&audience)).await;

    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["state"], "draft");
    assert_eq!(made.json["audience_id"], audience);
    assert_eq!(made.json["schedule"], json!({"at": "now"}));
    assert_eq!(made.json["coupon_for"], "all");
    let shown = world.get(&format!("/v1/campaigns/{}", made.id())).await;
    assert_eq!(shown.json, made.json);
    assert_eq!(shown.headers["etag"], "\"1\"");
    assert_eq!(world.get("/v1/campaigns").await.json["items"], json!([made.json]));
}

#[tokio::test]
async fn a_draft_brings_its_recipients_and_its_coupon_along() {
    let world = World::new().await;
    let plan = json!({
        "name": "spring", "message": message(), "user_ids": ["u1", "u2"],
        "coupon": {"name": "10 %", "stock": 2}, "coupon_for": "reachable",
    });

    let made = world.post("/v1/campaigns", plan).await;

    assert_eq!(made.json["coupon_for"], "reachable");
    let audience = world
        .get(&format!(
            "/v1/audiences/{}",
            made.json["audience_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(audience.json["state"], "uploaded");
    let coupon = world
        .get(&format!(
            "/v1/coupons/{}",
            made.json["coupon_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(coupon.json["stock"], 2);
}

#[tokio::test]
async fn what_a_refused_draft_brought_along_is_not_kept() {
    let world = World::new().await;
    let plan = json!({
        "name": "spring", "message": message(), "coupon": {"name": "10 %"},
        "audience_id": "00000000-0000-0000-0000-000000000007",
    });

    let refused = world.post("/v1/campaigns", plan).await;

    assert_eq!(refused.unaccepted(), "audience_id");
    assert_eq!(world.get("/v1/coupons").await.json["items"], json!([]));
    assert_eq!(world.get("/v1/campaigns").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_draft_is_updated_by_whoever_has_read_it_last() {
    let world = World::new().await;
    let id = world.draft().await;
    let path = format!("/v1/campaigns/{id}");
    let mut plan = plan(world.get(&path).await.json["audience_id"].as_str().unwrap());
    plan["name"] = "summer".into();
    let put = |version: &'static str| {
        world
            .request(Method::PUT, &path)
            .header("if-match", version)
            .json(&plan)
    };

    let updated = send(put("\"1\"")).await;
    let outdated = send(put("\"1\"")).await;
    let unversioned = world.put(&path, plan.clone()).await;
    let malformed = send(put("1")).await;

    assert_eq!(updated.json["name"], "summer");
    assert_eq!(updated.headers["etag"], "\"2\"");
    assert_eq!(outdated.problem(), (412, "version-differs"));
    assert_eq!(outdated.json["version"], 2);
    assert_eq!(unversioned.problem(), (428, "version-missing"));
    assert_eq!(malformed.unaccepted(), "If-Match");
}

#[tokio::test]
async fn only_a_draft_is_updated() {
    let world = World::new().await;
    let id = world.draft().await;
    let started = world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    let plan = plan(started.json["audience_id"].as_str().unwrap());
    let version = format!("\"{}\"", started.json["version"]);

    let update = world.request(Method::PUT, &format!("/v1/campaigns/{id}"));
    let refused = send(update.header("if-match", version).json(&plan)).await;

    assert_eq!(refused.problem(), (409, "campaign-state"));
    assert_eq!(refused.json["state"], "running");
}

#[tokio::test]
async fn a_template_is_refused_by_line_and_column() {
    let world = World::new().await;
    let audience = world.ready_audience(1, &["rank"]).await;
    let mut broken = plan(&audience);
    broken["message"]["texts"]["en"]["body"] = "Dear\n{{ user_id".into();
    let mut unknown = plan(&audience);
    unknown["message"]["texts"]["en"]["title"] = "Hi {{ rnak }}".into();
    let mut known = plan(&audience);
    known["message"]["texts"]["en"]["title"] = "Hi {{ rank }}, {{ user_id }}".into();

    let broken = world.post("/v1/campaigns", broken).await;
    let unknown = world.post("/v1/campaigns", unknown).await;
    let known = world.post("/v1/campaigns", known).await;

    assert_eq!(broken.unaccepted(), "message.texts.en.body");
    assert_eq!(broken.json["line"], 2);
    assert!(broken.json["column"].is_number());
    assert_eq!(unknown.unaccepted(), "message.texts.en.title");
    assert_eq!(
        (&unknown.json["line"], &unknown.json["column"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(known.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_is_refused_by_field() {
    let world = World::new().await;
    let audience = world.ready_audience(1, &[]).await;
    let cancelled = world.upload("user_id\nu1\n").await.id();
    world
        .post(&format!("/v1/audiences/{cancelled}/cancel"), json!({}))
        .await;
    let cases = [
        (json!({"name": ""}), "name"),
        (json!({"audience_id": null}), "audience_id"),
        (json!({"audience_id": cancelled}), "audience_id"),
        (json!({"user_ids": ["u1"]}), "user_ids"),
        (json!({"audience_id": null, "user_ids": []}), "user_ids"),
        (
            json!({"audience_id": null, "user_ids": ["u1", " "]}),
            "user_ids[1]",
        ),
        (json!({"coupon_id": audience}), "coupon_id"),
        (json!({"coupon_id": audience, "coupon": {"name": "n"}}), "coupon"),
        (json!({"coupon": {"name": ""}}), "coupon.name"),
        (json!({"coupon_for": "some"}), "coupon_for"),
        (
            json!({"schedule": {"at": {"instant": "2026-08-01T00:00:00Z"}, "expires": {"at": "2026-07-31T00:00:00Z"}}}),
            "schedule.expires.at",
        ),
        (
            json!({"schedule": {"at": "now", "expires": {"at": "2026-06-30T00:00:00Z"}}}),
            "schedule.expires.at",
        ),
        (
            json!({"schedule": {"at": "now", "expires": {"after_seconds": 0}}}),
            "schedule.expires.after_seconds",
        ),
        (
            json!({"message": {"default_locale": "ja", "texts": {"en": {"title": "t", "body": "b"}}}}),
            "message.default_locale",
        ),
    ];

    for (change, field) in cases {
        let mut plan = plan(&audience);
        plan.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());

        let refused = world.post("/v1/campaigns", plan).await;

        assert_eq!(refused.unaccepted(), field, "{change}");
    }
}

#[tokio::test]
async fn progress_is_the_sum_of_what_chunks_wrote_down() {
    let world = World::new().await;
    let id = world.draft().await;
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    let mut tx = world.backends.db.begin().await.unwrap();
    let tally = Tally {
        pending: 9,
        granted: 0,
        settled: [(Reason::Accepted, 480), (Reason::NoDevice, 10)].into(),
    };
    let tally = ChunkTally::of(id.parse().unwrap(), 0, 1, ChunkState::Leased, &tally);
    let replaced = chunk_tally::replace(&mut tx, &tally).await.unwrap();
    assert_eq!(replaced, database::Change::Applied);
    tx.commit().await.repeatable().unwrap();

    let running = world.get(&format!("/v1/campaigns/{id}/progress")).await.json;

    assert_eq!(
        (&running["audience_size"], &running["chunk_count"]),
        (&json!(1_000), &json!(3))
    );
    assert_eq!(
        (&running["expanded"], &running["expanded_chunks"]),
        (&json!(499), &json!(1))
    );
    assert_eq!(running["tally"]["sent"], 480);
    assert_eq!(
        running["reasons"][0],
        json!({"state": "sent", "reason": "accepted", "pushes": 480})
    );
    assert_eq!(running["missing"][0], "501 of 1000 recipients are not expanded");
}

#[tokio::test]
async fn what_a_cancelled_campaign_did_not_settle_reads_as_cancelled() {
    let world = World::new().await;
    let id = world.draft().await;
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    let mut tx = world.backends.db.begin().await.unwrap();
    let cancel = campaign::Transition::Cancel;
    let now = world.clock.clock().now();
    let _ = database::campaign::transition(&mut tx, id.parse().unwrap(), cancel, None, now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();

    let progress = world.get(&format!("/v1/campaigns/{id}/progress")).await.json;

    assert_eq!(progress["tally"]["cancelled"], 1_000);
    assert_eq!(progress["reasons"][0]["reason"], "campaign_cancelled");
    assert_eq!(progress["missing"], json!([]));
}
