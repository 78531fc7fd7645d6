//! The campaign of a case, by the API.

use anyhow::Context;
use campaign::CampaignId;
use journeys::world::balance::{self, Facts};
use journeys::world::settings::CHUNK;
use journeys::world::view::{AudienceView, CampaignView, Progress};
use journeys::world::{Doubles, device_of, users};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::lives::{Lives, expect_success, read};
use crate::case::Scenario;

/// Recipients: three chunks, the last not full.
const USERS: usize = 2 * CHUNK + CHUNK / 2;

/// Recipients of a file that is imported in several batches.
const MANY_USERS: usize = 25 * CHUNK;

/// Coupons are that many fewer than users, so that the last one is fought for.
const WITHOUT_COUPON: usize = 20;

/// Users without a device.
const UNREACHABLE: usize = 5;

/// Plays it to its end.
pub(super) async fn play(lives: &mut Lives, scenario: Scenario) -> anyhow::Result<CampaignId> {
    let users = users(match scenario {
        Scenario::Deliver | Scenario::SlowGateway | Scenario::Cancel => USERS,
        Scenario::DeliverMany => MANY_USERS,
    });
    register(lives, &users[UNREACHABLE..]).await?;
    let audience = import(lives, &users).await?;
    lives.stage.play(&script(scenario)).await?;
    let campaign = start(lives, &audience, users.len() - WITHOUT_COUPON).await?;
    let chunks = users.len().div_ceil(CHUNK);
    lives.watch().campaign(campaign, u32::try_from(chunks)?);
    match scenario {
        Scenario::Deliver | Scenario::DeliverMany | Scenario::SlowGateway => {
            lives
                .until("the campaign is finished", async |lives| {
                    let progress = progress(lives, campaign).await?;
                    Ok((progress.state == "finished").then_some(()))
                })
                .await?;
        }
        Scenario::Cancel => cancel(lives, campaign).await?,
    }
    Ok(campaign)
}

/// The gateway's trouble: some are refused once, some addresses are gone.
fn script(scenario: Scenario) -> serde_json::Value {
    let faults = json!([
        {"outcome": "unavailable", "share": 0.06, "first": 1},
        {"outcome": "unregistered", "share": 0.03},
    ]);
    match scenario {
        Scenario::Deliver | Scenario::DeliverMany => json!({ "faults": faults }),
        Scenario::SlowGateway => json!({ "faults": faults, "delay": {"fixed_ms": 500, "jitter_ms": 200} }),
        Scenario::Cancel => json!({ "faults": faults, "delay": {"fixed_ms": 100, "jitter_ms": 100} }),
    }
}

async fn register(lives: &mut Lives, users: &[String]) -> anyhow::Result<()> {
    let line = |user: &String| {
        json!({"user_id": user, "kind": "fcm_token", "address": device_of(user)}).to_string() + "\n"
    };
    let lines = users.iter().map(line).collect::<String>();
    let answer = lives.ask("devices", async |api| {
        api.try_upload("/v1/devices", "application/x-ndjson", lines.clone())
            .await
    });
    expect_success("devices", answer.await?)
}

/// An upload whose answer was lost is made again; what the first left is never used. Its rows are
/// so large, and compress so little, that the import needs several batches.
async fn import(lives: &mut Lives, users: &[String]) -> anyhow::Result<String> {
    let mut file = "user_id,note\n".to_owned();
    for user in users {
        let note: String = (0..30).map(|_| Uuid::new_v4().simple().to_string()).collect();
        file += &format!("{user},{note}\n");
    }
    let answer = lives.ask("the upload", async |api| {
        api.try_upload("/v1/audiences?name=everybody", "text/csv", file.clone())
            .await
    });
    let uploaded: AudienceView = read("the upload", answer.await?)?;
    let path = format!("/v1/audiences/{}", uploaded.id);
    lives
        .until("the audience is ready", async |lives| {
            let audience: AudienceView = lives.get(&path).await?;
            Ok((audience.state == "ready").then_some(()))
        })
        .await?;
    Ok(uploaded.id.to_string())
}

async fn start(lives: &mut Lives, audience: &str, stock: usize) -> anyhow::Result<CampaignId> {
    let plan = json!({
        "name": "a signal",
        "audience_id": audience,
        "coupon": {"name": "a coupon", "stock": stock},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    let answer = lives.ask("the draft", async |api| {
        api.try_post_once("/v1/campaigns", "the-campaign", &plan).await
    });
    let draft: CampaignView = read("the draft", answer.await?)?;
    turn(lives, draft.id, "start", &["running", "finished"]).await?;
    Ok(draft.id)
}

/// Makes a transition. One that was made before, by a request whose answer was lost, is refused,
/// and the state tells that.
async fn turn(lives: &mut Lives, campaign: CampaignId, word: &str, states: &[&str]) -> anyhow::Result<()> {
    let path = format!("/v1/campaigns/{campaign}/{word}");
    let answer = lives
        .ask(word, async |api| api.ask(Method::POST, &path, None).await)
        .await?;
    if answer.status.is_success() {
        return Ok(());
    }
    let progress = progress(lives, campaign).await?;
    anyhow::ensure!(
        states.contains(&progress.state.as_str()),
        "{word}: {} {}, and it is {}",
        answer.status,
        answer.body,
        progress.state
    );
    Ok(())
}

async fn cancel(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<()> {
    lives
        .until("something is sent", async |lives| {
            let progress = progress(lives, campaign).await?;
            Ok((progress.count("sent") > 0 || progress.state == "finished").then_some(()))
        })
        .await?;
    turn(lives, campaign, "cancel", &["cancelled"]).await?;
    let accepted = lives.stage.accepted();
    let mut wrong = Vec::new();
    let balanced = lives.until("the books of the cancelled campaign balance", async |lives| {
        let facts = Facts::read(&lives.stage.books, campaign).await;
        let doubles = Doubles::AtMost(lives.watch().handed_over_unsettled());
        wrong = balance::complaints(&facts, doubles);
        Ok(wrong.is_empty().then_some(()))
    });
    let balanced = balanced.await;
    balanced.with_context(|| wrong.join("\n"))?;
    let late = lives.stage.accepted() - accepted;
    anyhow::ensure!(
        late == 0,
        "{late} messages were handed over after the cancel was answered"
    );
    Ok(())
}

async fn progress(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<Progress> {
    lives.get(&format!("/v1/campaigns/{campaign}/progress")).await
}
