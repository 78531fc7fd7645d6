//! The campaigns of a loop: several at once, one after the other in each place, until there were
//! enough users and enough faults.
//!
//! Every third is cancelled half-way, and each has a coupon of its own whose stock is too little.
//! Large ones go through the bulk lane and small ones through the fast one.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::ensure;
use campaign::CampaignId;
use chrono::{DateTime, Utc};
use journeys::world::view::{AudienceView, CampaignView, Progress};
use journeys::world::{device_of, users};
use reqwest::Method;
use runtime::Clock;
use serde_json::{Value, json};

use super::front::{Front, read};

/// The largest campaign: over 100,000 recipients it is in the bulk lane.
const LARGEST: usize = 110_000;

/// The smallest.
const SMALLEST: usize = 300;

/// Of so many users, one has no device.
const WITHOUT_DEVICE: usize = 100;

/// Addresses that are registered with one request, at most 10,000.
const REGISTRATIONS: usize = 10_000;

/// Of so many recipients, one gets no coupon.
const WITHOUT_COUPON: usize = 20;

const POLL: Duration = Duration::from_millis(500);

/// How a campaign is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Everybody's push is final.
    Finish,
    /// It is cancelled when a third is sent.
    Cancel,
}

/// A campaign to come.
#[derive(Clone, Copy, Debug)]
struct Plan {
    no: usize,
    users: usize,
    ending: Ending,
}

/// A campaign that has been.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) id: CampaignId,
    /// When a cancel was answered.
    pub(super) cancelled_at: Option<DateTime<Utc>>,
}

/// The campaigns, while they go on.
#[derive(Debug)]
pub(super) struct Campaigns {
    front: Front,
    clock: Clock,
    users: Vec<String>,
    wanted: usize,
    /// Recipients of all campaigns so far.
    begun: Cell<usize>,
    count: Cell<usize>,
    ended: RefCell<Vec<Ended>>,
    is_enough: Cell<bool>,
}

impl Campaigns {
    /// Of so many recipients in all, at least.
    pub(super) fn new(front: Front, clock: Clock, wanted: usize) -> Self {
        Self {
            front,
            clock,
            users: users(largest(wanted)),
            wanted,
            begun: Cell::new(0),
            count: Cell::new(0),
            ended: RefCell::default(),
            is_enough: Cell::new(false),
        }
    }

    /// From now on no more campaigns are begun than the users want.
    pub(super) fn enough(&self) {
        self.is_enough.set(true);
    }

    /// Those that have ended.
    pub(super) fn ended(&self) -> Vec<Ended> {
        self.ended.borrow().clone()
    }

    /// Gives nearly every user a device.
    pub(super) async fn register(&self) -> anyhow::Result<()> {
        for users in self.users.chunks(REGISTRATIONS) {
            let line = |user: &String| {
                json!({"user_id": user, "kind": "fcm_token", "address": device_of(user)}).to_string() + "\n"
            };
            let reachable = (0..).zip(users).filter(|(no, _)| no % WITHOUT_DEVICE != 0);
            let lines: String = reachable.map(|(_, user)| line(user)).collect();
            let ask = async |api: &journeys::world::Client| {
                api.try_upload("/v1/devices", "application/x-ndjson", lines.clone())
                    .await
            };
            let _: Value = read("devices", self.front.ask(ask).await)?;
        }
        Ok(())
    }

    /// Plays them to their ends, three at once.
    pub(super) async fn play(&self) -> anyhow::Result<()> {
        tokio::try_join!(self.play_in_turn(), self.play_in_turn(), self.play_in_turn())?;
        Ok(())
    }

    async fn play_in_turn(&self) -> anyhow::Result<()> {
        while let Some(plan) = self.next() {
            let ended = self.play_one(plan).await?;
            self.ended.borrow_mut().push(ended);
        }
        Ok(())
    }

    fn next(&self) -> Option<Plan> {
        let begun = self.begun.get();
        if begun >= self.wanted && self.is_enough.get() {
            return None;
        }
        let plan = plan(self.count.get(), largest(self.wanted));
        self.count.set(plan.no + 1);
        self.begun.set(begun + plan.users);
        Some(plan)
    }

