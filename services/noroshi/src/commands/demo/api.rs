//! The HTTP API, as its user calls it.

use std::net::SocketAddr;
use std::time::Duration;

use campaign::{AudienceId, CampaignId};
use reqwest::{Body, Client, RequestBuilder};
use runtime::config::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

use super::error::Error;

/// How long an answer may take. An upload is answered when all of it is stored, however long
/// that takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A client of one installation.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    base: String,
    token: Secret,
}

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

#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
}

impl Api {
    /// Of the installation whose API listens there.
    pub(super) fn at(address: SocketAddr, token: Secret) -> Result<Self, Error> {
        // A proxy in the environment is not for this process's own port.
        let client = Client::builder().no_proxy().build();
        Ok(Self {
            client: client.map_err(no_answer("the first request"))?,
            base: format!("http://{address}/v1"),
            token,
        })
    }

    /// Uploads an audience file. Its import has only begun when this returns.
    pub(super) async fn upload_audience(&self, name: &str, file: Body) -> Result<AudienceId, Error> {
        let request = self.client.post(self.url("/audiences")).query(&[("name", name)]);
        let request = request.header("content-type", "text/csv").body(file);
        let created: Created = self.answer("the upload of the audience", request).await?;
        Ok(AudienceId(created.id))
    }

    /// How far its import is.
    pub(super) async fn audience_progress(&self, audience: AudienceId) -> Result<AudienceProgress, Error> {
        let request = self.get(&format!("/audiences/{audience}/progress"));
        self.answer("the question for the import's progress", request)
            .await
    }

    /// The names of its template variables.
    pub(super) async fn audience_variables(&self, audience: AudienceId) -> Result<Vec<String>, Error> {
        let request = self.get(&format!("/audiences/{audience}"));
        let audience: Audience = self.answer("the question for the audience", request).await?;
        Ok(audience.variables)
    }

    /// Registers addresses, one JSON object a line; 10,000 at most. A repeat changes nothing.
    pub(super) async fn register_devices(&self, lines: String) -> Result<(), Error> {
        let request = self
            .post("/devices")
            .header("content-type", "application/x-ndjson");
        let _: Value = self
            .answer("the registration of devices", request.body(lines))
            .await?;
        Ok(())
    }

    /// Makes a campaign's draft.
    pub(super) async fn create_campaign(&self, plan: &Value) -> Result<CampaignId, Error> {
        let created: Created = self
            .answer("the campaign", self.post("/campaigns").json(plan))
            .await?;
        Ok(CampaignId(created.id))
    }

    /// Starts it.
    pub(super) async fn start_campaign(&self, campaign: CampaignId) -> Result<(), Error> {
        let request = self.post(&format!("/campaigns/{campaign}/start"));
        let _: Value = self.answer("the campaign's start", request).await?;
        Ok(())
    }

    /// How far it is.
    pub(super) async fn campaign_progress(&self, campaign: CampaignId) -> Result<CampaignProgress, Error> {
        let request = self.get(&format!("/campaigns/{campaign}/progress"));
        self.answer("the question for the campaign's progress", request)
            .await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path)).timeout(ANSWER_WITHIN)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path)).timeout(ANSWER_WITHIN)
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let response = request.bearer_auth(self.token.expose()).send().await;
        let response = response.map_err(no_answer(what))?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(no_answer(what));
        }
        let problem = response.json().await.unwrap_or(Problem { detail: None });
        Err(Error::Refused {
            request: what,
            status,
            detail: problem.detail.unwrap_or_else(|| "without a reason".to_owned()),
        })
    }
}

fn no_answer(request: &'static str) -> impl FnOnce(reqwest::Error) -> Error {
    move |source| Error::NoAnswer { request, source }
}
