//! Deals blows, each when its time has come.

use runtime::clock::Moment;

use super::Conductor;
use crate::kill_loop::blows::Blow;

/// Slips in force on the wires of one process, at most: more would meet the same request.
const IN_FORCE: usize = 12;

impl Conductor {
    /// Deals a blow, if this is its time.
    pub(super) fn deal(&mut self, blow: &Blow, now: Moment) -> bool {
        match *blow {
            Blow::Kill { process, down } => {
                let Some(no) = self.at_work(process, now) else {
                    return false;
                };
                self.members[no].kill(now + down);
                self.struck.count("kill");
                self.strikes.process(no, self.clock.now(), self.clock.now());
            }
            Blow::Freeze { process, time } => {
                let Some(no) = self.at_work(process, now) else {
                    return false;
                };
                self.members[no].freeze(now + time);
                self.struck.count("freeze");
                self.strikes
                    .process(no, self.clock.now(), self.clock.now() + time);
            }
            Blow::KillSql { down } => {
                let Some(server) = self.ground.sql.own() else {
                    return true;
                };
                if self.sql_back_at.is_some() {
                    return false;
                }
                server.kill();
                self.sql_back_at = Some(now + down);
                self.struck.count("sql_kill");
            }
            Blow::Slip { process, slip } => {
                let wires = &mut self.ground.wires[process];
                if wires.in_force() >= IN_FORCE {
                    return false;
                }
                wires.inject(slip, now);
            }
        }
        true
    }

    /// That process, or else the next that has been at work for a while: a blow is to hurt.
    fn at_work(&self, process: usize, now: Moment) -> Option<usize> {
        let count = self.members.len();
        (process..process + count)
            .map(|no| no % count)
            .find(|no| self.members[*no].is_at_work(now))
    }
}
