//! One report to the webhook.

use chrono::{DateTime, SecondsFormat, Utc};
use database::feedback::Feedback;
use reqwest::redirect::Policy;
use runtime::Config;
use serde_json::json;

use super::sign::Secret;
use crate::error::Error;

/// The company's webhook.
#[derive(Debug)]
pub(super) struct Webhook {
    http: reqwest::Client,
    url: String,
    secret: Secret,
}

/// What came of a post.
#[derive(Debug)]
pub(super) enum Posted {
    /// It answered with 2xx.
    Taken,
    /// It did not; why, without what was sent.
    Refused(String),
}

impl Webhook {
    /// The configured one, if there is one.
    pub(super) fn of(config: &Config) -> Result<Option<Self>, Error> {
        let settings = &config.feedback;
        let (Some(url), Some(secret)) = (&settings.webhook, &settings.secret) else {
            return Ok(None);
        };
        let secret = Secret::parse(secret.expose()).ok_or(Error::Webhook(
            "[feedback] secret must be `whsec_` and 24 to 64 bytes in base64".into(),
        ))?;
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            // An answer of another place is no answer of this one.
            .redirect(Policy::none())
            .build()
            .map_err(|error| Error::Webhook(error.into()))?;
        Ok(Some(Self {
            http,
            url: url.as_str().to_owned(),
            secret,
        }))
    }

    /// Posts a report, once.
    pub(super) async fn post(&self, feedback: &Feedback, now: DateTime<Utc>) -> Posted {
        let id = feedback.id.to_string();
        let timestamp = now.timestamp();
        let body = body(feedback);
        let signature = self.secret.sign(&id, timestamp, &body);
        let sent = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body)
            .send();
        match sent.await {
            Ok(answer) if answer.status().is_success() => Posted::Taken,
            Ok(answer) => Posted::Refused(format!("it answered {}", answer.status().as_u16())),
            Err(error) => Posted::Refused(error.without_url().to_string()),
        }
    }
}

fn body(feedback: &Feedback) -> String {
    json!({
        "type": format!("device.{}", feedback.fate.as_str()),
        "timestamp": feedback.noticed_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "data": {
            "user_id": feedback.user_id,
            "kind": feedback.kind.as_str(),
            "address": feedback.address,
        },
    })
    .to_string()
}
