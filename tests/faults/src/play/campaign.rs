//! The campaign of a case, by the API.

use std::time::Duration;

use anyhow::Context;
use campaign::CampaignId;
use emulator::sink::Script;
use journeys::world::balance::{self, Facts};
use journeys::world::settings::CHUNK;
use journeys::world::users;
use journeys::world::view::{AudienceView, CampaignView, Progress};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::lives::{Lives, expect_success, now, read};
use super::{canary, devices, feedback, laws};
use crate::case::{Case, Grudge, Scenario};

/// Recipients: three chunks, the last not full.
const USERS: usize = 2 * CHUNK + CHUNK / 2;

/// Recipients of a file that is imported in several batches.
const MANY_USERS: usize = 12 * CHUNK;

/// Coupons are that many fewer than users, so that the last one is fought for.
const WITHOUT_COUPON: usize = 20;

/// Users without a device.
const UNREACHABLE: usize = 5;

/// Longer than a fault lasts: how long a campaign is paused, so that what it held up ends before.
const PAUSE: Duration = Duration::from_secs(4);

/// One of so many users opts out at a fault: some of each chunk.
const OPTS_OUT: usize = 40;

/// Plays it to its end.
pub(super) async fn play(lives: &mut Lives, case: &Case) -> anyhow::Result<CampaignId> {
    let scenario = case.scenario;
    let users = users(size(scenario));
    let reachable = reachable(&users, scenario);
    devices::register(lives, reachable, case.gateway()).await?;
    let audience = import(lives, &users, scenario).await?;
    lives.stage.play(&script(case)).await?;
    let campaign = start(lives, &audience, users.len() - WITHOUT_COUPON, scenario).await?;
    let chunks = u32::try_from(users.len().div_ceil(CHUNK))?;
    lives.watch().campaign(campaign, chunks);
    match scenario {
        Scenario::Deliver
        | Scenario::DeliverFew
        | Scenario::DeliverMany
        | Scenario::SlowGateway
        | Scenario::SmallQuota
        | Scenario::Feedback
        | Scenario::FeedbackRefused
        | Scenario::Trigger => {}
        Scenario::Cancel => {
            until_something_is_sent(lives, campaign).await?;
            cancel(lives, campaign).await?;
            return Ok(campaign);
        }
        Scenario::CancelAtFault => {
            until_it_has_happened(lives).await?;
            cancel(lives, campaign).await?;
            return Ok(campaign);
        }
        Scenario::OptOutAtFault => {
            until_it_has_happened(lives).await?;
            opt_out(lives, users.iter().step_by(OPTS_OUT)).await?;
        }
        Scenario::PauseAtFault => {
            until_it_has_happened(lives).await?;
            pause(lives, campaign).await?;
        }
        Scenario::CanaryFails => canary::resume_after_failure(lives, campaign, chunks).await?,
        Scenario::CanaryPasses => canary::until_finished(lives, campaign, chunks).await?,
        Scenario::RegisterAtFault => {
            until_it_has_happened(lives).await?;
            devices::register(lives, reachable, case.gateway()).await?;
            // What the fault holds up comes after that, and must leave the new ones alone.
            tokio::time::sleep(PAUSE).await;
        }
    }
    lives
        .until("the campaign is finished", async |lives| {
            let progress = progress(lives, campaign).await?;
            anyhow::ensure!(progress.state != "failed", "the campaign failed");
            Ok((progress.state == "finished").then_some(()))
        })
        .await?;
    match scenario {
        Scenario::Feedback | Scenario::FeedbackRefused => feedback::settle(lives, reachable, case).await?,
        Scenario::RegisterAtFault => feedback::expect_all(lives, reachable).await?,
        _ => {}
    }
    Ok(campaign)
}

/// How many recipients there are.
fn size(scenario: Scenario) -> usize {
    match scenario {
        Scenario::DeliverFew | Scenario::Feedback | Scenario::FeedbackRefused | Scenario::RegisterAtFault => {
            CHUNK
        }
        Scenario::DeliverMany => MANY_USERS,
        _ => USERS,
    }
}

/// The gateway's trouble: that which the case is about, and what is usual.
fn script(case: &Case) -> Script {
    let grudges = case.troubles().filter_map(|trouble| trouble.grudge());
    let mut faults = grudges.map(Grudge::script).collect::<Vec<_>>();
    for usual in case.scenario.usual_faults() {
        // What the gateway counts is then the case's own.
        if faults.iter().all(|fault| fault.outcome != usual.outcome) {
            faults.push(usual);
        }
    }
    Script {
        faults,
        delay: case.scenario.delay(),
        ..Script::default()
    }
}

