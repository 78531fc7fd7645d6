//! Campaigns as people read them.

use serde::Deserialize;

use crate::table::{Table, count, plain};

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Page {
    items: Vec<Campaign>,
    next_cursor: Option<String>,
}

/// A campaign, as far as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Campaign {
    id: String,
    name: String,
    state: String,
    reason: Option<String>,
    schedule: serde_json::Value,
    audience_id: Option<String>,
    audience_size: u64,
    coupon_id: Option<String>,
    coupon_for: String,
    created_at: String,
    starts_at: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    pruned_at: Option<String>,
}

/// A page as a table.
pub(super) fn list(page: &Page) -> String {
    let Some(first) = page.items.first() else {
        return "There are none. One is made over the API: POST /v1/campaigns.".to_owned();
    };
    let mut table = Table::with_header(["ID", "STATE", "RECIPIENTS", "MADE", "NAME"]);
    for campaign in &page.items {
        table.row([
            &campaign.id,
            &campaign.state,
            &size(campaign),
            &campaign.created_at,
            &plain(&campaign.name),
        ]);
    }
    let more = page.next_cursor.as_ref().map_or(String::new(), |cursor| {
        format!("There are more: the same again with --cursor {cursor}\n")
    });
    format!(
        "{table}\n\n{more}What one takes: noroshi campaigns plan {id}\n\
         How far it is: noroshi campaigns progress {id}",
        id = first.id
    )
}

/// Everything that was decided about one.
pub(super) fn show(campaign: &Campaign) -> String {
    let mut table = Table::new();
    table.row([&"campaign", &campaign.id]);
    table.row([&"name", &plain(&campaign.name)]);
    table.row([&"state", &campaign.state]);
    table.row([&"schedule", &campaign.schedule]);
    let told = [
        ("reason", campaign.reason.as_deref().map(plain)),
        ("audience", campaign.audience_id.clone()),
        ("recipients", Some(size(campaign)).filter(|size| !size.is_empty())),
        (
            "coupon",
            campaign
                .coupon_id
                .as_ref()
                .map(|id| format!("{id} for {}", campaign.coupon_for)),
        ),
        ("made", Some(campaign.created_at.clone())),
        ("starts", campaign.starts_at.clone()),
        ("started", campaign.started_at.clone()),
        ("ended", campaign.ended_at.clone()),
        ("pruned", campaign.pruned_at.clone()),
    ];
    for (what, value) in told {
        if let Some(value) = value {
            table.row([&what, &value]);
        }
    }
    format!("{table}\n\n{}", next(campaign))
}

/// What became of it, and what can be done next.
pub(super) fn turned(campaign: &Campaign) -> String {
    format!("It is {}. {}", campaign.state, next(campaign))
}

fn next(campaign: &Campaign) -> String {
    let (words, command) = match campaign.state.as_str() {
        "draft" | "scheduled" => ("What it takes", "plan"),
        "paused" => ("To let it go on", "resume"),
        "running" => ("To follow it", "progress --watch"),
        _ => ("To recount it", "verify"),
    };
    format!("{words}: noroshi campaigns {command} {}", campaign.id)
}

/// Its recipients; a draft's are those of its audience, which is counted elsewhere.
fn size(campaign: &Campaign) -> String {
    match campaign.audience_size {
        0 => String::new(),
        size => count(size),
    }
}
