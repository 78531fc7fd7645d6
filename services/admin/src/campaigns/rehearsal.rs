//! Test sends: a campaign's message to some users, at once, before anybody else gets it.
//!
//! They are no pushes of the campaign: nothing is stored or counted, and they may be repeated. With
//! `validate_only` the gateway checks everything and delivers nothing. Whoever opted out gets none,
//! and while everything is stopped nobody does. A request has a governor of its own, and so a share
//! of the gateway's quota beside those of all senders.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, Lane, Message, PushId, RenderedMessage, Templates};
use database::control::{self, GlobalStop};
use database::device::{self, Device};
use database::{erasure, opt_out};
use governor::Governor;
use provider::{Address, Gateways, Outcome, Outgoing, Unreachable};
use runtime::Backends;
use runtime::clock::Moment;
use runtime::destination::Destination;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_row;
use crate::answer::Done;
use crate::error::Error;
use crate::json;
use crate::openapi::Conflicting;
use crate::request::{Body, Segments};
use crate::user_id::UserId;

/// Users of one request at most.
const MOST: usize = 100;

/// How long a request waits for places in the gateway's quota, of all its messages together.
const WAITS: Duration = Duration::from_secs(10);

/// How long a gateway keeps a test message for a device that is off, if the message says nothing.
const KEPT: Duration = Duration::from_secs(3_600);

/// The route of test sends.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(test))
}

/// Whom a campaign's message is sent to, to see what it looks like.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestPlan {
    /// Up to 100.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<String>)]
    user_ids: Vec<UserId>,
    /// Which of the message's texts; by default those of its default locale.
    locale: Option<String>,
    /// What the message's templates name, beside `user_id`; the same for all.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Whether the gateway only checks it, and delivers nothing. Only FCM can: what would go to
    /// another is `not_checked`.
    #[serde(default)]
    validate_only: bool,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestSends {
    validate_only: bool,
    /// In the order of the request, one for each address, or one for a user who got none.
    items: Vec<TestSend>,
}

/// What came of one test message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestSend {
    user_id: String,
    /// Where it went; `null` for a user who got none.
    device_id: Option<Uuid>,
    outcome: TestOutcome,
    /// Which field the gateway names, or why it could not be rendered.
    detail: Option<String>,
}

/// What a gateway said to a test message, or why there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestOutcome {
    Accepted,
    AddressGone,
    AddressWrong,
    PayloadWrong,
    Throttled,
    CredentialRefused,
    Unreachable,
    RenderFailed,
    OptedOut,
    Erased,
    NoDevice,
    /// The gateway of this address has no way to check a message only; nothing was sent.
    NotChecked,
    /// Everything is stopped.
    Stopped,
    /// The gateway's quota had no place for it within ten seconds; nothing was sent.
    NotTried,
}

/// Send a campaign's message to some users, as a test.
///
/// At once, and beside the campaign: its pushes and counts do not know of it, whatever its state. The
/// answer tells what the gateway said of each address.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/test", tag = "campaigns", operation_id = "test_campaign",
    params(("id" = Uuid, Path)), request_body = TestPlan,
    responses(
        (status = 200, description = "What came of it", body = TestSends),
        (status = 409, response = Conflicting),
    )
)]
async fn test(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
    body: Body<TestPlan>,
) -> Result<Response, Error> {
    let plan = body.content;
    if plan.user_ids.is_empty() || plan.user_ids.len() > MOST {
        return Err(Error::invalid("user_ids", "must be 1 to 100 users"));
    }
    let row = find_row(&backends.db, CampaignId(id)).await?;
    let message: Message = json::read("a campaign's message", &row.plan.message)?;
    let names: Vec<_> = plan.variables.keys().cloned().collect();
    let templates = Templates::compile(&message, Some(&names)).map_err(Error::in_message)?;
    let users: Vec<_> = plan.user_ids.iter().map(UserId::as_str).collect();
    let known = Known::read(&backends, &users).await?;
    let way = Way::begin(&backends, row.id);
    let mut items = Vec::new();
    for user in users {
        items.extend(send_to(&way, &templates, &plan, &known, user).await?);
    }
    Ok(Done::Ok.with(TestSends {
        validate_only: plan.validate_only,
        items,
    }))
}

/// What is known about the users.
struct Known {
    opted_out: HashSet<String>,
    erased: HashSet<String>,
    devices: Vec<Device>,
}

impl Known {
    async fn read(backends: &Backends, users: &[&str]) -> Result<Self, Error> {
        let db = &backends.db;
        Ok(Self {
            opted_out: opt_out::list_among(db, users).await?,
            erased: erasure::list_erased_among(db, users).await?,
            devices: device::list_by_users(db, users).await?,
        })
    }

