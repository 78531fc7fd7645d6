//! What a demo asks of the HTTP API, as any user of it would.

use std::collections::BTreeMap;

use campaign::{AudienceId, CampaignId};
use reqwest::{Body, Method};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::api::{Api, Error};

/// The requests of a demo.
#[derive(Debug)]
pub(super) struct DemoApi(pub(super) Api);

/// How far an audience's import is.
#[derive(Debug, Deserialize)]
pub(super) struct AudienceProgress {
    /// `ready` when it is over, `refused` when the file was.
    pub(super) state: String,
    /// Why the file was refused.
    pub(super) refusal: Option<String>,
    /// Rows read.
    pub(super) rows: u64,
    /// Rows that became recipients.
    pub(super) accepted: u64,
    /// Rows that did not, by reason.
    pub(super) rejected: BTreeMap<String, u64>,
    /// Chunks stored.
    pub(super) chunk_count: u32,
}

/// How far a campaign is.
#[derive(Debug, Deserialize)]
pub(super) struct CampaignProgress {
    /// `finished` when it is over and its balance holds.
    pub(super) state: String,
    /// Why it failed.
    pub(super) reason: Option<String>,
    /// Recipients that have a push.
    pub(super) expanded: u64,
    /// Pushes by state.
    pub(super) tally: PushCounts,
    /// Coupons granted.
    pub(super) grants: u64,
    /// What keeps it from being finished, in words.
    pub(super) missing: Vec<String>,
}

/// Pushes by final state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct PushCounts {
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) cancelled: u64,
    pub(super) expired: u64,
}

impl PushCounts {
    /// Pushes that are final.
    pub(super) fn settled(&self) -> u64 {
        self.sent + self.failed + self.skipped + self.cancelled + self.expired
    }
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

#[derive(Deserialize)]
struct Audience {
    variables: Vec<String>,
}

impl DemoApi {
    /// Uploads an audience file. Its import has only begun when this returns.
    pub(super) async fn upload_audience(&self, name: &str, file: Body) -> Result<AudienceId, Error> {
        let request = self
            .0
            .transfer(Method::POST, "/audiences")
            .query(&[("name", name)]);
        let request = request.header("content-type", "text/csv").body(file);
        let created: Created = self.0.answer("the upload of the audience", request).await?;
        Ok(AudienceId(created.id))
    }

    /// How far its import is.
    pub(super) async fn audience_progress(&self, audience: AudienceId) -> Result<AudienceProgress, Error> {
        let request = self.0.get(&format!("/audiences/{audience}/progress"));
        self.0
            .answer("the question for the import's progress", request)
            .await
    }

    /// The names of its template variables.
    pub(super) async fn audience_variables(&self, audience: AudienceId) -> Result<Vec<String>, Error> {
        let request = self.0.get(&format!("/audiences/{audience}"));
        let audience: Audience = self.0.answer("the question for the audience", request).await?;
        Ok(audience.variables)
    }

    /// Registers addresses, one JSON object a line; 10,000 at most. A repeat changes nothing.
    pub(super) async fn register_devices(&self, lines: String) -> Result<(), Error> {
        let request = self
            .0
            .post("/devices")
            .header("content-type", "application/x-ndjson");
        let _: Value = self
            .0
            .answer("the registration of devices", request.body(lines))
            .await?;
        Ok(())
    }

    /// Makes a campaign's draft.
    pub(super) async fn create_campaign(&self, plan: &Value) -> Result<CampaignId, Error> {
        let created: Created = self
            .0
            .answer("the campaign", self.0.post("/campaigns").json(plan))
            .await?;
        Ok(CampaignId(created.id))
    }

    /// Starts it.
    pub(super) async fn start_campaign(&self, campaign: CampaignId) -> Result<(), Error> {
        let request = self.0.post(&format!("/campaigns/{campaign}/start"));
        let _: Value = self.0.answer("the campaign's start", request).await?;
        Ok(())
    }

    /// How far it is.
    pub(super) async fn campaign_progress(&self, campaign: CampaignId) -> Result<CampaignProgress, Error> {
        let request = self.0.get(&format!("/campaigns/{campaign}/progress"));
        self.0
            .answer("the question for the campaign's progress", request)
            .await
    }
}
