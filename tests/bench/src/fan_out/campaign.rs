//! A running campaign that nothing is expanded of yet: a data directory of the product's own.
//!
//! It is made once by the product, upload and import included, and each fan-out works on a copy.
//! The ids in it are computed from the campaign's, so every fan-out of it writes the same
//! entities.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use campaign::{AudienceId, CampaignId, Lane, Transition};
use chrono::{DateTime, Utc};
use database::audience::{self, AudienceState};
use database::campaign::{CouponFor, Kind, Plan, Transitioned};
use database::{Change, upload_part};
use runtime::{Backends, Clock, Config, Process};
use tempfile::TempDir;

use super::audience::parts;
use crate::datastore::PROJECT;

/// The started campaign, on disk.
#[derive(Debug)]
pub(super) struct Campaign {
    directory: TempDir,
}

/// A copy of it for one fan-out, which goes with this.
#[derive(Debug)]
pub(super) struct Copy(TempDir);

impl Campaign {
    /// Imports an audience of `users` and starts a campaign to it. The product wants a Datastore
    /// to connect to, which is not written to.
    pub(super) async fn start(users: u64, datastore: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let process = Process::new(config(directory.path(), datastore)?, Clock::system());
        let (backends, embedded) = Backends::connect(&process).await?;
        let audience = upload(&backends, users).await?;
        start(&backends, audience, users).await?;
        backends.db.close().await;
        drop(backends);
        embedded.stop().await;
        Ok(Self { directory })
    }

    /// A copy to be expanded.
    pub(super) fn copy(&self) -> anyhow::Result<Copy> {
        let copy = tempfile::tempdir()?;
        for entry in fs::read_dir(self.directory.path())? {
            let entry = entry?;
            fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
        Ok(Copy(copy))
    }
}

impl Copy {
    /// Points a process of the product at it and at a Datastore.
    pub(super) fn configure(&self, command: &mut Command, datastore: &str, in_flight: usize) {
        command.envs(variables(self.0.path(), datastore));
        command.env("NOROSHI__FAN_OUT__IN_FLIGHT", in_flight.to_string());
    }
}

/// The product's settings as variables of the environment; everything else is at its default.
fn variables(data: &Path, datastore: &str) -> [(String, String); 4] {
    let data: PathBuf = data.into();
    [
        ("NOROSHI__DATA__DIR", data.display().to_string()),
        ("NOROSHI__DATASTORE__ENDPOINT", format!("http://{datastore}")),
        ("NOROSHI__DATASTORE__PROJECT", PROJECT.to_owned()),
        ("NOROSHI__LOG__LEVEL", "warn".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn config(data: &Path, datastore: &str) -> anyhow::Result<Config> {
    Ok(Config::read(None, variables(data, datastore))?)
}

/// Uploads and imports the audience.
async fn upload(backends: &Backends, users: u64) -> anyhow::Result<AudienceId> {
    let (id, now) = (AudienceId::allocate(), backends.process.clock.now());
    let mut tx = backends.db.begin().await?;
    audience::insert(&mut tx, id, "everybody", "{}", now).await?;
    tx.commit().await.repeatable()?;
    for (no, part) in (0..).zip(parts(users)) {
        let mut tx = backends.db.begin().await?;
        // To the import a part's digest says nothing.
        let _ = upload_part::insert(&mut tx, id, no, &[0; 32], part.as_bytes()).await?;
        let counted = audience::add_uploaded(&mut tx, id, part.len() as u64, now).await?;
        ensure!(counted == Change::Applied, "the upload was over too early");
        tx.commit().await.repeatable()?;
    }
    let mut tx = backends.db.begin().await?;
    let completed = audience::complete_upload(&mut tx, id, now).await?;
    ensure!(completed == Change::Applied, "the upload was over already");
    tx.commit().await.repeatable()?;
    jobs::import::run(backends).await?;
    Ok(id)
}

/// Starts a campaign to an imported audience.
async fn start(backends: &Backends, id: AudienceId, users: u64) -> anyhow::Result<()> {
    let audience = audience::find(&backends.db, id).await?;
    let audience = audience.context("the audience is not there")?;
    ensure!(
        audience.state == AudienceState::Ready && audience.progress.size == users,
        "the import ended {:?} with {} of {users} users",
        audience.state,
        audience.progress.size
    );
    let plan = Plan {
        name: "to everybody".to_owned(),
        lane: Lane::for_audience(users),
        audience_id: Some(id),
        coupon_id: None,
        coupon_for: CouponFor::All,
        message: "{}".to_owned(),
        schedule: r#"{"at":"now"}"#.to_owned(),
        starts_at: None,
        expires_at: None,
        max_per_second: None,
        canary: None,
    };
    let (campaign, now) = (CampaignId::allocate(), whole_second(backends.process.clock.now()));
    let (size, chunks) = (audience.progress.size, audience.progress.chunk_count);
    let mut tx = backends.db.begin().await?;
    database::campaign::insert(&mut tx, campaign, Kind::Broadcast, &plan, now).await?;
    let sized = database::campaign::set_audience_size(&mut tx, campaign, size, chunks).await?;
    ensure!(sized == Change::Applied, "a new campaign is no draft");
    let started = database::campaign::transition(&mut tx, campaign, Transition::Start, None, now).await?;
    ensure!(
        matches!(started, Transitioned::To(_)),
        "the campaign did not start: {started:?}"
    );
    tx.commit().await.repeatable()?;
    Ok(())
}

/// What is stored with an instant is what every client can write: JavaScript's have milliseconds.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).expect("a second that was there is there")
}
