//! Single pushes, as events happen.

use std::time::Duration;

use campaign::CampaignId;
use chrono::TimeDelta;
use journeys::world::{World, device_of, until, users};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_triggered_push_is_delivered_once_however_often_it_is_asked_for
    two_pushes_to_one_user_do_not_replace_each_other
    a_push_waits_for_its_time_and_for_its_campaign
    who_wants_nothing_or_is_gone_is_sent_nothing
    a_cancelled_campaign_sends_no_more_and_is_closed
    what_is_old_is_deleted_and_the_campaign_goes_on
}

async fn campaign(world: &World) -> CampaignId {
    let plan = json!({
        "name": "your driver",
        "kind": "triggered",
        "message": {
            "default_locale": "en",
            "texts": {"en": {"title": "{{ driver }} is here", "body": "Your taxi waits."}},
        },
    });
    let made: Value = world.api().post("/v1/campaigns", Some(&plan)).await;
    let id: CampaignId = made["id"].as_str().unwrap().parse().unwrap();
    world.api().turn(id, "start").await;
    id
}

fn push(campaign: CampaignId, user: &str) -> Value {
    json!({"campaign_id": campaign, "user_id": user, "variables": {"driver": "花子"}})
}

async fn settled(world: &World, id: &str) -> Value {
    let path = format!("/v1/pushes/{id}");
    until("the push is final", async || {
        let push: Value = world.api().get(&path).await;
        (push["settled_at"] != Value::Null).then_some(push)
    })
    .await
}

