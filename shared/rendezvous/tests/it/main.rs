//! Meetings of participants that behave in every way a transaction can.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rendezvous::{Absence, Deadlines, Fate, Met, Participant, Side, Verdict, meet};
use tokio_util::task::TaskTracker;

/// What a participant was made to do, in the order it happened, over all participants.
type Log = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, PartialEq)]
enum Does {
    Well,
    FailsToPrepare,
    PanicsInPrepare,
    HangsInPrepare,
    FailsToCommit,
    LosesTheAnswer,
    PanicsInCommit,
    HangsInCommit,
}

struct Actor {
    name: &'static str,
    does: Does,
    log: Log,
}

impl Actor {
    fn note(&self, what: &str) {
        self.log
            .lock()
            .expect("no holder panics")
            .push(format!("{} {what}", self.name));
    }
}

impl Participant<&'static str> for Actor {
    async fn prepare(&mut self) -> Result<(), &'static str> {
        match self.does {
            Does::FailsToPrepare => Err("no"),
            Does::PanicsInPrepare => panic!("seeded"),
            Does::HangsInPrepare => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn commit(self) -> Verdict<&'static str> {
        self.note("commit");
        match self.does {
            Does::FailsToCommit => Verdict::NotCommitted("refused"),
            Does::LosesTheAnswer => Verdict::Unknown("cut"),
            Does::PanicsInCommit => panic!("seeded"),
            Does::HangsInCommit => std::future::pending().await,
            _ => Verdict::Committed,
        }
    }

    async fn roll_back(self) {
        self.note("roll back");
    }
}

fn side(name: &'static str, does: Does, log: &Log) -> Side<&'static str> {
    Side::new(Actor {
        name,
        does,
        log: log.clone(),
    })
}

async fn meet_as(first: Does, second: Does) -> (Met<&'static str>, Vec<String>) {
    let log = Log::default();
    let tasks = TaskTracker::new();
    let deadlines = Deadlines {
        ready: Duration::from_millis(50),
        commit: Duration::from_millis(50),
    };

    let met = meet(
        &tasks,
        vec![side("first", first, &log), side("second", second, &log)],
        deadlines,
    )
    .await;

    let hangs = |does| matches!(does, Does::HangsInPrepare | Does::HangsInCommit);
    if !hangs(first) && !hangs(second) {
        tasks.close();
        tasks.wait().await;
    }
    let log = log.lock().expect("no holder panics").clone();
    (met, log)
}

#[tokio::test]
async fn two_that_do_well_are_committed_in_order() {
    let (met, log) = meet_as(Does::Well, Does::Well).await;

    assert_eq!(met.fates, [Fate::Committed, Fate::Committed]);
    assert_eq!(met.absent, None);
    assert_eq!(log, ["first commit", "second commit"]);
}

#[tokio::test]
async fn whoever_fails_first_is_blamed_and_nobody_is_committed() {
    for (does, absence) in [
        (Does::FailsToPrepare, Absence::Said("no")),
        (Does::PanicsInPrepare, Absence::Left),
        (Does::HangsInPrepare, Absence::Late),
    ] {
        let (met, log) = meet_as(Does::Well, does).await;

        assert_eq!(met.fates, [Fate::NotCommitted, Fate::NotCommitted]);
        assert_eq!(met.absent, Some((1, absence)));
        assert!(!log.iter().any(|line| line.ends_with("commit")), "{log:?}");
    }
}

#[tokio::test]
async fn a_participant_that_failed_half_way_is_rolled_back_as_well() {
    let (_, log) = meet_as(Does::Well, Does::FailsToPrepare).await;

    assert_eq!(
        HashSet::from(["first roll back", "second roll back"]),
        log.iter().map(String::as_str).collect()
    );
}

#[tokio::test]
async fn a_first_commit_that_fails_rolls_the_second_back() {
    let (met, log) = meet_as(Does::FailsToCommit, Does::Well).await;

    assert_eq!(met.fates, [Fate::NotCommitted, Fate::NotCommitted]);
    assert_eq!(met.absent, Some((0, Absence::Said("refused"))));
    assert_eq!(log, ["first commit", "second roll back"]);
}

#[tokio::test]
async fn a_first_commit_without_an_answer_is_unknown_and_the_second_is_rolled_back() {
    for (does, absence) in [
        (Does::LosesTheAnswer, Absence::Said("cut")),
        (Does::PanicsInCommit, Absence::Left),
        (Does::HangsInCommit, Absence::Late),
    ] {
        let (met, _) = meet_as(does, Does::Well).await;

        assert_eq!(met.fates, [Fate::Unknown, Fate::NotCommitted]);
        assert_eq!(met.absent, Some((0, absence)));
    }
}

#[tokio::test]
async fn a_second_commit_that_fails_leaves_the_first_committed() {
    for (does, fate) in [
        (Does::FailsToCommit, Fate::NotCommitted),
        (Does::LosesTheAnswer, Fate::Unknown),
        (Does::HangsInCommit, Fate::Unknown),
    ] {
        let (met, _) = meet_as(Does::Well, does).await;

        assert_eq!(met.fates, [Fate::Committed, fate]);
        assert_eq!(met.absent.map(|(place, _)| place), Some(1));
    }
}

#[tokio::test]
async fn a_meeting_that_is_dropped_before_the_verdict_rolls_all_back() {
    let log = Log::default();
    let tasks = TaskTracker::new();
    let long = Duration::from_secs(600);

    let meeting = meet(
        &tasks,
        vec![
            side("first", Does::Well, &log),
            side("second", Does::HangsInPrepare, &log),
        ],
        Deadlines {
            ready: long,
            commit: long,
        },
    );
    let dropped = tokio::time::timeout(Duration::from_millis(20), meeting).await;

    assert!(dropped.is_err());
    while log.lock().unwrap().as_slice() != ["first roll back"] {
        tokio::task::yield_now().await;
    }
}
