//! Which connections a pool has, and which of them takes the next request: no I/O, no waiting.
//!
//! As long as somebody is in line, no connection has room: whatever makes room serves the line
//! first.

use std::sync::{Arc, Weak};

use campaign::Lane;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use super::growth::{Peak, further};
use super::line::{Line, Waiting};
use super::rounds::Rounds;
use super::slot::Slot;

/// So many connections are opened by need alone; with few, what an answer takes tells little.
const WITHOUT_ROUNDS: usize = 8;

/// The connections of a pool, and those who wait for them.
#[derive(Debug)]
pub(super) struct State {
    /// Those that take further requests.
    connections: Vec<Arc<Connection>>,
    line: Line,
    /// Connections at most.
    most: usize,
    /// Streams of each at most.
    streams: usize,
    /// Streams that are taken, also on those that take no further ones.
    taken: usize,
    /// How many connections are being opened.
    opening: usize,
    /// How many were opened so far.
    opened: u64,
    peak: Peak,
    rounds: Rounds,
    /// When the pool was made.
    made: Instant,
}

impl State {
    /// No connection yet, of at most `most` with at most `streams` each.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long answers take steers the number of connections and nothing else"
    )]
    pub(super) fn new(most: usize, streams: usize) -> Self {
        Self {
            connections: Vec::new(),
            line: Line::default(),
            most,
            streams,
            taken: 0,
            opening: 0,
            opened: 0,
            peak: Peak::default(),
            rounds: Rounds::default(),
            made: Instant::now(),
        }
    }

    /// Joins the line of those who wait. Nothing comes if the line is given up.
    pub(super) fn join(&mut self, lane: Lane) -> oneshot::Receiver<Slot> {
        self.line.join(lane)
    }

    /// Sends all away who wait.
    pub(super) fn give_up(&mut self) {
        self.line.give_up();
    }

    /// A connection on which a stream is taken, the least loaded; `None` if all are full, or others
    /// are in line.
    pub(super) fn take(&mut self) -> Option<Arc<Connection>> {
        if !self.line.is_empty() {
            return None;
        }
        let streams = self.streams;
        let with_room = self
            .connections
            .iter()
            .filter(|connection| connection.has_room(streams));
        let connection = with_room.min_by_key(|connection| connection.taken())?.clone();
        self.take_on(&connection);
        Some(connection)
    }

    /// Whoever is to get a stream of that connection, which is taken.
    pub(super) fn next(&mut self, connection: &Connection) -> Option<Waiting> {
        if !connection.has_room(self.streams) {
            return None;
        }
        let next = self.line.next()?;
        self.take_on(connection);
        Some(next)
    }

    fn take_on(&mut self, connection: &Connection) {
        connection.take(self.streams);
        self.taken += 1;
        self.peak.reach(self.taken);
    }

    /// Takes back a stream of a connection; whether it may be known now that further connections
    /// help.
    pub(super) fn give_back(&mut self, connection: &Connection) -> bool {
        connection.give_back();
        self.taken -= 1;
        if self.line.is_empty() {
            self.rounds.interrupt();
            return false;
        }
        let now = || self.made.elapsed();
        self.rounds.begin(now);
        // With the one that was just answered.
        self.rounds.answered(self.taken + 1, now)
    }

    /// How many connections are to be opened now, which are counted as being opened.
    pub(super) fn begin_to_open(&mut self) -> usize {
        // One that has not told yet how much it carries may carry all.
        let streams = self.streams;
        let untold = |connection: &Arc<Connection>| streams > 1 && connection.capacity(streams) <= 1;
        if self.connections.iter().any(untold) {
            return 0;
        }
        let open = self.connections.len();
        let most = if self.rounds.leave_room() {
            self.most
        } else {
            self.most.min(WITHOUT_ROUNDS)
        };
        let more = further(self.line.len(), streams, open, self.opening, most);
        self.opening += more;
        more
    }

    /// One was opened; how many were before it.
    pub(super) fn add(&mut self, connection: Arc<Connection>) -> u64 {
        self.connections.push(connection);
        self.rounds.widen();
        self.opening -= 1;
        self.opened += 1;
        self.opened - 1
    }

    /// One could not be opened, and is not tried any more.
    pub(super) fn end_to_open(&mut self) {
        self.opening -= 1;
    }

    /// Takes one out; what is on it goes on to its end.
    pub(super) fn retire(&mut self, connection: &Weak<Connection>) {
        self.connections.retain(|other| {
            let stays = !std::ptr::eq(Arc::as_ptr(other), connection.as_ptr());
            if !stays {
                other.retire();
            }
            stays
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.taken == 0
    }

    /// Whether one of the connections, which is looked at now, is one too many.
    pub(super) fn has_surplus(&mut self) -> bool {
        self.peak
            .leaves_surplus(self.connections.len(), self.streams, self.taken)
    }
}
