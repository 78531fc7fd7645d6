//! Those who wait for a stream, in the order in which they get one: no I/O, no waiting.
//!
//! All stand in one line, in which only one of the bulk lane is at a time; the others of the bulk
//! lane stand in a line of their own behind it.

use std::collections::VecDeque;

use campaign::Lane;
use tokio::sync::oneshot;

use super::slot::Slot;

/// One who waits. May have left.
pub(super) type Waiting = oneshot::Sender<Slot>;

/// The line.
#[derive(Debug, Default)]
pub(super) struct Line {
    first: VecDeque<(Lane, Waiting)>,
    /// Of the bulk lane, behind the one of them that is among the first.
    bulk: VecDeque<Waiting>,
    /// Whether one of the bulk lane is among the first.
    has_bulk: bool,
}

impl Line {
    /// Joins the line. Nothing comes if the line is given up.
    pub(super) fn join(&mut self, lane: Lane) -> oneshot::Receiver<Slot> {
        let (waiting, slot) = oneshot::channel();
        match lane {
            Lane::Bulk if self.has_bulk => self.bulk.push_back(waiting),
            Lane::Bulk | Lane::Fast => self.push(lane, waiting),
        }
        slot
    }

    /// Who is next, and leaves the line.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        while let Some((lane, waiting)) = self.first.pop_front() {
            if lane == Lane::Bulk {
                self.has_bulk = false;
                if let Some(next) = self.bulk.pop_front() {
                    self.push(Lane::Bulk, next);
                }
            }
            if !waiting.is_closed() {
                return Some(waiting);
            }
        }
        None
    }

    /// Sends all of them away, without a stream.
    pub(super) fn give_up(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// How many there are, with those who have left unseen.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.bulk.len()
    }

    fn push(&mut self, lane: Lane, waiting: Waiting) {
        self.has_bulk |= lane == Lane::Bulk;
        self.first.push_back((lane, waiting));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    /// Those who wait, by name, in the order in which they are next.
    fn order(mut line: Line, mut waiting: Vec<(&str, oneshot::Receiver<Slot>)>) -> Vec<&str> {
        let mut order = Vec::new();
        while let Some(next) = line.next() {
            // Sends it away, by which it is known.
            drop(next);
            let sent_away =
                |slot: &mut oneshot::Receiver<Slot>| matches!(slot.try_recv(), Err(TryRecvError::Closed));
            let at = waiting.iter_mut().position(|(_, slot)| sent_away(slot));
            order.push(waiting.remove(at.unwrap()).0);
        }
        order
    }

    #[test]
    fn only_one_of_the_bulk_lane_is_ahead_of_the_fast_lane() {
        let mut line = Line::default();
        let waiting = [
            ("bulk 1", Lane::Bulk),
            ("bulk 2", Lane::Bulk),
            ("bulk 3", Lane::Bulk),
            ("fast 1", Lane::Fast),
            ("fast 2", Lane::Fast),
        ];
        let waiting = waiting.map(|(name, lane)| (name, line.join(lane)));

        let order = order(line, waiting.into());

        assert_eq!(order, ["bulk 1", "fast 1", "fast 2", "bulk 2", "bulk 3"]);
    }

    #[test]
    fn whoever_has_left_is_passed_over() {
        let mut line = Line::default();
        drop(line.join(Lane::Bulk));
        let waiting = [("bulk", Lane::Bulk), ("fast", Lane::Fast)];
        let waiting = waiting.map(|(name, lane)| (name, line.join(lane)));
        drop(line.join(Lane::Fast));

        let order = order(line, waiting.into());

        assert_eq!(order, ["fast", "bulk"]);
    }
}
