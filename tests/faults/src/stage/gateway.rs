//! A service account for a gateway that takes any: Google's client signs its own tokens with it.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

static CREDENTIALS: LazyLock<String> = LazyLock::new(|| {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
    let der = key.as_der().expect("a new key can be written");
    let lines = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n");
    json!({
        "type": "service_account",
        "project_id": super::servers::PROJECT,
        "private_key_id": "faults",
        "private_key": pem,
        "client_email": "sender@noroshi.invalid",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    })
    .to_string()
});

/// The account's key file; one for the life of this program.
pub(super) fn credentials() -> &'static str {
    &CREDENTIALS
}
