//! What becomes of addresses is told: once removed or quarantined, each is reported until a webhook
//! takes it or it is given up, and none is removed for what was before its registration.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use database::device::{self, Device, DeviceKind};
use database::feedback::{self, Fate, Feedback, FeedbackState};
use fault_points::{Action, Point};
use journeys::world::device_of;

use super::lives::Lives;
use crate::case::Case;
use crate::stage::{Post, Stage};

/// More than there are users.
const ALL: u32 = 1_000;

/// Waits until nothing is left to be posted and everything agrees.
pub(super) async fn settle(lives: &mut Lives, users: &[String], case: &Case) -> anyhow::Result<()> {
    let mut wrong = String::new();
    let settled = lives.until("everything that was reported is told", async |lives| {
        let checked = check(&lives.stage, users, may_be_unheard(case)).await;
        Ok(match checked {
            Ok(()) => Some(()),
            Err(complaint) => {
                // An attempt may be on its way to write down what it has heard.
                wrong = format!("{complaint:#}");
                None
            }
        })
    });
    let settled = settled.await;
    settled.with_context(|| wrong)
}

/// Whether what the attempt has heard may die with it.
fn may_be_unheard(case: &Case) -> bool {
    let mut faults = case.troubles().filter_map(|trouble| trouble.point());
    faults.any(|fault| fault.point == Point::AddressesRemoved && fault.action != Action::Hang)
}

async fn check(stage: &Stage, users: &[String], may_be_none: bool) -> anyhow::Result<()> {
    let reports = list(stage).await?;
    ensure!(may_be_none || !reports.is_empty(), "nothing is reported");
    let open = reports
        .iter()
        .filter(|report| report.state == FeedbackState::Open)
        .count();
    ensure!(open == 0, "{open} reports are neither taken nor given up");
    check_posts(&reports, &stage.posts())?;
    check_addresses(&reports, &devices(stage, users).await?)
}

/// Sees that every address is there, as it was registered last.
pub(super) async fn expect_all(lives: &Lives, users: &[String]) -> anyhow::Result<()> {
    let devices = devices(&lives.stage, users).await?;
    let is_well = |device: &Option<Device>| {
        device
            .as_ref()
            .is_some_and(|device| device.quarantined_at.is_none())
    };
    let lost: Vec<_> = devices
        .iter()
        .filter(|(_, device)| !is_well(device))
        .map(|(address, _)| address)
        .collect();
    ensure!(
        lost.is_empty(),
        "registered again, and removed or quarantined after that: {lost:?}"
    );
    Ok(())
}

/// Each that is said to be was taken by the webhook, and each that is given up was posted to it: that
/// it is taken may be heard too late. Every post is of one of them.
fn check_posts(reports: &[Feedback], posts: &[Post]) -> anyhow::Result<()> {
    for report in reports {
        let id = report.id.to_string();
        let own: Vec<_> = posts.iter().filter(|post| post.id == id).collect();
        let is_taken = own.iter().any(|post| post.is_taken);
        let is_kept = match report.state {
            FeedbackState::Sent => is_taken,
            FeedbackState::Open | FeedbackState::Dead => !own.is_empty(),
        };
        ensure!(
            is_kept,
            "a report is {:?}, and was posted so: {own:?}",
            report.state
        );
        ensure!(
            own.iter()
                .all(|post| post.user == report.user_id && post.address == report.address),
            "a report was posted with another address: {own:?}"
        );
    }
    let known: BTreeSet<_> = reports.iter().map(|report| report.id.to_string()).collect();
    let unknown = posts.iter().filter(|post| !known.contains(&post.id)).count();
    ensure!(unknown == 0, "{unknown} posts are of no report");
    Ok(())
}

/// An address is removed or quarantined if it is reported so, once, and is as it was if not.
fn check_addresses(reports: &[Feedback], devices: &BTreeMap<String, Option<Device>>) -> anyhow::Result<()> {
    for (address, device) in devices {
        let own = reports.iter().filter(|report| report.address == *address);
        let own: Vec<_> = own.map(|report| report.fate).collect();
        let expected: &[Fate] = match device {
            None => &[Fate::Gone],
            Some(device) if device.quarantined_at.is_some() => &[Fate::Wrong],
            Some(_) => &[],
        };
        ensure!(
            own == expected,
            "an address is reported as {own:?} and should be as {expected:?}"
        );
    }
    Ok(())
}

async fn list(stage: &Stage) -> Result<Vec<Feedback>, database::Error> {
    feedback::list(&stage.books.db, None, at_the_end_of_time(), ALL).await
}

/// Of those times that SQL can compare.
fn at_the_end_of_time() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 1_000)
}

/// The addresses that the users were registered with, and what is left of each.
async fn devices(stage: &Stage, users: &[String]) -> anyhow::Result<BTreeMap<String, Option<Device>>> {
    let mut devices = BTreeMap::new();
    for user in users {
        let address = device_of(user);
        let found = device::find(&stage.books.db, DeviceKind::FcmToken, &address).await?;
        devices.insert(address, found);
    }
    Ok(devices)
}
