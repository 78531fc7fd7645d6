//! Plays a case: a whole campaign, through every death of the process under test.
//!
//! The caller behaves as a good client of the API does: a request without an answer is made
//! again, under the same idempotency key. Whenever the process has died it is started again, as
//! any supervisor would, in its next life.

mod campaign;
mod canary;
mod devices;
mod feedback;
mod laws;
mod lives;
mod triggered;
mod watch;

use std::time::Duration;

use ::campaign::CampaignId;
use database::inconsistency;
use journeys::world::Doubles;
use journeys::world::balance::{self, Facts};

use crate::case::{Case, Scenario};
use crate::counts::Counts;
use crate::stage::{Ground, Stage};
use lives::Lives;
use triggered::Triggered;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was planned and did not happen.
    pub void: Vec<String>,
    /// What is counted.
    pub counts: Counts,
    /// Everything that is wrong with the books.
    pub complaints: Vec<String>,
    /// From each return of the process to the end of the last open intent that it found.
    pub repairs: Vec<Duration>,
    /// The end of the log, where anything is wrong.
    pub log: String,
    /// Whether it was the stage that broke down, which says nothing of the program.
    pub is_broken_down: bool,
}

impl Played {
    /// A case whose stage broke down.
    pub(crate) fn stuck(case: &Case, why: String) -> Self {
        Self {
            void: case.troubles().map(|trouble| trouble.to_string()).collect(),
            counts: Counts::default(),
            complaints: vec![why],
            repairs: Vec::new(),
            log: String::new(),
            is_broken_down: true,
        }
    }

    /// Whether nothing is wrong, and every fault happened.
    pub fn is_good(&self) -> bool {
        self.void.is_empty() && self.complaints.is_empty()
    }
}

/// Plays it on stores of its own.
pub async fn play(case: &Case, ground: &Ground) -> anyhow::Result<Played> {
    let mut lives = Lives::new(Stage::of(ground, case).await?, case);
    let ended = match case.scenario {
        Scenario::Trigger => triggered::play(&mut lives).await.map(Ended::Triggered),
        _ => campaign::play(&mut lives, case).await.map(Ended::Campaign),
    };
    let (stage, watched) = lives.end().await;
    let played = match ended {
        Ok(ended) => audit(&stage, case, &ended, watched).await,
        Err(stuck) => Played {
            void: missed(&stage, case),
            counts: Counts::default(),
            complaints: vec![format!("{stuck:#}")],
            repairs: watched.repairs,
            log: stage.log_tail(60),
            is_broken_down: false,
        },
    };
    stage.clear().await;
    Ok(played)
}

/// What was played to its end.
enum Ended {
    Campaign(CampaignId),
    Triggered(Triggered),
}

async fn audit(stage: &Stage, case: &Case, ended: &Ended, watched: watch::Watched) -> Played {
    let doubles = watched.handed_over_unsettled;
    let (complaints, counts) = match ended {
        Ended::Campaign(campaign) => {
            let facts = Facts::read(&stage.books, *campaign).await;
            let mut complaints = balance::complaints(&facts, Doubles::AtMost(doubles));
            complaints.extend(unrecorded(stage, case, *campaign).await);
            (complaints, Counts::of(&facts, doubles))
        }
        Ended::Triggered(triggered) => triggered::audit(stage, triggered, doubles),
    };
    let log = if complaints.is_empty() {
        String::new()
    } else {
        stage.log_tail(60)
    };
    Played {
        void: missed(stage, case),
        counts,
        complaints,
        repairs: watched.repairs,
        log,
        is_broken_down: false,
    }
}

/// What went wrong between the two stores, and was not written down.
async fn unrecorded(stage: &Stage, case: &Case, campaign: CampaignId) -> Option<String> {
    let happened = stage.happened();
    let mut troubles = case.troubles().filter(|trouble| trouble.leaves_inconsistency());
    let trouble = troubles.find(|trouble| happened.contains(&trouble.to_string()))?;
    let counts = inconsistency::count_of(&stage.books.db, campaign).await;
    let inconsistency::Counts { open, repaired, dead } = counts.expect("SQL answers");
    (open + repaired + dead == 0).then(|| format!("{trouble} left no inconsistency on record"))
}

fn missed(stage: &Stage, case: &Case) -> Vec<String> {
    let happened = stage.happened();
    let troubles = case.troubles().map(|trouble| trouble.to_string());
    troubles.filter(|trouble| !happened.contains(trouble)).collect()
}
