//! What a campaign takes, as people read it.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use crate::table::{Table, count, instant, plain, span};

/// What a campaign takes, and when it will be done.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Outlook {
    state: String,
    recipients: u64,
    chunks: u64,
    tasks: u64,
    costs: Vec<StepCost>,
    fan_out: FanOut,
    delivery: Delivery,
    times: Vec<Time>,
    warnings: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct StepCost {
    step: String,
    entity_reads: u64,
    entity_writes: u64,
    entity_deletes: u64,
    commits: u64,
    sql_rows: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct FanOut {
    left: u64,
    begins_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    seconds: u64,
    pushes_per_second: u64,
    source: String,
    in_flight: u64,
    ramp: Option<Ramp>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ramp {
    elapsed_seconds: u64,
    writes_per_second: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Delivery {
    left: u64,
    begins_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    seconds: u64,
    pushes_per_second: u64,
    source: String,
    concurrency: u64,
    bounds: Vec<Bound>,
}

#[derive(Clone, Debug, Deserialize)]
struct Bound {
    of: String,
    per_second: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Time {
    time_zone: Option<String>,
    recipients: u64,
    due_at: Option<DateTime<Utc>>,
    local_time: Option<NaiveDateTime>,
    ends_at: Option<DateTime<Utc>>,
    late: u64,
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "It is {}: {} recipients in {} chunks, {} tasks at least.\n",
            self.state,
            count(self.recipients),
            count(self.chunks),
            count(self.tasks)
        )?;
        writeln!(f, "{}\n", self.duration())?;
        self.rates(f)?;
        writeln!(f, "\n{}", self.cost())?;
        write!(
            f,
            "\nNothing is counted for what has to be done twice, nor for looking."
        )?;
        if self.times.iter().any(|time| time.time_zone.is_some()) {
            write!(f, "\n\n{}", self.due())?;
        }
        for warning in &self.warnings {
            write!(f, "\n\nWarning: {}.", plain(warning))?;
        }
        Ok(())
    }
}

impl Outlook {
    /// From when until when.
    fn duration(&self) -> Table {
        let mut table = Table::with_header(["", "LEFT", "BEGINS (UTC)", "ENDS (UTC)", "TAKES"]);
        let told = |at: Option<DateTime<Utc>>| at.map_or("nothing is left".to_owned(), instant);
        let FanOut {
            left,
            begins_at,
            ends_at,
            seconds,
            ..
        } = &self.fan_out;
        table.row([
            &"fan-out",
            &count(*left),
            &instant(*begins_at),
            &told(*ends_at),
            &span(*seconds),
        ]);
        let Delivery {
            left,
            begins_at,
            ends_at,
            seconds,
            ..
        } = &self.delivery;
        table.row([
            &"delivery",
            &count(*left),
            &told(*begins_at),
            &told(*ends_at),
            &span(*seconds),
        ]);
        table
    }

    /// At what rates, and why.
    fn rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FanOut {
            pushes_per_second,
            source,
            in_flight,
            ramp,
            ..
        } = &self.fan_out;
        write!(
            f,
            "fan-out at {} a second, {}; {in_flight} commits of one process at once",
            count(*pushes_per_second),
            because(source)
        )?;
        match ramp {
            Some(Ramp {
                elapsed_seconds,
                writes_per_second,
            }) => writeln!(
                f,
                ",\n  but the store is cold: {} writes a second now, {} into its ramp",
                count(*writes_per_second),
                span(*elapsed_seconds)
            )?,
            None => writeln!(f)?,
        }
        let Delivery {
            pushes_per_second,
            source,
            concurrency,
            bounds,
            ..
        } = &self.delivery;
        writeln!(
            f,
            "delivery at {} a second, {}; {concurrency} chunks of one sender at once",
            count(*pushes_per_second),
            because(source)
        )?;
        for Bound { of, per_second } in bounds {
            writeln!(
                f,
                "  at most {} a second by {}",
                count(*per_second),
                plain(limit(of))
            )?;
        }
        Ok(())
    }

    /// What it costs, step by step.
    fn cost(&self) -> Table {
        let mut table = Table::with_header(["", "READS", "WRITES", "DELETES", "COMMITS", "SQL ROWS"]);
        for cost in &self.costs {
            table.row([
                &cost.step.replace('_', "-"),
                &count(cost.entity_reads),
                &count(cost.entity_writes),
                &count(cost.entity_deletes),
                &count(cost.commits),
                &count(cost.sql_rows),
            ]);
        }
        table
    }

    /// Who is due when.
    fn due(&self) -> Table {
        let header = [
            "TIME ZONE",
            "RECIPIENTS",
            "DUE (UTC)",
            "BY THEIR CLOCKS",
            "SERVED (UTC)",
            "LATE",
        ];
        let mut table = Table::with_header(header);
        for time in &self.times {
            table.row([
                &time.time_zone.as_deref().unwrap_or_default(),
                &count(time.recipients),
                &time.due_at.map_or("skipped: it is past".to_owned(), instant),
                &time
                    .local_time
                    .map_or(String::new(), |time| instant(time.and_utc())),
                &time.ends_at.map_or(String::new(), instant),
                &count(time.late),
            ]);
        }
        table
    }
}

/// Where a rate comes from, in words.
fn because(source: &str) -> &str {
    match source {
        "now" => "as it goes now",
        "lately" => "the most that was seen in the last 24 hours",
        "assumed" => "assumed: nothing was measured yet",
        other => other,
    }
}

/// Whose limit it is, in words.
fn limit(of: &str) -> &str {
    match of {
        "streams" => "one process's connections to the gateway",
        "queue" => "the task queue",
        "quota" => "the gateway's quota",
        "max_per_second" => "its own max_per_second",
        other => other,
    }
}