fn id_of(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

async fn a_triggered_push_is_delivered_once_however_often_it_is_asked_for(world: &World) {
    world.api().register(&users(1)).await;
    let campaign = campaign(world).await;
    let plan = push(campaign, "user-00000");

    let first = world.api().post_once("/v1/pushes", "ride-7", &plan).await;
    let again = world.api().post_once("/v1/pushes", "ride-7", &plan).await;
    let delivered = settled(world, id_of(&first.body)).await;
    let other = world
        .api()
        .post_once("/v1/pushes", "ride-7", &push(campaign, "user-00001"))
        .await;
    let without_key = world
        .api()
        .ask(Method::POST, "/v1/pushes", Some(&plan))
        .await
        .unwrap();

    assert_eq!(
        (first.status, again.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(id_of(&first.body), id_of(&again.body));
    assert_eq!(delivered["reason"], "accepted");
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.body["type"], "urn:noroshi:problem:idempotency-key-reused");
    assert_eq!(without_key.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(without_key.body["field"], "Idempotency-Key");
    let accepted = world.gateway().accepted();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].address, device_of("user-00000"));
    assert_eq!(accepted[0].push_id, id_of(&first.body));
    let progress = world.api().progress(campaign).await;
    assert_eq!(
        (progress.state.as_str(), progress.outcomes()),
        ("running", vec![("accepted", 1)])
    );
    assert_eq!(progress.missing, Vec::<String>::new());
}

async fn two_pushes_to_one_user_do_not_replace_each_other(world: &World) {
    world.api().register(&users(1)).await;
    let campaign = campaign(world).await;
    let own = json!({
        "campaign_id": campaign,
        "user_id": "user-00000",
        "message": {"default_locale": "en", "texts": {"en": {"title": "Paid", "body": "Thank you."}}},
        "priority": "normal",
        "ttl_seconds": 60,
    });

    let first = world
        .api()
        .post_once("/v1/pushes", "a", &push(campaign, "user-00000"))
        .await;
    let second = world.api().post_once("/v1/pushes", "b", &own).await;
    settled(world, id_of(&first.body)).await;
    settled(world, id_of(&second.body)).await;

    let accepted = world.gateway().accepted();
    assert_eq!(accepted.len(), 2);
    assert_ne!(accepted[0].collapse_id, accepted[1].collapse_id);
}

async fn a_push_waits_for_its_time_and_for_its_campaign(world: &World) {
    world.api().register(&users(2)).await;
    let campaign = campaign(world).await;
    let at = world.clock().now() + TimeDelta::minutes(10);
    let mut later = push(campaign, "user-00000");
    later["deliver_at"] = json!(at);

    let later = world.api().post_once("/v1/pushes", "later", &later).await;
    world.api().turn(campaign, "pause").await;
    let held = world
        .api()
        .post_once("/v1/pushes", "held", &push(campaign, "user-00001"))
        .await;
    let while_paused = world.gateway().accepted().len();
    world.api().turn(campaign, "resume").await;
    settled(world, id_of(&held.body)).await;
    world.clock().advance(Duration::from_secs(600));
    settled(world, id_of(&later.body)).await;

    assert_eq!(while_paused, 0);
    let accepted = world.gateway().accepted();
    assert_eq!(accepted.len(), 2);
    assert_eq!(accepted[1].address, device_of("user-00000"));
    assert!(accepted[1].received_at >= at);
}

async fn who_wants_nothing_or_is_gone_is_sent_nothing(world: &World) {
    world.api().register(&users(2)).await;
    let campaign = campaign(world).await;
    world.opt_out("user-00000").await;
    let mut later = push(campaign, "user-00001");
    later["deliver_at"] = json!(world.clock().now() + TimeDelta::minutes(10));

    let opted_out = world
        .api()
        .post_once("/v1/pushes", "a", &push(campaign, "user-00000"))
        .await;
    let opted_out = settled(world, id_of(&opted_out.body)).await;
    let waits = world.api().post_once("/v1/pushes", "b", &later).await;
    world.erase("user-00001").await;
    let erased = settled(world, id_of(&waits.body)).await;
    let too_late = world
        .api()
        .post_once("/v1/pushes", "c", &push(campaign, "user-00001"))
        .await;
    let no_device = world
        .api()
        .post_once("/v1/pushes", "d", &push(campaign, "stranger"))
        .await;
    let no_device = settled(world, id_of(&no_device.body)).await;

    assert_eq!(opted_out["reason"], "opted_out");
    assert_eq!(
        (&erased["state"], &erased["reason"]),
        (&json!("skipped"), &json!("erased"))
    );
    assert_eq!(too_late.body["type"], "urn:noroshi:problem:being-erased");
    assert_eq!(no_device["reason"], "no_device");
    assert_eq!(world.gateway().accepted(), []);
}

async fn a_cancelled_campaign_sends_no_more_and_is_closed(world: &World) {
    world.api().register(&users(1)).await;
    let campaign = campaign(world).await;
    let mut later = push(campaign, "user-00000");
    later["deliver_at"] = json!(world.clock().now() + TimeDelta::minutes(10));

    let waits = world.api().post_once("/v1/pushes", "a", &later).await;
    world.api().turn(campaign, "cancel").await;
    let again = world.api().post_once("/v1/pushes", "a", &later).await;
    let new = world
        .api()
        .post_once("/v1/pushes", "b", &push(campaign, "user-00000"))
        .await;
    world.clock().advance(Duration::from_secs(3_600));
    until("nothing of it is open", async || {
        let row = database::campaign::find(world.db(), campaign)
            .await
            .unwrap()
            .unwrap();
        row.reconciled_at
    })
    .await;

    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.body["id"], waits.body["id"]);
    assert_eq!(
        (again.body["state"].as_str(), new.status),
        (Some("cancelled"), StatusCode::CONFLICT)
    );
    assert_eq!(world.gateway().accepted(), []);
}

async fn what_is_old_is_deleted_and_the_campaign_goes_on(world: &World) {
    world.api().register(&users(1)).await;
    let campaign = campaign(world).await;
    let old = world
        .api()
        .post_once("/v1/pushes", "a", &push(campaign, "user-00000"))
        .await;
    settled(world, id_of(&old.body)).await;

    world.clock().advance(Duration::from_secs(31 * 86_400));
    let new = world
        .api()
        .post_once("/v1/pushes", "b", &push(campaign, "user-00000"))
        .await;
    settled(world, id_of(&new.body)).await;
    until("the old one is deleted", async || {
        let path = format!("/v1/pushes/{}", id_of(&old.body));
        let asked = world.api().ask(Method::GET, &path, None).await.unwrap();
        (asked.status == StatusCode::NOT_FOUND).then_some(())
    })
    .await;

    let kept: Value = world.api().get(&format!("/v1/pushes/{}", id_of(&new.body))).await;
    assert_eq!(kept["reason"], "accepted");
}
