//! What the demo says at its end: a table for people, or one JSON object for programs.

use std::collections::BTreeMap;
use std::fmt;

use campaign::{PushState, Reason, Tally};
use serde::{Serialize, Serializer};

use super::verify::Truth;
use crate::progress::Pace;
use crate::table::{Table, bytes, count};

/// The outcome of a demo.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// Rows of the file that became nobody, by reason.
    pub(super) rejected: BTreeMap<String, u64>,
    /// What was found in the stores and in the ledger.
    pub(super) truth: Truth,
    /// Open or dead.
    pub(super) inconsistencies_open: u64,
    /// Each stage, in order.
    pub(super) stages: Vec<(&'static str, Pace)>,
    /// `None` where the system does not tell.
    pub(super) peak_rss_bytes: Option<u64>,
}

/// The object of `--json`.
#[derive(Serialize)]
struct Json<'a> {
    audience: u64,
    rejected_rows: u64,
    expanded: u64,
    sent: u64,
    failed: u64,
    skipped: u64,
    cancelled: u64,
    expired: u64,
    grants: u64,
    inconsistencies_open: u64,
    lost: u64,
    doubled: u64,
    #[serde(serialize_with = "paces")]
    stages: &'a [(&'static str, Pace)],
    peak_rss_bytes: Option<u64>,
}

/// Stages as an object, in their order.
fn paces<S: Serializer>(stages: &&[(&'static str, Pace)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Json {
        seconds: f64,
        per_second: f64,
    }
    serializer.collect_map(stages.iter().map(|(name, pace)| {
        let Pace {
            seconds, per_second, ..
        } = *pace;
        (name, Json { seconds, per_second })
    }))
}

impl Report {
    /// As one line of JSON.
    pub(super) fn json(&self) -> String {
        let pushes = &self.truth.pushes;
        let json = Json {
            audience: self.truth.audience,
            rejected_rows: self.rejected.values().sum(),
            expanded: pushes.total(),
            sent: pushes.count(PushState::Sent),
            failed: pushes.count(PushState::Failed),
            skipped: pushes.count(PushState::Skipped),
            cancelled: pushes.count(PushState::Cancelled),
            expired: pushes.count(PushState::Expired),
            grants: self.truth.grants,
            inconsistencies_open: self.inconsistencies_open,
            lost: self.truth.lost,
            doubled: self.truth.doubled,
            stages: &self.stages,
            peak_rss_bytes: self.peak_rss_bytes,
        };
        serde_json::to_string(&json).expect("numbers under fixed names are JSON")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Truth {
            audience,
            pushes,
            lost,
            doubled,
            grants,
            ..
        } = &self.truth;
        let rejected = self
            .rejected
            .iter()
            .map(|(reason, rows)| (reason.as_str(), *rows));
        let mut table = Table::new();
        table.row([&"audience", &count(*audience)]);
        let rows = count(self.rejected.values().sum());
        table.row([&"rejected rows", &rows, &breakdown(rejected)]);
        table.row([&"expanded", &count(pushes.total())]);
        for state in PushState::ALL.into_iter().filter(|state| state.is_final()) {
            let pushes = (count(pushes.count(state)), breakdown(reasons(pushes, state)));
            table.row([&state.as_str(), &pushes.0, &pushes.1]);
        }
        table.row([&"coupons granted", &count(*grants)]);
        table.row([&"inconsistencies", &count(self.inconsistencies_open)]);
        table.row([&"lost", &count(*lost)]);
        table.row([&"doubled", &count(*doubled)]);
        if let Some(peak) = self.peak_rss_bytes {
            table.row([&"peak memory", &bytes(peak)]);
        }
        let mut stages = Table::new();
        for (name, pace) in &self.stages {
            let rate = format!("{}/s", count(pace.per_second as u64));
            stages.row([name, &count(pace.items), &format!("{:.1} s", pace.seconds), &rate]);
        }
        write!(f, "{table}\n\n{stages}")
    }
}

/// Why pushes are in a state, where that is worth saying.
fn reasons(pushes: &Tally, state: PushState) -> impl Iterator<Item = (&'static str, u64)> {
    let of_state =
        move |(reason, _): &(&Reason, &u64)| reason.state() == state && **reason != Reason::Accepted;
    let of_state = pushes.settled.iter().filter(of_state);
    of_state.map(|(reason, pushes)| (reason.as_str(), *pushes))
}

/// `no_device 12, opted_out 3`
fn breakdown<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let counts = counts.map(|(reason, counted)| format!("{reason} {}", count(counted)));
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) mod tests {
    use campaign::Standing;

    use super::*;

    /// A demo of 20 rows that went well.
    pub(in crate::commands::demo) fn report() -> Report {
        let mut pushes = Tally::default();
        pushes.add(Standing::Settled(Reason::Accepted), 15);
        pushes.add(Standing::Settled(Reason::NoDevice), 2);
        pushes.add(Standing::Settled(Reason::OptedOut), 1);
        let pace = Pace {
            items: 18,
            seconds: 1.5,
            per_second: 12.0,
        };
        Report {
            rejected: BTreeMap::from([("duplicate".to_owned(), 2)]),
            truth: Truth {
                audience: 18,
                pushes,
                lost: 0,
                doubled: 0,
                grants: 18,
                granted: 18,
            },
            inconsistencies_open: 0,
            stages: vec![("import", pace), ("fan-out", pace)],
            peak_rss_bytes: Some(3 << 20),
        }
    }

    #[test]
    fn json_is_one_object_with_the_documented_names() {
        assert_eq!(
            report().json(),
            r#"{"audience":18,"rejected_rows":2,"expanded":18,"sent":15,"failed":0,"skipped":3,"cancelled":0,"#
                .to_owned()
                + r#""expired":0,"grants":18,"inconsistencies_open":0,"lost":0,"doubled":0,"#
                + r#""stages":{"import":{"seconds":1.5,"per_second":12.0},"#
                + r#""fan-out":{"seconds":1.5,"per_second":12.0}},"peak_rss_bytes":3145728}"#
        );
    }

    #[test]
    fn the_table_says_how_many_and_why() {
        assert_eq!(
            report().to_string(),
            "\
audience              18
rejected rows          2  duplicate 2
expanded              18
sent                  15
failed                 0
skipped                3  opted_out 1, no_device 2
cancelled              0
expired                0
coupons granted       18
inconsistencies        0
lost                   0
doubled                0
peak memory      3.0 MiB

import   18  1.5 s  12/s
fan-out  18  1.5 s  12/s"
        );
    }
}
