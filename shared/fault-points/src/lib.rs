//! Named places in the program at which a proof can make it fail.
//!
//! [`reach!`] marks a place, [`bug!`] a decision that a seeded bug takes wrongly, and [`skewed!`]
//! the clock. Without the feature `faults` the macros expand to nothing, and nothing of this crate is in the program.
//! With it, the environment says at the start what is to happen where:
//!
//! * `NOROSHI_FAULTS=S9:kill,R1:hang@2`: at the first time that the point S9 is reached, and at
//!   the second of R1, once each. `kill` is SIGKILL to the process itself, `hang` waits, `error`
//!   takes the way of a failure that the place has;
//! * `NOROSHI_FAULT_HANG_MS=8000`: how long `hang` waits; 10 s if it is not set;
//! * `NOROSHI_FAULT_CLOCK_MS=-5000`: the program's clock is so far from the machine's;
//! * `NOROSHI_FAULT_LOG=FILE`: every point is written there, by its code, when it is first
//!   reached, and every fault, as `S9:kill` or `clock:-5000`, before it happens;
//! * `NOROSHI_BUGS=StockNotAsked`: the seeded bugs that the program has.
//!
//! A program with faults says so at its start by calling [`check`], which refuses what cannot
//! be understood: a proof with a misspelt fault would prove nothing.

mod bug;
#[cfg(feature = "faults")]
mod journal;
#[cfg(feature = "faults")]
mod plan;
mod point;
#[cfg(feature = "faults")]
mod reach;

pub use bug::Bug;
#[cfg(feature = "faults")]
pub use plan::{Action, Fault};
pub use point::{Point, Ways};
#[cfg(feature = "faults")]
pub use reach::{Injected, Reached, check, has, reach, skew_ms};

/// Marks a place: `reach!(BetweenCommits)`, where the process may be killed or hang, or
/// `reach!(SqlCommitAnswer, Verdict::Unknown(error))`, where it may also return that value as if
/// it had failed. In an async function.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! reach {
    ($point:ident) => {
        let _: $crate::Reached = $crate::reach($crate::Point::$point).await;
    };
    ($point:ident, $failure:expr) => {
        if $crate::reach($crate::Point::$point).await == $crate::Reached::Fails {
            return $failure;
        }
    };
}

/// Marks a place, in a program with faults; in this one, nothing.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! reach {
    ($point:ident $(, $failure:expr)?) => {};
}

/// Whether this program has the seeded bug: `if bug!(StockNotAsked) { … }`.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! bug {
    ($bug:ident) => {
        $crate::has($crate::Bug::$bug)
    };
}

/// Whether this program has the seeded bug: never, without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! bug {
    ($bug:ident) => {
        false
    };
}

/// The time by a clock that may be wrong: `skewed!(Utc::now())`. Wants `chrono` where it stands.
#[cfg(feature = "faults")]
#[macro_export]
macro_rules! skewed {
    ($now:expr) => {
        $now + chrono::TimeDelta::milliseconds($crate::skew_ms())
    };
}

/// The time, which a program with faults may have wrong; as it is, in this one.
#[cfg(not(feature = "faults"))]
#[macro_export]
macro_rules! skewed {
    ($now:expr) => {
        $now
    };
}
