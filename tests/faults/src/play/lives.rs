//! The lives of the process under test: it dies, and is started again.

use std::time::{Duration, Instant};

use anyhow::bail;
use journeys::world::{Answer, Client, Doubles};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::laws::Laws;
use super::watch::{Watch, Watched};
use crate::case::{Case, Lie, Then};
use crate::stage::Stage;

/// A case that takes longer is stuck. A loaded machine is slow; what is stuck is so for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const POLL: Duration = Duration::from_millis(40);

/// Looks between two at everything that must always hold.
const LAWS_EVERY: u32 = 5;

/// A life that does not come to its API this many times in a row is not a fault's doing.
const STILLBORN: usize = 5;

/// The stage, and the process under test through its lives.
pub(super) struct Lives {
    pub(super) stage: Stage,
    case: Case,
    life: usize,
    /// Whether the second process has been started.
    is_joined: bool,
    /// Lies whose consequences have been seen to.
    followed: Vec<Lie>,
    watch: Watch,
    laws: Laws,
    looks: u32,
    until: Instant,
}

impl Lives {
    pub(super) fn new(stage: Stage, case: &Case) -> Self {
        Self {
            stage,
            case: case.clone(),
            life: 0,
            is_joined: false,
            followed: Vec::new(),
            watch: Watch::of(case),
            laws: Laws::of(case),
            looks: 0,
            until: now() + PATIENCE,
        }
    }

    /// Ends the process by a drain, and says what was seen.
    pub(super) async fn end(mut self) -> (Stage, Watched) {
        self.stage.drain().await;
        let watched = self.watch.end(&self.stage);
        (self.stage, watched)
    }

    /// How many messages may have been sent twice by now.
    pub(super) fn doubles(&self) -> Doubles {
        Doubles::AtMost(self.watch.handed_over_unsettled(&self.stage))
    }

    /// Whether everything has happened that is to happen in the lives of the process.
    pub(super) fn is_struck(&self) -> bool {
        let happened = self.stage.happened();
        let mut troubles = self.case.lives.iter().flatten();
        troubles.all(|trouble| happened.contains(&trouble.to_string()))
    }

    /// What is watched from now on.
    pub(super) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// The API's answer. While there is none, or a store is said to be down, it is asked again,
    /// and a dead process is started again.
    pub(super) async fn ask(
        &mut self,
        what: &str,
        ask: impl AsyncFn(&Client) -> Option<Answer>,
    ) -> anyhow::Result<Answer> {
        loop {
            self.revive().await?;
            if let Some(api) = self.stage.api()
                && let Some(answer) = ask(api).await
                && !answer.status.is_server_error()
            {
                return Ok(answer);
            }
            self.pause(what).await?;
        }
    }

    /// What is at `path`.
    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        let answer = self
            .ask(path, async |api| api.ask(Method::GET, path, None).await)
            .await?;
        read(path, answer)
    }

    /// Asks again and again until there is an answer.
    pub(super) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        loop {
            if let Some(found) = look(self).await? {
                return Ok(found);
            }
            self.pause(what).await?;
        }
    }

    /// A moment, in which the process may die and its stores are looked at.
    async fn pause(&mut self, what: &str) -> anyhow::Result<()> {
        if now() > self.until {
            bail!("waited {PATIENCE:?} in vain: {what}");
        }
        tokio::time::sleep(POLL).await;
        self.join().await?;
        self.follow().await;
        self.watch.look(&self.stage).await;
        self.check_laws().await?;
        self.revive().await
    }

    async fn check_laws(&mut self) -> anyhow::Result<()> {
        self.looks += 1;
        match self.watch.watched() {
            Some(campaign) if self.looks.is_multiple_of(LAWS_EVERY) => {
                self.laws.check(&self.stage.books, campaign).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Starts the second process, when it is time.
    async fn join(&mut self) -> anyhow::Result<()> {
        if let Some(troubles) = &self.case.beside
            && !self.is_joined
            && self.is_struck()
        {
            self.stage.start_beside(troubles, &self.case.bugs).await?;
            self.is_joined = true;
        }
        Ok(())
    }

    /// Sees to what happens when a wire has lied.
    async fn follow(&mut self) {
        let new = self.stage.struck().find(|lie| !self.followed.contains(lie));
        let Some(lie) = new else { return };
        self.followed.push(lie);
        match lie.then {
            Then::Nothing => {}
            Then::Kill => self.stage.kill(),
            Then::Freeze => self.stage.freeze().await,
            Then::Down => {
                self.stage.outage(lie.call).await;
                self.watch.outage();
            }
        }
    }

    /// Starts the process if it is dead, in its next life.
    async fn revive(&mut self) -> anyhow::Result<()> {
        for _ in 0..STILLBORN {
            if !self.stage.is_dead() {
                return Ok(());
            }
            if self.life > 0 {
                self.watch.death(&self.stage).await;
            }
            let troubles = self.case.lives.get(self.life).map_or(&[][..], Vec::as_slice);
            self.stage.start(troubles, &self.case.bugs).await?;
            self.life += 1;
            self.watch.start(&self.stage).await;
        }
        bail!("the process did not come to life {STILLBORN} times in a row")
    }
}

/// The body of an answer that is a success.
pub(super) fn read<T: DeserializeOwned>(what: &str, answer: Answer) -> anyhow::Result<T> {
    if !answer.status.is_success() {
        bail!("{what}: {} {}", answer.status, answer.body);
    }
    Ok(serde_json::from_value::<T>(answer.body)?)
}

/// A body that nobody looks at.
pub(super) fn expect_success(what: &str, answer: Answer) -> anyhow::Result<()> {
    read::<Value>(what, answer).map(drop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of this program, read by nobody else"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