    /// Where the user is reached.
    fn destinations_of(&self, user: &str, gateways: &Gateways) -> Vec<Destination> {
        let own = self
            .devices
            .iter()
            .filter(|device| device.registration.user_id == user);
        own.filter_map(|device| Destination::of(device.clone(), gateways))
            .collect()
    }
}

async fn send_to(
    way: &Way<'_>,
    templates: &Templates,
    plan: &TestPlan,
    known: &Known,
    user: &str,
) -> Result<Vec<TestSend>, Error> {
    let none = |outcome, detail| {
        let user_id = user.to_owned();
        Ok(vec![TestSend {
            user_id,
            device_id: None,
            outcome,
            detail,
        }])
    };
    if known.erased.contains(user) {
        return none(TestOutcome::Erased, None);
    }
    if known.opted_out.contains(user) {
        return none(TestOutcome::OptedOut, None);
    }
    let variable = |name: &str| plan.variables.get(name).map(String::as_str);
    let message = match templates.render(user, plan.locale.as_deref(), variable) {
        Ok(message) => message,
        Err(error) => return none(TestOutcome::RenderFailed, Some(error.to_string())),
    };
    let destinations = known.destinations_of(user, &way.backends.gateways);
    if destinations.is_empty() {
        return none(TestOutcome::NoDevice, None);
    }
    let mut sends = Vec::with_capacity(destinations.len());
    for destination in destinations {
        // Asked right before each: a stop waits for longer than this takes before it is answered.
        if control::state(&way.backends.db).await?.stop == GlobalStop::On {
            return none(TestOutcome::Stopped, None);
        }
        let said = way.send(&message, &destination, plan.validate_only).await;
        let (outcome, detail) = said.map_or_else(|outcome| (outcome, None), told);
        sends.push(TestSend {
            user_id: user.to_owned(),
            device_id: Some(destination.device),
            outcome,
            detail,
        });
    }
    Ok(sends)
}

/// The way of one request's messages.
struct Way<'a> {
    backends: &'a Backends,
    campaign: CampaignId,
    governor: Governor,
    /// Until when it waits for places.
    until: Moment,
}

impl<'a> Way<'a> {
    fn begin(backends: &'a Backends, campaign: CampaignId) -> Self {
        Self {
            backends,
            campaign,
            governor: Governor::start(backends),
            until: backends.process.clock.monotonic() + WAITS,
        }
    }

    /// What the gateway says of a message, or why it is not asked.
    async fn send(
        &self,
        message: &RenderedMessage,
        destination: &Destination,
        validate_only: bool,
    ) -> Result<Outcome, TestOutcome> {
        let Some(address) = destination.address() else {
            return Ok(Outcome::AddressWrong);
        };
        self.pass(address).await?;
        let slot = match self.backends.gateways.slot(address, Lane::Fast).await {
            Ok(slot) => slot,
            Err(outcome) => return Ok(outcome),
        };
        let outgoing = Outgoing {
            // Of no campaign, so that it is shown beside the campaign's own push.
            push: PushId(Uuid::now_v7()),
            message,
            time_to_live: message.ttl.unwrap_or(KEPT),
        };
        let said = if validate_only {
            slot.check(&outgoing).await.ok_or(TestOutcome::NotChecked)?
        } else {
            slot.send(&outgoing).await
        };
        let floor = self.backends.process.config.retry.throttled_floor;
        self.governor.heard_of(address, &said, floor);
        Ok(said)
    }

    /// Waits for a place in the quota of the address's gateway. The pace of a campaign is that of
    /// its pushes, and no matter here.
    async fn pass(&self, address: Address<'_>) -> Result<(), TestOutcome> {
        let clock = &self.backends.process.clock;
        let turnstiles = self.governor.on_the_way_to(address, self.campaign, None);
        let passed = async {
            for turnstile in &turnstiles {
                turnstile.pass(Lane::Fast).await;
            }
        };
        tokio::select! {
            biased;
            () = passed => Ok(()),
            () = clock.sleep(self.until.since(clock.monotonic())) => Err(TestOutcome::NotTried),
        }
    }
}

fn told(said: Outcome) -> (TestOutcome, Option<String>) {
    match said {
        Outcome::Accepted => (TestOutcome::Accepted, None),
        Outcome::AddressGone { .. } => (TestOutcome::AddressGone, None),
        Outcome::AddressWrong => (TestOutcome::AddressWrong, None),
        Outcome::PayloadWrong(field) => (
            TestOutcome::PayloadWrong,
            Some(field).filter(|field| !field.is_empty()),
        ),
        Outcome::Throttled { .. } => (TestOutcome::Throttled, None),
        Outcome::CredentialRefused(_) => (TestOutcome::CredentialRefused, None),
        Outcome::Unreachable(Unreachable::NotDelivered { .. } | Unreachable::PossiblyDelivered) => {
            (TestOutcome::Unreachable, None)
        }
    }
}
