//! Every row of the gateways' error tables: what becomes of the push, whether it is tried again,
//! and what becomes of the address.
//!
//! Each row is a user whose one address is answered with it at the first message, and taken at
//! the second. So whatever is tried again ends as accepted, after two requests, and what is not
//! ends with the reason, after one.

use std::collections::BTreeMap;

use campaign::CampaignId;
use chrono::TimeDelta;
use journeys::world::{World, until};
use serde_json::{Value, json};

use crate::devices::{browser, devices, iphone, register};
use crate::stamp::on;

on! { optimistic Optimistic:
    every_row_of_fcms_table_has_its_fate
    every_row_of_apnss_table_has_its_fate
    every_row_of_web_pushs_table_has_its_fate
}

/// What a gateway answers, and what is to follow.
struct Row {
    status: u16,
    body: Value,
    reason: &'static str,
    address: &'static str,
}

const AGAIN: &str = "accepted";

fn row(status: u16, body: Value, reason: &'static str, address: &'static str) -> Row {
    Row {
        status,
        body,
        reason,
        address,
    }
}

async fn every_row_of_fcms_table_has_its_fate(world: &World) {
    let code = |status: u16, code: &str, more: &[Value]| {
        let mut details =
            vec![json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})];
        details.extend_from_slice(more);
        (status, json!({"error": {"code": status, "details": details}}))
    };
    let field = |field: &str| json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]});
    let payload = json!({"error": {"code": 400, "details": [field("message.data")]}});
    let rows = [
        (code(404, "UNREGISTERED", &[]), "unregistered", "removed"),
        (code(400, "INVALID_ARGUMENT", &[]), "address_wrong", "quarantined"),
        (
            code(400, "INVALID_ARGUMENT", &[field("message.token")]),
            "address_wrong",
            "quarantined",
        ),
        ((400, payload), "payload_wrong", "kept"),
        (
            code(403, "SENDER_ID_MISMATCH", &[]),
            "address_wrong",
            "quarantined",
        ),
        (code(429, "QUOTA_EXCEEDED", &[]), AGAIN, "kept"),
        (code(503, "UNAVAILABLE", &[]), AGAIN, "kept"),
        (code(500, "INTERNAL", &[]), AGAIN, "kept"),
        (code(401, "THIRD_PARTY_AUTH_ERROR", &[]), AGAIN, "kept"),
        ((401, json!({})), AGAIN, "kept"),
    ];
    let rows = rows.map(|((status, body), reason, address)| row(status, body, reason, address));

    play(
        world,
        &rows,
        async |prefix| json!({"kind": "fcm_token", "address": format!("{prefix}-device")}),
    )
    .await;
}

async fn every_row_of_apnss_table_has_its_fate(world: &World) {
    let said = |status: u16, reason: &str, push: &'static str, address: &'static str| {
        row(status, json!({ "reason": reason }), push, address)
    };
    let ended = |reason: &str, hours: i64, address: &'static str| {
        let at = world.clock().now() + TimeDelta::hours(hours);
        let body = json!({"reason": reason, "timestamp": at.timestamp_millis()});
        row(410, body, "unregistered", address)
    };
    let mut rows = vec![
        ended("Unregistered", 1, "removed"),
        ended("ExpiredToken", 1, "removed"),
        // It was registered after Apple saw it end.
        ended("Unregistered", -1, "kept"),
        said(410, "Unregistered", "unregistered", "removed"),
        said(400, "BadDeviceToken", "address_wrong", "quarantined"),
        said(400, "DeviceTokenNotForTopic", "address_wrong", "quarantined"),
        said(400, "TopicDisallowed", "address_wrong", "quarantined"),
        said(413, "PayloadTooLarge", "payload_wrong", "kept"),
        said(429, "TooManyRequests", AGAIN, "kept"),
        said(429, "TooManyProviderTokenUpdates", AGAIN, "kept"),
        said(403, "ExpiredProviderToken", AGAIN, "kept"),
        said(500, "InternalServerError", AGAIN, "kept"),
        said(503, "ServiceUnavailable", AGAIN, "kept"),
        said(503, "Shutdown", AGAIN, "kept"),
    ];
    for reason in [
        "BadCollapseId",
        "BadMessageId",
        "BadPriority",
        "InvalidPushType",
        "PayloadEmpty",
    ] {
        rows.push(said(400, reason, "payload_wrong", "kept"));
    }

    play(world, &rows, async |prefix| iphone(prefix)).await;
}

async fn every_row_of_web_pushs_table_has_its_fate(world: &World) {
    let rows = [
        (404, "unregistered", "removed"),
        (410, "unregistered", "removed"),
        (413, "payload_wrong", "kept"),
        (400, "payload_wrong", "kept"),
        (307, "address_wrong", "quarantined"),
        (429, AGAIN, "kept"),
        (406, AGAIN, "kept"),
        (500, AGAIN, "kept"),
        (503, AGAIN, "kept"),
    ];
    let rows = rows.map(|(status, reason, address)| row(status, json!({}), reason, address));

    play(world, &rows, async |prefix| {
        browser(world, &format!("{prefix}-browser")).await
    })
    .await;
}

/// Sends one push for each row to a device of its own, of which `device` makes the address begin
/// with what it is given, and looks at what became of both.
async fn play(world: &World, rows: &[Row], device: impl AsyncFn(&str) -> Value) {
    let users = (0..rows.len())
        .map(|number| format!("row-{number:02}"))
        .collect::<Vec<_>>();
    let mut answers = Vec::new();
    for (number, (user, row)) in users.iter().zip(rows).enumerate() {
        let prefix = format!("{number:02}");
        register(world, user, &device(&prefix).await).await;
        answers.push(json!({
            "prefix": prefix, "status": row.status, "body": row.body.to_string(), "first": 1,
            "headers": {"retry-after": "1", "content-type": "application/json"},
        }));
    }
    world.gateway().play(&json!({ "answers": answers })).await;
    let audience = world.audience().of(&users).import().await;

    let campaign = world.campaign(audience).start().await;
    world.finished(campaign).await;

    let mut requests = 0;
    for (user, row) in users.iter().zip(rows) {
        let said = format!("{} {}", row.status, row.body);
        assert_eq!(reason(world, campaign, user).await, row.reason, "{said}");
        until(
            &format!("the address is {} after {said}", row.address),
            async || (fate(world, user).await == row.address).then_some(()),
        )
        .await;
        let sent = world.gateway().accepted_for(campaign, user).len();
        assert_eq!(sent, usize::from(row.reason == AGAIN), "{said}");
        requests += 1 + sent as u64;
    }
    assert_eq!(world.gateway().counts().await.requests, requests);
}

async fn reason(world: &World, campaign: CampaignId, user: &str) -> String {
    let history: BTreeMap<String, Value> = world.api().get(&format!("/v1/users/{user}/pushes")).await;
    let pushes = history["items"].as_array().unwrap().iter();
    let mut of_campaign = pushes.filter(|push| push["campaign_id"] == campaign.to_string());
    of_campaign.next().unwrap()["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn fate(world: &World, user: &str) -> &'static str {
    match devices(world, user).await.first() {
        None => "removed",
        Some(device) if device["quarantined_at"].is_null() => "kept",
        Some(_) => "quarantined",
    }
}
