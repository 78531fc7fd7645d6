//! `noroshi up`, killed again and again: one in every stage of a campaign, and several over the
//! last coupons.
//!
//! SIGKILL leaves a process no time for anything, as power loss does. Whatever it was in the
//! middle of, the next one finds in the data directory and goes on. The campaign is finished in
//! the end, and its books balance as if nothing had happened.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod installation;
mod last_coupon;
mod stage;

use std::time::Duration;

use campaign::CampaignId;
use database::Db;
use journeys::world::view::{AudienceView, CampaignView};
use journeys::world::{Books, Doubles, users};
use runtime::LEDGER;
use serde_json::json;

use installation::{Installation, open_datastore};
use stage::Stage;

const USERS: usize = 20_000;

/// In each stage, at least.
const KILLS: usize = 3;

/// How long the campaign may take from the last kill to its end.
const FINISHED_WITHIN: Duration = Duration::from_secs(120);

/// A kill, as it is printed.
struct Kill {
    stage: Stage,
    progress: u64,
    recovery: Duration,
    handed_over_unsettled: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_survives_kills_in_every_stage() {
    let mut noroshi = Installation::start().await;
    let users = users(USERS);
    noroshi.api().register(&users).await;
    let mut kills = Vec::new();

    let audience = upload(&noroshi, &users).await;
    let import = Stage::Import(audience.id);
    kills.extend(kill_in(&mut noroshi, import).await);
    noroshi.api().until_ready(audience.id).await;
    assert_eq!(import.progress(&noroshi).await, import.whole());
    // The campaign is to one that fits one partition, and so has the file's order.
    let audience = small(&noroshi, &users).await;
    noroshi.api().until_ready(audience.id).await;

    // What is expanded and dispatched is put back until the stop is lifted: so these stages are
    // apart from those that follow.
    noroshi.api().tell(reqwest::Method::PUT, "/v1/stop").await;
    let campaign = start_campaign(&noroshi, audience.id).await;
    kills.extend(kill_in(&mut noroshi, Stage::FanOut).await);
    kills.extend(kill_in(&mut noroshi, Stage::Dispatch).await);
    noroshi.api().tell(reqwest::Method::DELETE, "/v1/stop").await;
    for stage in [
        Stage::Grants(campaign),
        Stage::Sending(campaign),
        Stage::Settling(campaign),
    ] {
        kills.extend(kill_in(&mut noroshi, stage).await);
    }
    let progress = noroshi
        .until_within(FINISHED_WITHIN, "the campaign is finished", async |noroshi| {
            let progress = noroshi.api().progress(campaign).await;
            (progress.state == "finished").then_some(progress)
        })
        .await;

    noroshi.terminate().await;
    assert_eq!(progress.outcomes(), [("accepted", USERS as u64)]);
    assert_eq!(progress.grants, USERS as u64);
    let allowed = kills.iter().map(|kill| kill.handed_over_unsettled).sum();
    balance(&noroshi, campaign, allowed).await;
}

/// Kills the installation [`KILLS`] times in a stage, each time after new progress in it.
async fn kill_in(noroshi: &mut Installation, stage: Stage) -> Vec<Kill> {
    let mut kills = Vec::with_capacity(KILLS);
    for _ in 0..KILLS {
        let begun = stage.progress(noroshi).await;
        let progress = noroshi
            .until(stage.name(), async |noroshi| {
                Some(stage.progress(noroshi).await).filter(|progress| *progress > begun)
            })
            .await;
        assert!(
            progress < stage.whole(),
            "{} was over before it could be cut off",
            stage.name()
        );
        noroshi.kill();
        let handed_over_unsettled = noroshi.handed_over_unsettled(stage.campaign()).await;
        let recovery = noroshi.recover(stage).await;
        let kill = Kill {
            stage,
            progress,
            recovery,
            handed_over_unsettled,
        };
        kill.say();
        kills.push(kill);
    }
    kills
}

/// Every row has a long variable that does not compress well, so that the import needs several
/// batches.
async fn upload(noroshi: &Installation, users: &[String]) -> AudienceView {
    let mut file = "user_id,note\n".to_owned();
    for user in users {
        let note: String = (0..30)
            .map(|_| uuid::Uuid::new_v4().simple().to_string())
            .collect();
        file += &format!("{user},{note}\n");
    }
    noroshi
        .api()
        .upload("/v1/audiences?name=large", "text/csv", file)
        .await
}

async fn small(noroshi: &Installation, users: &[String]) -> AudienceView {
    let file = format!("user_id\n{}\n", users.join("\n"));
    noroshi
        .api()
        .upload("/v1/audiences?name=everybody", "text/csv", file)
        .await
}

async fn start_campaign(noroshi: &Installation, audience: campaign::AudienceId) -> CampaignId {
    let plan = json!({
        "name": "a signal",
        "audience_id": audience,
        "coupon": {"name": "a coupon", "stock": USERS},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    let draft: CampaignView = noroshi.api().post("/v1/campaigns", Some(&plan)).await;
    noroshi.api().turn(draft.id, "start").await;
    draft.id
}

/// Opens the files that the last process left, and goes over them.
async fn balance(noroshi: &Installation, campaign: CampaignId, doubles: usize) {
    let data = noroshi.data();
    let url = format!("sqlite:{}", data.join("noroshi.db").display());
    let (datastore, push_store) = open_datastore(data).await;
    let books = Books {
        db: Db::connect(&database::Settings::new(url)).await.unwrap(),
        push_store,
        ledger: data.join(LEDGER),
    };
    let facts = books.settle(campaign, Doubles::AtMost(doubles)).await;
    let doubled = facts.deliveries.len() - USERS;
    say(&format!(
        "lost 0, visible doubles 0, raw doubles {doubled} of at most {doubles}"
    ));
    books.db.close().await;
    datastore.stop().await;
}

impl Kill {
    fn say(&self) {
        say(&format!(
            "killed in {} at {}; new progress {:.1} s after the restart; {} handed over and not settled",
            self.stage.name(),
            self.progress,
            self.recovery.as_secs_f64(),
            self.handed_over_unsettled,
        ));
    }
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say(line: &str) {
    eprintln!("{line}");
}
