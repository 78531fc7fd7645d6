//! The way of one campaign, as its owner goes it over the API.

use std::sync::atomic::Ordering;
use std::time::Duration;

use campaign::{AudienceId, CampaignId};
use reqwest::{Body, StatusCode};
use runtime::clock::Moment;
use runtime::{Backends, Clock};

use super::api::{AudienceProgress, CampaignProgress, DemoApi};
use super::devices;
use super::error::Error;
use super::message::{Coupon, plan};
use super::source::{Source, Upload};
use crate::api;
use crate::progress::{Pace, Progress};

/// The least wait between two questions for a progress.
const POLL: Duration = Duration::from_millis(200);

/// Of all time, at most one part in so many goes into questions.
const SHARE_OF_QUESTIONS: u32 = 10;

/// For so long nothing may move.
const PATIENCE: Duration = Duration::from_secs(300);

/// Who goes it, and with what.
#[derive(Debug)]
pub(super) struct Journey<'a> {
    pub(super) api: DemoApi,
    /// Only read: for the users that were accepted.
    pub(super) backends: &'a Backends,
    pub(super) progress: &'a Progress,
    /// The stages that are over, in order.
    pub(super) stages: Vec<(&'static str, Pace)>,
}

/// An audience that is ready.
#[derive(Debug)]
pub(super) struct ReadyAudience {
    pub(super) id: AudienceId,
    /// What the API says of its import.
    pub(super) told: AudienceProgress,
}

impl Journey<'_> {
    /// Uploads the audience and waits for its import.
    pub(super) async fn import(&mut self, source: &Source) -> Result<ReadyAudience, Error> {
        let rows = source.rows().await?;
        let id = self.upload(source.open().await?, rows).await?;
        let stage = self.progress.stage("import", rows);
        let mut watch = Watch::new(self.clock());
        loop {
            let told = self.api.audience_progress(id).await?;
            stage.set(told.rows);
            match told.state.as_str() {
                "ready" => {
                    self.stages.push(("import", stage.finish(told.rows)));
                    return Ok(ReadyAudience { id, told });
                }
                "refused" | "cancelled" => {
                    let reason = told.refusal.unwrap_or(told.state);
                    return Err(Error::FileRefused(reason));
                }
                _ => {
                    watch
                        // First it reads rows, and then it accepts them.
                        .next(told.rows + told.accepted, || {
                            "the audience is not ready".to_owned()
                        })
                        .await?
                }
            }
        }
    }

    /// Sends the file, and counts its rows as they go.
    async fn upload(&mut self, upload: Upload, rows: u64) -> Result<AudienceId, Error> {
        let Upload { bytes, lines } = upload;
        let sent = || lines.load(Ordering::Relaxed).saturating_sub(1).min(rows);
        let stage = self.progress.stage("upload", rows);
        let clock = self.clock();
        let mut answer = std::pin::pin!(self.api.upload_audience("Demo", Body::wrap_stream(bytes)));
        let id = loop {
            tokio::select! {
                answer = answer.as_mut() => break answer.map_err(refusal)?,
                () = clock.sleep(POLL) => stage.set(sent()),
            }
        };
        self.stages.push(("upload", stage.finish(rows)));
        Ok(id)
    }

    /// Registers an address for everybody in the audience.
    pub(super) async fn register_devices(&mut self, audience: &ReadyAudience) -> Result<(), Error> {
        let stage = self.progress.stage("devices", audience.told.accepted);
        let chunks = (audience.id, audience.told.chunk_count);
        let registered = devices::register(&self.api, &self.backends.db, chunks, &stage).await?;
        self.stages.push(("devices", stage.finish(registered)));
        Ok(())
    }

    /// Makes the campaign, starts it, and waits until it is finished.
    pub(super) async fn run_campaign(
        &mut self,
        audience: &ReadyAudience,
        coupon: Coupon,
    ) -> Result<(CampaignId, CampaignProgress), Error> {
        let variables = self.api.audience_variables(audience.id).await?;
        let campaign = self
            .api
            .create_campaign(&plan(audience.id, &variables, coupon))
            .await?;
        self.api.start_campaign(campaign).await?;
        let told = self.watch_campaign(campaign, audience.told.accepted).await?;
        Ok((campaign, told))
    }

    /// Two bars at once: early chunks are delivered while late ones are expanded.
    async fn watch_campaign(&mut self, campaign: CampaignId, size: u64) -> Result<CampaignProgress, Error> {
        let mut fan_out = Some(self.progress.stage("fan-out", size));
        let mut deliver = Some(self.progress.stage("deliver", size));
        let mut watch = Watch::new(self.clock());
        loop {
            let told = self.api.campaign_progress(campaign).await?;
            let settled = told.tally.settled();
            for (name, stage, done) in [
                ("fan-out", &mut fan_out, told.expanded),
                ("deliver", &mut deliver, settled),
            ] {
                if let Some(stage) = stage {
                    stage.set(done);
                }
                if let Some(stage) = stage.take_if(|_| done >= size) {
                    self.stages.push((name, stage.finish(done)));
                }
            }
            match told.state.as_str() {
                "finished" => return Ok(told),
                "running" => {
                    let done = told.expanded + settled + u64::from(told.missing.is_empty());
                    watch.next(done, || told.missing.join("; ")).await?;
                }
                _ => {
                    let reason = told.reason.unwrap_or_else(|| told.missing.join("; "));
                    let state = told.state;
                    return Err(Error::Ended { state, reason });
                }
            }
        }
    }

    fn clock(&self) -> Clock {
        self.backends.process.clock.clone()
    }
}

