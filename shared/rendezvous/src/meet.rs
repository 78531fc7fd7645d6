//! Carries a meeting out: tasks, channels, deadlines.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::meeting::{Action, Event, Fate, Meeting};
use crate::participant::{Absence, Report, Seat, Side, Told};

/// How long a meeting waits.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For all to be ready, from the beginning.
    pub ready: Duration,
    /// For each commit to be answered; past it the commit is [`Fate::Unknown`].
    pub commit: Duration,
}

/// How a meeting ended.
#[derive(Debug)]
#[must_use]
pub struct Met<E> {
    /// How each transaction ended, in the order of the sides.
    pub fates: Vec<Fate>,
    /// The place of who first kept the others from committing, and why; `None` when all are
    /// committed.
    pub absent: Option<(usize, Absence<E>)>,
}

/// Runs every side to the rendezvous and commits them in their order.
///
/// Each side lives in a task of its own on `tasks`, which finishes its transaction whatever
/// becomes of this future: dropped before the verdict, all sides roll back; dropped during a
/// commit, that commit runs to its end and those after it roll back.
pub async fn meet<E: Send + 'static>(
    tasks: &TaskTracker,
    sides: Vec<Side<E>>,
    deadlines: Deadlines,
) -> Met<E> {
    let mut meeting = Meeting::new(sides.len());
    let mut absences = sides.iter().map(|_| None).collect::<Vec<_>>();
    let (mut reports, mut tellers) = seat(tasks, sides);
    let mut until = now() + deadlines.ready;
    loop {
        if let Some(fates) = meeting.fates() {
            let absence = |place: usize| (place, absences[place].take().unwrap_or(Absence::Late));
            return Met {
                fates,
                absent: meeting.blamed().map(absence),
            };
        }
        // Every seat reports that it is left before its sender is gone, so only time ends the wait.
        let Ok(Some((event, absence))) = timeout_at(until, reports.recv()).await else {
            act(meeting.on(Event::DeadlinePassed), &mut tellers);
            continue;
        };
        if let Some((place, absence)) = absence {
            absences[place].get_or_insert(absence);
        }
        let actions = meeting.on(event);
        if actions.iter().any(|action| matches!(action, Action::Commit(_))) {
            until = now() + deadlines.commit;
        }
        act(actions, &mut tellers);
    }
}

/// Starts every side in its own task; returns where they report and where each is told.
fn seat<E: Send + 'static>(
    tasks: &TaskTracker,
    sides: Vec<Side<E>>,
) -> (
    mpsc::UnboundedReceiver<Report<E>>,
    Vec<Option<oneshot::Sender<Told>>>,
) {
    let (reports, received) = mpsc::unbounded_channel();
    let mut tellers = Vec::with_capacity(sides.len());
    for (place, side) in sides.into_iter().enumerate() {
        let (teller, told) = oneshot::channel();
        tellers.push(Some(teller));
        tasks.spawn((side.0)(Seat {
            place,
            reports: reports.clone(),
            told,
        }));
    }
    (received, tellers)
}

fn act(actions: Vec<Action>, tellers: &mut [Option<oneshot::Sender<Told>>]) {
    for action in actions {
        let (place, told) = match action {
            Action::Commit(place) => (place, Told::Commit),
            Action::RollBack(place) => (place, Told::RollBack),
        };
        if let Some(teller) = tellers[place].take() {
            // One that is gone has reported so; the meeting hears of it in its turn.
            drop(teller.send(told));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline of tokio's timer, read by nobody else"
)]
fn now() -> Instant {
    Instant::now()
}
