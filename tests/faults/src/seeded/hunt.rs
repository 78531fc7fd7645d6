//! What came of a hunt for the bugs of the real program.

use std::fmt;
use std::time::Duration;

use fault_points::Bug;
use serde::Serialize;

use crate::case::Case;
use crate::play::Played;

/// How one case ended.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The case.
    pub case: String,
    /// The bug that the program had, if any.
    pub bug: Option<&'static str>,
    /// The first thing that is wrong, in the case's words; `None` if it found nothing.
    pub complaint: Option<String>,
    /// Whether it was the stage that broke down, which says nothing of the program.
    pub is_broken_down: bool,
    /// How long it took.
    pub seconds: f64,
}

/// What came of all.
#[derive(Clone, Debug, Serialize)]
pub struct Hunt {
    bugs: Vec<Caught>,
    /// The same cases without a bug.
    control: Vec<Found>,
}

/// Who caught one bug.
#[derive(Clone, Debug, Serialize)]
struct Caught {
    bug: &'static str,
    description: &'static str,
    is_found: bool,
    by: Vec<Found>,
}

impl Found {
    pub(super) fn of(case: &Case, played: &Played, took: Duration) -> Self {
        let first = played.complaints.iter().flat_map(|said| said.lines()).next();
        Self {
            case: case.name.clone(),
            bug: case.bugs.first().map(|bug| bug.name()),
            complaint: first.map(str::to_owned),
            is_broken_down: played.is_broken_down,
            seconds: took.as_secs_f64(),
        }
    }

    fn is_find(&self) -> bool {
        self.complaint.is_some() && !self.is_broken_down
    }
}

impl Hunt {
    pub(super) fn of(bugs: &[Bug], found: Vec<Found>) -> Self {
        let (control, with_a_bug): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.bug.is_none());
        let caught = |bug: &Bug| {
            let by = with_a_bug.iter().filter(|one| one.bug == Some(bug.name()));
            let by = by.cloned().collect::<Vec<_>>();
            Caught {
                bug: bug.name(),
                description: bug.description(),
                is_found: by.iter().any(Found::is_find),
                by,
            }
        };
        Self {
            bugs: bugs.iter().map(caught).collect(),
            control,
        }
    }

    /// Whether every bug is found, and nothing else.
    pub fn is_good(&self) -> bool {
        self.bugs.iter().all(|bug| bug.is_found) && self.control.iter().all(|one| one.complaint.is_none())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, seconds, .. } = self;
        let bug = self.bug.unwrap_or("no bug");
        match &self.complaint {
            Some(complaint) => write!(f, "{case} with {bug}, after {seconds:.1} s: {complaint}"),
            None => write!(f, "{case} with {bug}, after {seconds:.1} s: nothing is wrong"),
        }
    }
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Caught {
            bug, is_found, by, ..
        } in &self.bugs
        {
            writeln!(f, "{bug}: {}", if *is_found { "found" } else { "NOT FOUND" })?;
            for one in by {
                writeln!(f, "  {one}")?;
            }
        }
        for wrong in self.control.iter().filter(|one| one.complaint.is_some()) {
            writeln!(f, "WRONG: {wrong}")?;
        }
        let found = self.bugs.iter().filter(|bug| bug.is_found).count();
        write!(
            f,
            "{found} of {} bugs in the real program are found",
            self.bugs.len()
        )?;
        if !self.control.is_empty() {
            let good = self.control.iter().filter(|one| one.complaint.is_none()).count();
            let cases = self.control.len();
            write!(f, "; without a bug, {good} of the {cases} cases find nothing")?;
        }
        Ok(())
    }
}
