//! The lines of one chunk: its pushes as they stand, or its recipients where they have none yet.

use std::collections::HashSet;

use audience::Unpacked;
use campaign::{ChunkId, PushState, Reason, Standing};
use chrono::SecondsFormat;
use csv::{Terminator, WriterBuilder};
use database::campaign::Campaign;
use database::shard::coupon_grant;
use database::{audience_chunk, erasure};
use push_store::Push;
use runtime::Backends;

use crate::Error;

/// The first line.
pub(super) const HEADER: &str = "user_id,state,reason,sent_at,coupon\r\n";

/// One recipient and where the push stands.
struct Recipient {
    /// `None` for a user who was erased.
    user: Option<String>,
    standing: Standing,
    sent_at: String,
}

impl Recipient {
    fn of_push(push: Push, campaign: &Campaign) -> Self {
        let standing = push.standing.read_in(campaign.state);
        let sent_at = push.settled_at.filter(|_| standing.state() == PushState::Sent);
        Self {
            user: push.user,
            standing,
            sent_at: sent_at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        }
    }
}

/// The lines of that chunk, in the order of its recipients.
pub(super) async fn of_chunk(backends: &Backends, campaign: &Campaign, no: u32) -> Result<Vec<u8>, Error> {
    let pushes = backends
        .push_store
        .list_pushes(ChunkId::of(campaign.id, no))
        .await?;
    let recipients = if pushes.is_empty() {
        not_expanded(backends, campaign, no).await?
    } else {
        pushes
            .into_iter()
            .map(|push| Recipient::of_push(push, campaign))
            .collect()
    };
    let users: Vec<_> = recipients
        .iter()
        .filter_map(|recipient| recipient.user.as_deref())
        .collect();
    // An erasure that was asked for and not done yet counts.
    let erased = erasure::list_erased_among(&backends.db, &users).await?;
    let granted = match campaign.plan.coupon_id {
        Some(_) => coupon_grant::list_granted_among(&backends.db, campaign.id, &users).await?,
        None => HashSet::new(),
    };
    let coupon = campaign
        .plan
        .coupon_id
        .map(|coupon| coupon.to_string())
        .unwrap_or_default();
    let mut lines = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for recipient in &recipients {
        let user = recipient
            .user
            .as_deref()
            .filter(|user| !erased.contains(*user))
            .unwrap_or_default();
        let coupon = if granted.contains(user) {
            coupon.as_str()
        } else {
            ""
        };
        let reason = recipient.standing.reason().map_or("", Reason::as_str);
        let state = recipient.standing.state().as_str();
        lines
            .write_record([
                &for_a_spreadsheet(user),
                state,
                reason,
                &recipient.sent_at,
                coupon,
            ])
            .map_err(|error| Error::stored("a line of a report", error))?;
    }
    lines
        .into_inner()
        .map_err(|error| Error::stored("a report", error.into_error()))
}

/// The recipients of a chunk that fan-out has not come to; or never will, where the campaign ended.
async fn not_expanded(backends: &Backends, campaign: &Campaign, no: u32) -> Result<Vec<Recipient>, Error> {
    let Some(audience) = campaign.plan.audience_id else {
        return Ok(Vec::new());
    };
    let Some(chunk) = audience_chunk::find(&backends.db, audience, no).await? else {
        return Ok(Vec::new());
    };
    let unpacked = Unpacked::open(&chunk.recipients)
        .map_err(|error| Error::stored(format!("chunk {no} of audience {audience}"), error))?;
    let recipients = unpacked.iter().map(|recipient| Recipient {
        user: recipient.map(|recipient| recipient.user_id.to_owned()),
        standing: Standing::Pending.read_in(campaign.state),
        sent_at: String::new(),
    });
    Ok(recipients.collect())
}

/// Keeps a spreadsheet from taking a user id for a formula.
fn for_a_spreadsheet(user: &str) -> String {
    if user.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{user}")
    } else {
        user.to_owned()
    }
}
