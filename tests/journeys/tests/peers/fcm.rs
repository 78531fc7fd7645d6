//! Google's own client for servers, npm `firebase-admin`, sends to our sink.

use journeys::engines;
use serde_json::json;

use crate::program::Program;
use crate::sink::Sink;

#[tokio::test]
async fn firebase_admin_sends_to_the_sink_and_understands_its_refusals() {
    let Some(peers) = engines::peers() else { return };
    let fcm_error = |status: u16, code: &str| {
        let kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
        let details = json!([{ "@type": kind, "errorCode": code }]);
        json!({ "error": { "code": status, "message": "as scripted", "details": details } }).to_string()
    };
    let scripted = json!([
        { "prefix": "gone", "status": 404, "body": fcm_error(404, "UNREGISTERED"),
          "headers": { "content-type": "application/json" } },
        { "prefix": "other", "status": 403, "body": fcm_error(403, "SENDER_ID_MISMATCH"),
          "headers": { "content-type": "application/json" } },
    ]);
    let sink = Sink::start(scripted, |config| config.bearer = Some("t0k3n".to_owned())).await;

    let variables = [
        ("TARGET", &*sink.url()),
        ("TOKENS", "device-1,gone-2,other-3,device-4"),
    ];
    let (_program, said) = Program::node(&peers, "fcm.mjs", &variables).said().await;

    assert_eq!(
        said,
        json!([
            "sent",
            "messaging/registration-token-not-registered",
            "messaging/mismatched-credential",
            "sent"
        ])
    );
    let mut taken = sink.ledger().into_iter();
    let mut taken = [(); 2].map(|()| {
        taken
            .next()
            .map(|entry| (entry.address, entry.push_id, entry.collapse_id))
    });
    taken.sort();
    let entry = |token: &str| {
        Some((
            token.to_owned(),
            format!("push-to-{token}"),
            Some(format!("tag-of-{token}")),
        ))
    };
    assert_eq!(taken, [entry("device-1"), entry("device-4")]);
}
