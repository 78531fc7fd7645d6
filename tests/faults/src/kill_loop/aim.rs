//! When a loop has done enough, and how far it is.

use journeys::wire::Fired;
use noroshi::progress::Stage;
use runtime::clock::Moment;

use super::blows::Wanted;

/// How a loop is to go on, and where it shows how far it is.
#[derive(Debug)]
pub(super) struct Aim<'a> {
    pub(super) wanted: Wanted,
    pub(super) faults: u64,
    pub(super) until: Moment,
    pub(super) pushes: Stage<'a>,
    pub(super) kills: Stage<'a>,
    pub(super) all: Stage<'a>,
}

impl Aim<'_> {
    /// Whether everything that is wanted has happened.
    pub(super) fn is_reached(&self, fired: &Fired, now: Moment) -> bool {
        let Wanted {
            kills,
            freezes,
            sql_kills,
            slips: _,
        } = self.wanted;
        now >= self.until
            && fired.of("kill") >= kills
            && fired.of("freeze") >= freezes
            && fired.of("sql_kill") >= sql_kills
            && fired.total() >= self.faults
    }
}
