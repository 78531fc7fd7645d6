//! The users' devices, of one gateway in a case.

use journeys::world::device_of;
use serde_json::{Value, json};

use super::lives::{Lives, expect_success};
use crate::case::Gateway;

/// Gives each of the users a device of that gateway.
pub(super) async fn register(lives: &mut Lives, users: &[String], gateway: Gateway) -> anyhow::Result<()> {
    let mut lines = String::new();
    for (no, user) in users.iter().enumerate() {
        lines += &device(lives, user, no, gateway).await?.to_string();
        lines.push('\n');
    }
    let answer = lives.ask("devices", async |api| {
        api.try_upload("/v1/devices", "application/x-ndjson", lines.clone())
            .await
    });
    expect_success("devices", answer.await?)
}

async fn device(lives: &Lives, user: &str, no: usize, gateway: Gateway) -> anyhow::Result<Value> {
    Ok(match gateway {
        Gateway::Fcm => json!({"user_id": user, "kind": "fcm_token", "address": device_of(user)}),
        Gateway::Apns => json!({"user_id": user, "kind": "apns", "address": format!("{no:064x}")}),
        Gateway::WebPush => {
            let subscription = lives.stage.subscribe(user).await?;
            let (endpoint, keys) = (&subscription["endpoint"], &subscription["keys"]);
            json!({"user_id": user, "kind": "web_push", "address": endpoint, "extra": keys})
        }
    })
}
