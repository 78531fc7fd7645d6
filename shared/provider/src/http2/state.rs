//! Which connections a pool has, and which of them takes the next request: no I/O, no waiting.

use std::sync::{Arc, Weak};

use super::connection::Connection;

/// The connections of a pool.
#[derive(Debug, Default)]
pub(super) struct State {
    connections: Vec<Arc<Connection>>,
    /// Whether one is being opened.
    pub(super) is_opening: bool,
    /// How many could not be opened so far.
    pub(super) failures: u64,
    /// The most streams that were taken at once, since somebody looked.
    busiest: usize,
    /// How many were opened so far.
    pub(super) opened: u64,
}

/// What somebody who wants a stream has to do.
#[derive(Debug)]
pub(super) enum Next {
    /// Send on this one, on which a stream is taken.
    Send(Arc<Connection>),
    /// Wait, and open one more meanwhile.
    Open,
    /// Wait for a stream, or for the one that is being opened.
    Wait,
    /// Give up: there is none, and one that was opened meanwhile failed.
    GiveUp,
}

impl State {
    /// What somebody has to do who came when `failures` had failed, in a pool of at most `most`
    /// connections with at most `streams` each.
    pub(super) fn next(&mut self, failures: u64, most: usize, streams: usize) -> Next {
        let with_room = self
            .connections
            .iter()
            .filter(|connection| connection.taken() < connection.capacity(streams));
        if let Some(connection) = with_room.min_by_key(|connection| connection.taken()) {
            connection.take();
            let connection = connection.clone();
            self.busiest = self.busiest.max(self.taken());
            return Next::Send(connection);
        }
        // One that has not told yet how much it carries may carry all.
        let untold = |connection: &Arc<Connection>| streams > 1 && connection.capacity(streams) <= 1;
        if self.is_opening || self.connections.iter().any(untold) {
            Next::Wait
        } else if self.connections.is_empty() && self.failures > failures {
            Next::GiveUp
        } else if self.connections.len() < most {
            self.is_opening = true;
            Next::Open
        } else {
            Next::Wait
        }
    }

    pub(super) fn add(&mut self, connection: Arc<Connection>) {
        self.opened += 1;
        self.connections.push(connection);
    }

    /// Takes one out; what is on it goes on to its end.
    pub(super) fn retire(&mut self, connection: &Weak<Connection>) {
        self.connections
            .retain(|other| !std::ptr::eq(Arc::as_ptr(other), connection.as_ptr()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.taken() == 0
    }

    /// Whether what was wanted since the last look would have fitted easily on one connection
    /// less.
    pub(super) fn has_surplus(&mut self, streams: usize) -> bool {
        let fewer = self.connections.len().saturating_sub(1) * streams;
        let surplus = self.busiest < fewer / 4 * 3;
        self.busiest = self.taken();
        surplus
    }

    fn taken(&self) -> usize {
        self.connections.iter().map(|connection| connection.taken()).sum()
    }
}
