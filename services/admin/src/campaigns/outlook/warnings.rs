//! What a person should know before a campaign goes on.

use campaign::{CampaignState, SendTime};
use database::campaign::Campaign as Row;
use database::control::GlobalStop;
use database::coupon::Coupon;
use runtime::Backends;

use super::{Outlook, control};
use crate::error::Error;

/// Times of which those who are late are named by themselves.
const NAMED: usize = 5;

pub(super) async fn of(
    backends: &Backends,
    row: &Row,
    outlook: &Outlook,
    coupon: Option<&Coupon>,
) -> Result<Vec<String>, Error> {
    if row.state.is_final() {
        return Ok(Vec::new());
    }
    let mut warnings = late(outlook);
    warnings.extend(skipped(outlook));
    warnings.extend(coupon.and_then(|coupon| stock(row, outlook, coupon)));
    if control::state(&backends.db).await?.stop == GlobalStop::On {
        warnings.push("everything is stopped: nothing is sent until that is lifted".to_owned());
    }
    if row.state == CampaignState::Paused {
        warnings.push("it is paused: the times are as if it were resumed now".to_owned());
    }
    Ok(warnings)
}

/// Those who expire before they can be served, by the zones with the most of them.
fn late(outlook: &Outlook) -> Vec<String> {
    let times = outlook.times();
    let mut late: Vec<_> = times.iter().filter(|time| time.late > 0).collect();
    late.sort_by_key(|time| std::cmp::Reverse(time.late));
    let (named, others) = late.split_at(late.len().min(NAMED));
    let mut warnings: Vec<_> = named
        .iter()
        .map(|time| {
            let zone = time
                .time_zone
                .as_ref()
                .map_or(String::new(), |zone| format!(" in {zone}"));
            let expiry = time.expires_at.unwrap_or_default();
            format!(
                "{} of {} recipients{zone} expire at {expiry} before they can be sent theirs",
                time.late, time.left
            )
        })
        .collect();
    if !others.is_empty() {
        let late: u64 = others.iter().map(|time| time.late).sum();
        warnings.push(format!("{late} more expire in {} other time zones", others.len()));
    }
    warnings
}

fn skipped(outlook: &Outlook) -> Option<String> {
    let past = outlook.left.times.iter();
    let past = past.filter(|time| time.send_time == SendTime::LocalTimePast);
    let skipped: u64 = past.clone().map(|time| time.recipients).sum();
    (skipped > 0).then(|| {
        let zones = past.count();
        format!("{skipped} recipients in {zones} time zones are skipped: their local time is past")
    })
}

/// Whether the coupons that are left do not reach. Once it runs, it holds some of them itself.
fn stock(row: &Row, outlook: &Outlook, coupon: &Coupon) -> Option<String> {
    let left = coupon.stock?.saturating_sub(coupon.reserved);
    let wanted = outlook.left.to_deliver();
    (row.started_at.is_none() && left < wanted)
        .then(|| format!("{left} coupons are left for {wanted} recipients: who comes too late is skipped"))
}
