//! One address for every accepted user.
//!
//! Which users were accepted is read from the audience's chunks, as the import packed them, and
//! an address follows from its user, so that at the end each message can be told to have reached
//! the right one.

use std::fmt::Write;

use audience::Unpacked;
use campaign::AudienceId;
use database::{Db, audience_chunk};
use serde::Serialize;
use uuid::Uuid;

use super::api::DemoApi;
use super::error::Error;
use crate::progress::Stage;

/// Chunks whose addresses are registered with one request: 4,990 addresses at most, of the
/// 10,000 that the API takes.
const CHUNKS: u32 = 10;

/// What every address begins with.
const PREFIX: &str = "demo-token-";

/// What stands for a user in the user's address.
pub(super) fn device_of(user_id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, user_id.as_bytes())
}

/// That device's address.
pub(super) fn address(device: Uuid) -> String {
    format!("{PREFIX}{device}")
}

/// The recipients of one chunk of an audience that is ready.
pub(super) async fn recipients(db: &Db, audience: AudienceId, no: u32) -> Result<Unpacked, Error> {
    let chunk = audience_chunk::find(db, audience, no).await?;
    let bytes = chunk.map(|chunk| chunk.recipients).unwrap_or_default();
    Ok(Unpacked::open(&bytes)?)
}

/// Registers them all, a few chunks at a time.
pub(super) async fn register(
    api: &DemoApi,
    db: &Db,
    (audience, chunk_count): (AudienceId, u32),
    stage: &Stage<'_>,
) -> Result<u64, Error> {
    let mut registered = 0;
    let mut first = 0;
    while first < chunk_count {
        let end = chunk_count.min(first + CHUNKS);
        let mut lines = String::new();
        for no in first..end {
            let chunk = recipients(db, audience, no).await?;
            for recipient in chunk.iter().flatten() {
                writeln!(lines, "{}", line(recipient.user_id)).expect("a string takes what is written");
                registered += 1;
            }
        }
        api.register_devices(lines).await?;
        stage.set(registered);
        first = end;
    }
    Ok(registered)
}

fn line(user_id: &str) -> String {
    #[derive(Serialize)]
    struct Registration<'a> {
        user_id: &'a str,
        kind: &'static str,
        address: &'a str,
    }
    let registration = Registration {
        user_id,
        kind: "fcm_token",
        address: &address(device_of(user_id)),
    };
    serde_json::to_string(&registration).expect("three texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_registers_a_users_own_address_whatever_the_user_id() {
        let line: serde_json::Value = serde_json::from_str(&line("a\"b\\あ")).unwrap();

        assert_eq!(line["user_id"], "a\"b\\あ");
        assert_eq!(line["address"], address(device_of("a\"b\\あ")).as_str());
        assert_ne!(device_of("a"), device_of("b"));
    }
}
