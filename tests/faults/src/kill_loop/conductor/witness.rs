//! What is seen of the processes and their wires, and which of it may double a message.

use fault_points::Point;
use journeys::wire::Fault;
use runtime::clock::Moment;

use super::{Conductor, Mood};
use crate::kill_loop::member::Seen;
use crate::kill_loop::slip::Slip;
use crate::kill_loop::wires::Struck;

/// Points at which a process holds results that are not settled.
const HOLDS_RESULTS: [&str; 2] = [Point::Accepted.code(), Point::PartSettled.code()];

impl Conductor {
    /// Lets a process go on with its life, and takes down what has happened to it.
    pub(super) async fn look_at(&mut self, no: usize, now: Moment) {
        let (blows, mood) = (&mut self.blows, self.mood);
        let next_life = || match mood {
            Mood::Striking => blows.next_life(),
            Mood::Mending => Vec::new(),
        };
        for seen in self.members[no].tick(&self.program, now, next_life).await {
            match seen {
                Seen::Fault(fault) => self.came_to(no, &fault),
                Seen::Ended(status) => self.complaints.push(format!("process {no} ended: {status}")),
            }
        }
        for struck in self.ground.wires[no].look(now) {
            self.slipped(no, struck);
        }
    }

    /// Something has struck on a wire of a process since the last look.
    fn slipped(&mut self, no: usize, struck: Struck) {
        let (Slip::Gateway(fault), Some(push)) = (struck.slip, struck.push) else {
            return;
        };
        match fault {
            Fault::DropReply | Fault::Twice => self.strikes.unanswered(push),
            Fault::Late(_) => {
                self.strikes.unanswered(push);
                self.strikes.held_up(push);
            }
            Fault::Slow(_) => self.strikes.held_up(push),
            // Everything that is under way on the connection.
            Fault::Reset => self.strikes.process(no, self.looked_at, self.clock.now()),
            // The gateway never sees the message.
            Fault::DropRequest | Fault::Hang | Fault::Refuse(_) => {}
        }
    }

    /// A process has come to a fault at a point, `S9:kill`, since the last look.
    fn came_to(&mut self, no: usize, fault: &str) {
        let (point, action) = fault.split_once(':').unwrap_or((fault, ""));
        let now = self.clock.now();
        match action {
            "kill" => {
                self.struck.count("point_kill");
                self.strikes.process(no, self.looked_at, now);
            }
            "hang" => {
                self.struck.count("point_hang");
                if HOLDS_RESULTS.contains(&point) {
                    self.strikes.process(no, self.looked_at, now);
                }
            }
            _ => self.struck.count("point_error"),
        }
    }
}