/// A file that is refused at once is the user's to mend.
fn refusal(error: api::Error) -> Error {
    match error {
        api::Error::Refused { status, detail, .. } if status == StatusCode::UNPROCESSABLE_ENTITY => {
            Error::FileRefused(detail)
        }
        other => other.into(),
    }
}

/// Waits between questions, and not for ever.
#[derive(Debug)]
struct Watch {
    clock: Clock,
    asked: Moment,
    done: u64,
    moved: Moment,
}

impl Watch {
    fn new(clock: Clock) -> Self {
        let now = clock.monotonic();
        Self {
            clock,
            asked: now,
            done: 0,
            moved: now,
        }
    }

    /// Waits until it is time for the next question, the longer the longer the last one took.
    /// `done` grows with whatever moves.
    async fn next(&mut self, done: u64, missing: impl FnOnce() -> String) -> Result<(), Error> {
        let now = self.clock.monotonic();
        if done != self.done {
            (self.done, self.moved) = (done, now);
        }
        if now.since(self.moved) >= PATIENCE {
            return Err(Error::Stalled {
                minutes: PATIENCE.as_secs() / 60,
                missing: missing(),
            });
        }
        let took = now.since(self.asked);
        self.clock.sleep(POLL.max(took * (SHARE_OF_QUESTIONS - 1))).await;
        self.asked = self.clock.monotonic();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use runtime::clock::ManualClock;

    use super::*;

    fn hand() -> ManualClock {
        ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap())
    }

    #[tokio::test]
    async fn a_wait_in_which_nothing_moves_ends_and_says_what_is_missing() {
        let hand = hand();
        let mut watch = Watch::new(hand.clock());

        hand.advance(PATIENCE);
        let ended = watch.next(0, || "2 pushes are not final".to_owned()).await;

        assert_eq!(
            ended.unwrap_err().to_string(),
            "nothing has moved for 5 minutes: 2 pushes are not final"
        );
    }

    #[tokio::test]
    async fn a_wait_in_which_something_moves_goes_on() {
        let hand = hand();
        let mut watch = Watch::new(hand.clock());

        for done in 1..=3 {
            hand.advance(PATIENCE);
            let (waited, ()) = tokio::join!(watch.next(done, String::new), async {
                hand.until_asleep(1).await;
                hand.advance(PATIENCE * SHARE_OF_QUESTIONS);
            });
            assert!(waited.is_ok());
        }
    }
}
