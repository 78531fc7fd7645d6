//! Single pushes: one a key, however often it is asked for and whatever happens meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use campaign::CampaignId;
use emulator::sink::ledger::{Entry, Reader};
use journeys::world::users;
use journeys::world::view::CampaignView;
use serde::Deserialize;
use serde_json::json;

use super::campaign::turn;
use super::devices;
use super::lives::{Lives, read};
use crate::case::Gateway;
use crate::counts::Counts;
use crate::stage::Stage;

/// Pushes, each to a user of its own.
const PUSHES: usize = 8;

/// A push, as the API shows it.
#[derive(Clone, Debug, Deserialize)]
struct Push {
    id: String,
    state: String,
}

/// The pushes that were asked for, and whether each was sent.
pub(super) type Triggered = BTreeMap<String, bool>;

/// Asks for pushes, waits until they are final, and asks for each once more.
pub(super) async fn play(lives: &mut Lives) -> anyhow::Result<Triggered> {
    let users = users(PUSHES);
    devices::register(lives, &users, Gateway::Fcm).await?;
    let campaign = start(lives).await?;
    let mut asked = Vec::new();
    for user in &users {
        asked.push(ask_for(lives, campaign, user).await?);
    }
    let mut ended = Triggered::new();
    for id in &asked {
        let path = format!("/v1/pushes/{id}");
        let state = lives
            .until("the push is final", async |lives| {
                let Push { state, .. } = lives.get(&path).await?;
                Ok(["sent", "failed"].contains(&state.as_str()).then_some(state))
            })
            .await?;
        ended.insert(id.clone(), state == "sent");
    }
    for (user, id) in users.iter().zip(&asked) {
        let again = ask_for(lives, campaign, user).await?;
        ensure!(again == *id, "one key gave two pushes: {id} and {again}");
    }
    ensure!(ended.len() == PUSHES, "{PUSHES} keys gave {} pushes", ended.len());
    Ok(ended)
}

async fn start(lives: &mut Lives) -> anyhow::Result<CampaignId> {
    let plan = json!({
        "name": "your driver",
        "kind": "triggered",
        "message": {"default_locale": "en", "texts": {"en": {"title": "Your driver", "body": "is here."}}},
    });
    let answer = lives.ask("the draft", async |api| {
        api.try_post_once("/v1/campaigns", "the-campaign", &plan).await
    });
    let draft: CampaignView = read("the draft", answer.await?)?;
    turn(lives, draft.id, "start", &["running"]).await?;
    Ok(draft.id)
}

/// Asks under the user's own key, until there is an answer.
async fn ask_for(lives: &mut Lives, campaign: CampaignId, user: &str) -> anyhow::Result<String> {
    let plan = json!({"campaign_id": campaign, "user_id": user});
    let answer = lives.ask("a push", async |api| {
        api.try_post_once("/v1/pushes", user, &plan).await
    });
    let Push { id, .. } = read("a push", answer.await?)?;
    Ok(id)
}

/// What is wrong with what the gateway was handed, and what is counted of it.
pub(super) fn audit(stage: &Stage, triggered: &Triggered, doubles: usize) -> (Vec<String>, Counts) {
    let entries: Vec<Entry> = Reader::open(&stage.books.ledger)
        .map(|ledger| ledger.flatten().collect())
        .unwrap_or_default();
    let mut copies = BTreeMap::<&str, Vec<&Option<String>>>::new();
    for entry in &entries {
        copies.entry(&entry.push_id).or_default().push(&entry.collapse_id);
    }
    let mut complaints = Vec::new();
    for (id, is_sent) in triggered {
        let is_accepted = copies.contains_key(id.as_str());
        if is_accepted != *is_sent {
            complaints.push(format!(
                "push {id}: sent is {is_sent}, and accepted by the gateway {is_accepted}"
            ));
        }
    }
    let unknown = copies.keys().filter(|id| !triggered.contains_key(**id));
    complaints.extend(unknown.map(|id| format!("push {id} was sent, and nobody asked for it")));
    let raw = entries.len() - copies.len();
    if raw > doubles {
        complaints.push(format!("{raw} messages were sent twice, {doubles} may be"));
    }
    let shown = |ids: &Vec<&Option<String>>| ids.iter().collect::<BTreeSet<_>>().len() - 1;
    let visible = copies.values().map(shown).sum::<usize>();
    if visible > 0 {
        complaints.push(format!("{visible} messages show twice"));
    }
    let counts = Counts {
        targets: triggered.len() as u64,
        doubled_visible: visible as u64,
        doubled_raw: raw as u64,
        doubled_raw_bound: doubles as u64,
        ..Counts::default()
    };
    (complaints, counts)
}
