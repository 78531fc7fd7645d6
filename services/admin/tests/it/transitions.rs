//! What is done with campaigns.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, plan, send};

/// What is done with the campaign, as an answer.
async fn act(world: &World, id: &str, action: &str) -> crate::world::Answer {
    world
        .post(&format!("/v1/campaigns/{id}/{action}"), json!({}))
        .await
}

/// Asks for something that waits for permits to end, and says how it was answered once they had.
async fn act_and_wait(world: &Arc<World>, method: Method, path: String) -> crate::world::Answer {
    let asking = world.clone();
    let answer = world.spawn(async move { send(asking.request(method, &path)).await });
    world.clock.until_asleep(1).await;
    world.clock.advance(Duration::from_millis(699));
    assert!(!answer.is_finished(), "answered while a permit may be out");
    world.clock.advance(Duration::from_millis(1));
    answer.await.unwrap()
}

#[tokio::test]
async fn a_start_fixes_the_size_of_the_audience() {
    let world = World::new().await;
    let audience = world.upload("user_id\nu1\n").await.id();
    let id = world.post("/v1/campaigns", plan(&audience)).await.id();
    world.import(&audience, 250_000, &[]).await;

    let started = act(&world, &id, "start").await;

    assert_eq!(started.json["state"], "running");
    assert_eq!(started.json["audience_size"], 250_000);
    assert_eq!(started.json["started_at"], "2026-07-01T12:00:00Z");
    let row = database::campaign::find(&world.backends.db, id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.plan.lane, campaign::Lane::Bulk);
    assert_eq!(row.chunk_count, 502);
}

#[tokio::test]
async fn nothing_starts_before_its_audience_is_ready() {
    let world = World::new().await;
    let audience = world.upload("user_id\nu1\n").await.id();
    let id = world.post("/v1/campaigns", plan(&audience)).await.id();

    let early = act(&world, &id, "start").await;

    assert_eq!(early.problem(), (409, "audience-state"));
    assert_eq!(early.json["state"], "uploaded");
    assert_eq!(
        world.get(&format!("/v1/campaigns/{id}")).await.json["state"],
        "draft"
    );
}

#[tokio::test]
async fn nothing_starts_whose_templates_do_not_fit_the_audience_it_got() {
    let world = World::new().await;
    let audience = world.upload("user_id,rank\nu1,gold\n").await.id();
    let mut plan = plan(&audience);
    plan["message"]["texts"]["en"]["title"] = "Hi {{ rnak }}".into();
    let id = world.post("/v1/campaigns", plan).await.id();
    world.import(&audience, 1, &["rank"]).await;

    let refused = act(&world, &id, "start").await;

    assert_eq!(refused.unaccepted(), "message.texts.en.title");
    assert_eq!(refused.json["column"], 7);
}

#[tokio::test]
async fn only_a_campaign_with_a_time_is_scheduled() {
    let world = World::new().await;
    let audience = world.ready_audience(1, &[]).await;
    let mut later = plan(&audience);
    later["schedule"] = json!({"at": {"instant": "2026-07-02T00:00:00Z"}});
    let later = world.post("/v1/campaigns", later).await.id();
    let now = world.post("/v1/campaigns", plan(&audience)).await.id();

    let scheduled = act(&world, &later, "schedule").await;
    let refused = act(&world, &now, "schedule").await;
    let started = act(&world, &later, "start").await;

    assert_eq!(scheduled.json["state"], "scheduled");
    assert_eq!(scheduled.json["starts_at"], "2026-07-02T00:00:00Z");
    assert_eq!(refused.unaccepted(), "schedule.at");
    assert_eq!(started.json["state"], "running");
    assert_eq!(started.json["audience_size"], 1);
}

#[tokio::test]
async fn an_impossible_transition_names_the_state() {
    let world = World::new().await;
    let id = world.draft().await;

    for (action, state) in [("pause", "draft"), ("resume", "draft")] {
        let refused = act(&world, &id, action).await;
        assert_eq!(refused.problem(), (409, "campaign-state"));
        assert_eq!(refused.json["state"], state);
    }
    assert_eq!(act(&world, &id, "start").await.status, StatusCode::OK);
    let again = act(&world, &id, "start").await;

    assert_eq!(
        again.json["detail"],
        "a campaign that is running cannot be started"
    );
    assert_eq!(again.json["state"], "running");
}

#[tokio::test]
async fn a_pause_is_answered_when_no_permit_is_left() {
    let world = Arc::new(World::new().await);
    let id = world.draft().await;
    act(&world, &id, "start").await;

    let paused = act_and_wait(&world, Method::POST, format!("/v1/campaigns/{id}/pause")).await;
    let resumed = act(&world, &id, "resume").await;

    assert_eq!(paused.json["state"], "paused");
    assert_eq!(resumed.json["state"], "running");
}

#[tokio::test]
async fn a_cancel_is_answered_when_no_permit_is_left() {
    let world = Arc::new(World::new().await);
    let id = world.draft().await;
    act(&world, &id, "start").await;

    let cancelled = act_and_wait(&world, Method::POST, format!("/v1/campaigns/{id}/cancel")).await;
    let again = act(&world, &id, "cancel").await;

    assert_eq!(cancelled.json["state"], "cancelled");
    assert!(cancelled.json["ended_at"].is_string());
    assert_eq!(again.json["state"], "cancelled");
    assert_eq!(again.problem(), (409, "campaign-state"));
}

#[tokio::test]
async fn a_stop_of_everything_is_answered_when_no_permit_is_left() {
    let world = Arc::new(World::new().await);

    let stopped = act_and_wait(&world, Method::PUT, "/v1/stop".to_owned()).await;
    let shown = world.get("/v1/stop").await;
    let going_on = world.delete("/v1/stop").await;

    assert_eq!(stopped.json, json!({"stopped": true}));
    assert_eq!(shown.json, stopped.json);
    assert_eq!(going_on.json, json!({"stopped": false}));
    assert_eq!(world.get("/v1/stop").await.json, json!({"stopped": false}));
}