/// An upload whose answer was lost is made again; what the first left is never used.
async fn import(lives: &mut Lives, users: &[String], scenario: Scenario) -> anyhow::Result<String> {
    let mut file = "user_id,note\n".to_owned();
    for user in users {
        file += &format!("{user},{}\n", note(scenario));
    }
    let answer = lives.ask("the upload", async |api| {
        api.try_upload("/v1/audiences?name=everybody", "text/csv", file.clone())
            .await
    });
    let uploaded: AudienceView = read("the upload", answer.await?)?;
    let path = format!("/v1/audiences/{}", uploaded.id);
    lives
        .until("the audience is ready", async |lives| {
            laws::check_import(&lives.stage.books, uploaded.id).await?;
            let audience: AudienceView = lives.get(&path).await?;
            Ok((audience.state == "ready").then_some(()))
        })
        .await?;
    Ok(uploaded.id.to_string())
}

/// Those with a device. Where it is the import that matters, few are sent anything.
fn reachable(users: &[String], scenario: Scenario) -> &[String] {
    match scenario {
        Scenario::DeliverMany => &users[..CHUNK],
        _ => &users[UNREACHABLE..],
    }
}

/// What the file says of a user. Where the import is to have several batches, it is as long as it may
/// be, and does not compress.
fn note(scenario: Scenario) -> String {
    let words = match scenario {
        Scenario::DeliverMany => 60,
        _ => 1,
    };
    (0..words).map(|_| Uuid::new_v4().simple().to_string()).collect()
}

async fn start(
    lives: &mut Lives,
    audience: &str,
    stock: usize,
    scenario: Scenario,
) -> anyhow::Result<CampaignId> {
    let has_canary = matches!(scenario, Scenario::CanaryFails | Scenario::CanaryPasses);
    let plan = json!({
        "name": "a signal",
        "audience_id": audience,
        "canary": has_canary.then(canary::plan),
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
pub(super) async fn turn(
    lives: &mut Lives,
    campaign: CampaignId,
    word: &str,
    states: &[&str],
) -> anyhow::Result<()> {
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

async fn until_something_is_sent(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<()> {
    lives
        .until("something is sent", async |lives| {
            let progress = progress(lives, campaign).await?;
            Ok((progress.count("sent") > 0 || progress.state == "finished").then_some(()))
        })
        .await
}

async fn until_it_has_happened(lives: &mut Lives) -> anyhow::Result<()> {
    lives
        .until("the fault has happened", async |lives| {
            Ok(lives.is_struck().then_some(()))
        })
        .await
}

/// Pauses it, sees that nothing is handed over, and resumes it.
async fn pause(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<()> {
    turn(lives, campaign, "pause", &["paused"]).await?;
    let accepted = lives.stage.accepted();
    tokio::time::sleep(PAUSE).await;
    expect_no_more(lives, accepted, "pause")?;
    turn(lives, campaign, "resume", &["running", "finished"]).await
}

/// They want no pushes any more.
async fn opt_out(lives: &mut Lives, users: impl Iterator<Item = &String>) -> anyhow::Result<()> {
    for user in users {
        let path = format!("/v1/users/{user}/opt-out");
        let answer = lives.ask("an opt-out", async |api| api.ask(Method::PUT, &path, None).await);
        expect_success("an opt-out", answer.await?)?;
    }
    Ok(())
}

fn expect_no_more(lives: &Lives, accepted: usize, word: &str) -> anyhow::Result<()> {
    let late = lives.stage.accepted() - accepted;
    anyhow::ensure!(
        late == 0,
        "{late} messages were handed over after the {word} was answered"
    );
    Ok(())
}

async fn cancel(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<()> {
    turn(lives, campaign, "cancel", &["cancelled"]).await?;
    let accepted = lives.stage.accepted();
    // What a fault holds up comes late, and has to be seen to as well.
    let until = now() + PAUSE;
    lives
        .until("what is late has come", async |_| {
            Ok((now() >= until).then_some(()))
        })
        .await?;
    let mut wrong = Vec::new();
    let balanced = lives.until("the books of the cancelled campaign balance", async |lives| {
        let facts = Facts::read(&lives.stage.books, campaign).await;
        wrong = balance::complaints(&facts, lives.doubles());
        Ok(wrong.is_empty().then_some(()))
    });
    let balanced = balanced.await;
    balanced.with_context(|| wrong.join("\n"))?;
    expect_no_more(lives, accepted, "cancel")
}

pub(super) async fn progress(lives: &mut Lives, campaign: CampaignId) -> anyhow::Result<Progress> {
    lives.get(&format!("/v1/campaigns/{campaign}/progress")).await
}