    async fn play_one(&self, plan: Plan) -> anyhow::Result<Ended> {
        let audience = self.import(plan).await?;
        let id = self.start(plan, &audience).await?;
        let cancelled_at = match plan.ending {
            Ending::Finish => {
                self.until(id, |progress| progress.state == "finished").await?;
                None
            }
            Ending::Cancel => {
                let third = plan.users as u64 / 3;
                self.until(id, |progress| {
                    progress.count("sent") >= third || progress.state == "finished"
                })
                .await?;
                self.turn(id, "cancel", &["cancelled", "finished"]).await?;
                Some(self.clock.now())
            }
        };
        Ok(Ended { id, cancelled_at })
    }

    /// An upload whose answer was lost is made again; what the first left is never used.
    async fn import(&self, plan: Plan) -> anyhow::Result<String> {
        let rows = self.users[..plan.users]
            .iter()
            .map(|user| format!("{user},of {user}\n"));
        let file: String = std::iter::once("user_id,name\n".to_owned()).chain(rows).collect();
        let ask = async |api: &journeys::world::Client| {
            api.try_upload("/v1/audiences?name=everybody", "text/csv", file.clone())
                .await
        };
        let uploaded: AudienceView = read("the upload", self.front.ask(ask).await)?;
        let path = format!("/v1/audiences/{}", uploaded.id);
        self.front
            .until(POLL, async || {
                let audience: AudienceView = self.front.get(&path).await?;
                ensure!(audience.state != "refused", "the audience was refused");
                Ok((audience.state == "ready").then_some(()))
            })
            .await?;
        Ok(uploaded.id.to_string())
    }

    async fn start(&self, plan: Plan, audience: &str) -> anyhow::Result<CampaignId> {
        let stock = plan.users - plan.users / WITHOUT_COUPON;
        let body = json!({
            "name": format!("signal {}", plan.no),
            "audience_id": audience,
            "coupon": {"name": format!("coupon {}", plan.no), "stock": stock},
            "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "For {{ name }}."}}},
        });
        let key = format!("campaign-{}", plan.no);
        let ask = async |api: &journeys::world::Client| api.try_post_once("/v1/campaigns", &key, &body).await;
        let draft: CampaignView = read("the draft", self.front.ask(ask).await)?;
        self.turn(draft.id, "start", &["running", "finished"]).await?;
        Ok(draft.id)
    }

    /// Makes a transition. One that was made before, by a request whose answer was lost, is
    /// refused, and the state tells that.
    async fn turn(&self, campaign: CampaignId, word: &str, states: &[&str]) -> anyhow::Result<()> {
        let path = format!("/v1/campaigns/{campaign}/{word}");
        let ask = async |api: &journeys::world::Client| api.ask(Method::POST, &path, None).await;
        let answer = self.front.ask(ask).await;
        if answer.status.is_success() {
            return Ok(());
        }
        let progress = self.progress(campaign).await?;
        ensure!(
            states.contains(&progress.state.as_str()),
            "{word}: {} {}, and it is {}",
            answer.status,
            answer.body,
            progress.state
        );
        Ok(())
    }

    async fn until(&self, campaign: CampaignId, is_so: impl Fn(&Progress) -> bool) -> anyhow::Result<()> {
        self.front
            .until(POLL, async || {
                let progress = self.progress(campaign).await?;
                ensure!(progress.state != "failed", "campaign {campaign} failed");
                Ok(is_so(&progress).then_some(()))
            })
            .await
    }

    async fn progress(&self, campaign: CampaignId) -> anyhow::Result<Progress> {
        self.front
            .get(&format!("/v1/campaigns/{campaign}/progress"))
            .await
    }
}

/// Recipients of the largest campaign, of so many in all.
fn largest(wanted: usize) -> usize {
    (wanted / 4).clamp(SMALLEST, LARGEST)
}

fn plan(no: usize, largest: usize) -> Plan {
    let (users, ending) = match no % 3 {
        0 => (largest, Ending::Finish),
        1 => (largest, Ending::Cancel),
        _ => (largest / 2, Ending::Finish),
    };
    Plan { no, users, ending }
}
