//! A transaction that takes part in a rendezvous, and the task it lives in.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::{mpsc, oneshot};

use crate::meeting::{Event, Fate};

/// How a commit ended; `E` is the participant's error.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict<E> {
    /// The store acknowledged it.
    Committed,
    /// The store refused it: nothing of it holds.
    NotCommitted(E),
    /// No answer, or none that tells: it may hold, now or later.
    Unknown(E),
}

/// One transaction in one store.
///
/// Every call runs in the participant's own task, which nobody aborts: a commit that has begun
/// runs to its end even when the meeting has stopped waiting for it.
pub trait Participant<E>: Send + 'static {
    /// Begins the transaction and does all its work, short of the commit.
    fn prepare(&mut self) -> impl Future<Output = Result<(), E>> + Send;

    /// Commits what was prepared.
    fn commit(self) -> impl Future<Output = Verdict<E>> + Send;

    /// Undoes what `prepare` has begun, whether it came to its end or failed.
    fn roll_back(self) -> impl Future<Output = ()> + Send;
}

/// Why a participant's transaction is not known to be committed.
#[derive(Debug, PartialEq, Eq)]
pub enum Absence<E> {
    /// The store's or the participant's own word.
    Said(E),
    /// Its task is gone, by panic or abort.
    Left,
    /// It had not reported when its time was over.
    Late,
}

/// A participant ready to be met.
pub struct Side<E>(pub(crate) Box<dyn FnOnce(Seat<E>) -> Attendance + Send>);

pub(crate) type Attendance = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<E> Debug for Side<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side").finish_non_exhaustive()
    }
}

impl<E: Send + 'static> Side<E> {
    /// The side that `participant` takes.
    pub fn new(participant: impl Participant<E>) -> Self {
        Self(Box::new(move |seat| Box::pin(attend(participant, seat))))
    }
}

/// A participant's place at the meeting: where it reports and where it is told.
///
/// Dropping it reports that the participant has left, so a panic or an abort is noticed at once.
pub(crate) struct Seat<E> {
    pub(crate) place: usize,
    pub(crate) reports: mpsc::UnboundedSender<Report<E>>,
    pub(crate) told: oneshot::Receiver<Told>,
}

/// What has happened, and what kept a participant from committing if that is what happened.
pub(crate) type Report<E> = (Event, Option<(usize, Absence<E>)>);

/// What a participant is told at the rendezvous. Being told nothing, because the meeting is
/// gone, means the same as `RollBack`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Commit,
    RollBack,
}

impl<E> Seat<E> {
    fn report(&self, event: Event, absence: Option<Absence<E>>) {
        // A report that nobody receives is of no use to anybody: the meeting is over.
        drop(
            self.reports
                .send((event, absence.map(|absence| (self.place, absence)))),
        );
    }
}

impl<E> Drop for Seat<E> {
    fn drop(&mut self) {
        self.report(Event::Left(self.place), Some(Absence::Left));
    }
}

async fn attend<E>(mut participant: impl Participant<E>, mut seat: Seat<E>) {
    let place = seat.place;
    match participant.prepare().await {
        Ok(()) => seat.report(Event::Ready(place), None),
        Err(error) => {
            seat.report(Event::Failed(place), Some(Absence::Said(error)));
            return participant.roll_back().await;
        }
    }
    fault_points::reach!(SideBreaksOff, drop(seat));
    match (&mut seat.told).await {
        Ok(Told::Commit) => {
            let (fate, absence) = match participant.commit().await {
                Verdict::Committed => (Fate::Committed, None),
                Verdict::NotCommitted(error) => (Fate::NotCommitted, Some(Absence::Said(error))),
                Verdict::Unknown(error) => (Fate::Unknown, Some(Absence::Said(error))),
            };
            seat.report(Event::Ended(place, fate), absence);
        }
        Ok(Told::RollBack) | Err(_) => participant.roll_back().await,
    }
}
