//! A client of APNs, npm `@parse/node-apn`, sends to our sink, which verifies its token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::sink::ApnsSender;
use journeys::engines;
use provider::SigningKey;
use serde_json::json;

use crate::program::Program;
use crate::sink::Sink;

#[tokio::test]
async fn node_apn_sends_to_the_sink_and_understands_its_refusals() {
    let Some(peers) = engines::peers() else { return };
    let key = SigningKey::generate();
    let sender = ApnsSender {
        key_id: "KEY1234567".to_owned(),
        team_id: "TEAM123456".to_owned(),
        key: URL_SAFE_NO_PAD.decode(key.public_key()).unwrap(),
    };
    let gone = json!({ "reason": "Unregistered", "timestamp": 1_782_900_000_000_i64 }).to_string();
    let scripted = json!([{ "prefix": "dead", "status": 410, "body": gone }]);
    let sink = Sink::start(scripted, |config| config.apns = Some(sender)).await;
    let (good, dead, odd) = ("0a".repeat(32), "dead".repeat(16), "0b".repeat(8));

    let variables = [
        ("TARGET", &*sink.url()),
        ("KEY", &*key.to_pem()),
        ("TOKENS", &*format!("{good},{dead},{odd}")),
    ];
    let (_program, said) = Program::node(&peers, "apns.mjs", &variables).said().await;

    assert_eq!(
        said,
        json!({ good.as_str(): "sent", dead: "410 Unregistered", odd: "400 BadDeviceToken" })
    );
    let ledger = sink.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!((&*ledger[0].address, &*ledger[0].push_id), (&*good, "push-1"));
    assert_eq!(ledger[0].collapse_id.as_deref(), Some("collapse-1"));
}
