//! How soon small campaigns were delivered, for people and for programs.

use std::fmt;

use journeys::cluster::Delivered;
use noroshi::table::{Table, count};
use serde::Serialize;

use crate::figures::{Spread, hundredths, show, whole};

/// The whole outcome; its serialised form is what `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) users: u64,
    pub(super) small: u64,
    pub(super) processes: u64,
    pub(super) sql: &'static str,
    pub(super) gateway_milliseconds: u64,
    /// Of the large campaign, from its start to its cancel.
    pub(super) large_per_second: f64,
    /// From the request to cancel the large campaign to its answer.
    pub(super) cancelled_after_seconds: f64,
    /// The machine's, before and after.
    pub(super) load: [f64; 2],
    pub(super) stages: Vec<Stage>,
}

/// Small campaigns in one situation.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Stage {
    name: &'static str,
    campaigns: usize,
    /// From the request to start it until the gateway took its last message.
    seconds: Option<Spread>,
    /// Messages of the large one that the gateway took meanwhile.
    others: Option<Spread>,
    /// The medians: so many times what it takes alone.
    times_alone: Option<f64>,
}

impl Stage {
    /// All situations.
    pub(super) fn all(alone: &[Delivered], expanding: &[Delivered], delivering: &[Delivered]) -> Vec<Self> {
        let stages = [
            ("alone", alone),
            ("while the large one is expanded", expanding),
            ("while it is delivered", delivering),
        ];
        let mut stages = stages.map(|(name, delivered)| Self::of(name, delivered)).to_vec();
        let alone = stages[0].seconds.map(|seconds| seconds.median);
        for stage in &mut stages {
            stage.times_alone = stage
                .seconds
                .zip(alone)
                .map(|(seconds, alone)| seconds.median / alone);
        }
        stages
    }

    fn of(name: &'static str, delivered: &[Delivered]) -> Self {
        let of = |figure: &dyn Fn(&Delivered) -> f64| {
            Spread::of(&delivered.iter().map(figure).collect::<Vec<_>>())
        };
        Self {
            name,
            campaigns: delivered.len(),
            seconds: of(&|delivered| delivered.took.as_secs_f64()),
            others: of(&|delivered| delivered.others as f64),
            times_alone: None,
        }
    }
}

impl fmt::Display for Report {
    /// The table, without a line end after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "campaigns to {} beside one to {}, {} processes on {}, {} ms a message; median (least–most)",
            count(self.small),
            count(self.users),
            self.processes,
            self.sql,
            self.gateway_milliseconds
        )?;
        writeln!(
            f,
            "load of the machine {:.1} before, {:.1} after\n",
            self.load[0], self.load[1]
        )?;
        let mut table = Table::new();
        table.row([
            &"",
            &"campaigns",
            &"seconds",
            &"times alone",
            &"messages of the large one meanwhile",
        ]);
        for stage in &self.stages {
            table.row([
                &stage.name,
                &stage.campaigns,
                &show(stage.seconds, hundredths),
                &stage.times_alone.map_or_else(|| "–".to_owned(), hundredths),
                &show(stage.others, whole),
            ]);
        }
        write!(
            f,
            "{table}\n\nthe large one: {} messages a second; its cancel was answered after {:.2} s",
            whole(self.large_per_second),
            self.cancelled_after_seconds
        )
    }
}
