//! How far a campaign is, once or until it has ended.

use std::fmt;
use std::io::{self, IsTerminal};
use std::time::Duration;

use chrono::{DateTime, Utc};
use runtime::{ExitCode, Process};
use serde::Deserialize;

use super::OneArguments;
use crate::api::{Api, Document, Error};
use crate::output;
use crate::table::{Table, bar, count, instant, plain, span};

/// Between two questions.
const POLL: Duration = Duration::from_secs(1);

/// How far a campaign is. What the API tells besides is not looked at.
#[derive(Clone, Debug, Deserialize)]
struct Progress {
    state: String,
    reason: Option<String>,
    audience_size: u64,
    chunk_count: u64,
    expanded: u64,
    expanded_chunks: u64,
    tally: PushCounts,
    reasons: Vec<ReasonCount>,
    grants: u64,
    open_intents: u64,
    inconsistencies: Inconsistencies,
    pace: Option<Pace>,
    eta: Option<DateTime<Utc>>,
    canary: Option<Canary>,
    missing: Vec<String>,
    unsettled_chunks: Vec<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct PushCounts {
    pending: u64,
    granted: u64,
    sent: u64,
    failed: u64,
    skipped: u64,
    cancelled: u64,
    expired: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct ReasonCount {
    state: String,
    reason: String,
    pushes: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Inconsistencies {
    open: u64,
    repaired: u64,
    dead: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Pace {
    expanded_per_second: u64,
    settled_per_second: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Canary {
    state: String,
    percent: f64,
    chunks: u64,
    sent: u64,
    failed: u64,
    max_failure_rate: f64,
    min_sent: u64,
}

/// Prints it; where it is watched, again and again.
pub(super) async fn run(
    api: &Api,
    process: &Process,
    one: OneArguments,
    watch: bool,
) -> Result<ExitCode, Error> {
    let path = format!("/campaigns/{}/progress", one.id);
    let mut screen = Screen::default();
    loop {
        let document = api
            .document("the question for the progress", api.get(&path))
            .await?;
        let progress: Progress = document.read()?;
        let is_over = !watch || progress.is_over();
        if one.json {
            screen.put_json(&document);
        } else {
            let view = View {
                progress: &progress,
                now: process.clock.now(),
            };
            screen.put(&view.to_string(), is_over);
        }
        if is_over {
            return Ok(ExitCode::Done);
        }
        process.clock.sleep(POLL).await;
    }
}

/// What was printed last.
#[derive(Debug, Default)]
struct Screen {
    last: String,
}

impl Screen {
    /// Puts the text in the place of the last one. What is not a terminal gets the last text only.
    fn put(&mut self, text: &str, is_last: bool) {
        if io::stdout().is_terminal() {
            let lines = self.last.lines().count();
            if lines > 0 {
                // Up to its first line, and everything below is cleared.
                output::text(&format!("\u{1b}[{lines}A\u{1b}[J"));
            }
            output::line(text);
            text.clone_into(&mut self.last);
        } else if is_last {
            output::line(text);
        }
    }

    /// Prints the document, unless it is the last one again.
    fn put_json(&mut self, document: &Document) {
        if document.text() != self.last {
            output::line(document.text());
            document.text().clone_into(&mut self.last);
        }
    }
}

impl Progress {
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "finished" | "cancelled" | "failed")
    }

    fn settled(&self) -> u64 {
        let PushCounts {
            sent,
            failed,
            skipped,
            cancelled,
            expired,
            ..
        } = self.tally;
        sent + failed + skipped + cancelled + expired
    }
}

/// A progress at a moment.
struct View<'a> {
    progress: &'a Progress,
    now: DateTime<Utc>,
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.progress;
        write!(f, "It is {}", progress.state)?;
        if let Some(reason) = &progress.reason {
            write!(f, ": {}", plain(reason))?;
        }
        if let Some(eta) = progress.eta {
            let left = (eta - self.now).to_std().unwrap_or_default();
            write!(
                f,
                ", and will be done in {}, at {} UTC",
                span(left.as_secs()),
                instant(eta)
            )?;
        }
        writeln!(f, ".")?;
        if let Some(canary) = &progress.canary {
            writeln!(f, "{}", self.canary(canary))?;
        }
        writeln!(f, "\n{}", self.bars())?;
        writeln!(f, "\n{}", self.counts())?;
        if !progress.missing.is_empty() {
            writeln!(f, "\nWhat keeps it from being finished:")?;
        }
        for missing in &progress.missing {
            writeln!(f, "  {}", plain(missing))?;
        }
        if !progress.unsettled_chunks.is_empty() {
            writeln!(
                f,
                "  chunks that are not closed: {}",
                ranges(&progress.unsettled_chunks)
            )?;
        }
        write!(f, "\n{}", self.inconsistencies())
    }
}

impl View<'_> {
    fn bars(&self) -> Table {
        let progress = self.progress;
        let mut table = Table::new();
        let rate = |rate: fn(&Pace) -> u64| {
            let rate = progress.pace.as_ref().map(rate);
            rate.map_or(String::new(), |rate| format!("{}/s", count(rate)))
        };
        for (what, done, rate) in [
            (
                "expanded",
                progress.expanded,
                rate(|pace| pace.expanded_per_second),
            ),
            (
                "settled",
                progress.settled(),
                rate(|pace| pace.settled_per_second),
            ),
        ] {
            let of = progress.audience_size;
            table.row([
                &what,
                &bar(done, of),
                &count(done),
                &format!("of {}", count(of)),
                &rate,
            ]);
        }
        table
    }

    fn canary(&self, canary: &Canary) -> String {
        let tried = canary.sent + canary.failed;
        let failed = match tried {
            0 => 0.0,
            tried => canary.failed as f64 / tried as f64,
        };
        let mut line = format!(
            "Its canary, {} of {} chunks ({} %), is {}: {} sent, {} failed, {:.1} % of the {:.1} % that may",
            count(canary.chunks),
            count(self.progress.chunk_count),
            canary.percent,
            canary.state,
            count(canary.sent),
            count(canary.failed),
            failed * 100.0,
            canary.max_failure_rate * 100.0
        );
        if tried < canary.min_sent {
            line += &format!("; {} tell", count(canary.min_sent));
        }
        line + "."
    }

    fn counts(&self) -> Table {
        let progress = self.progress;
        let mut table = Table::new();
        let chunks = format!("of {}", count(progress.chunk_count));
        table.row([&"chunks", &count(progress.expanded_chunks), &chunks]);
        table.row([&"pending", &count(progress.tally.pending)]);
        table.row([&"granted", &count(progress.tally.granted)]);
        for ReasonCount {
            state,
            reason,
            pushes,
        } in &progress.reasons
        {
            table.row([state, &count(*pushes), &plain(reason)]);
        }
        table.row([&"coupons", &count(progress.grants)]);
        table
    }

    fn inconsistencies(&self) -> String {
        let Inconsistencies { open, repaired, dead } = self.progress.inconsistencies;
        format!(
            "{} intents are open; inconsistencies: {open} open, {dead} dead, {repaired} repaired.",
            self.progress.open_intents
        )
    }
}

/// Numbers with their runs joined: `1–3, 7`.
fn ranges(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            Some(_) | None => runs.push((*number, *number)),
        }
    }
    let run = |(first, last): &(u64, u64)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}–{last}")
        }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A campaign of 1,000 whose first chunk is delivered, as the API tells of it and more.
    const RUNNING: &str = r#"{
        "state": "running", "reason": null, "audience_size": 1000, "chunk_count": 3, "expanded": 500,
        "expanded_chunks": 2, "grants": 0, "open_intents": 0,
        "tally": {"pending": 250, "granted": 0, "sent": 240, "failed": 0, "skipped": 10, "cancelled": 0, "expired": 0},
        "reasons": [{"state": "sent", "reason": "accepted", "pushes": 240}],
        "inconsistencies": {"open": 0, "repaired": 0, "dead": 0}, "something_new": {},
        "pace": {"expanded_per_second": 1500, "settled_per_second": 20, "seconds": 31},
        "eta": "2026-07-01T13:12:20Z", "missing": ["500 of 1000 recipients are not expanded"],
        "unsettled_chunks": [1, 2, 3, 7]
    }"#;

    #[test]
    fn it_says_how_far_how_fast_until_when_and_what_is_missing() {
        let progress: Progress = serde_json::from_str(RUNNING).unwrap();

        let text = View {
            progress: &progress,
            now: "2026-07-01T12:00:00Z".parse().unwrap(),
        }
        .to_string();

        assert!(
            text.starts_with("It is running, and will be done in 1 h 12 min, at"),
            "{text}"
        );
        assert!(
            text.contains("500  of 1,000  1,500/s") && text.contains("250  of 1,000     20/s"),
            "{text}"
        );
        assert!(text.contains("500 of 1000 recipients are not expanded"), "{text}");
        assert!(text.contains("not closed: 1–3, 7"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn it_says_how_the_canary_is_and_why_it_paused_the_campaign() {
        let mut progress: Progress = serde_json::from_str(RUNNING).unwrap();
        let canary = |state: &str, sent, failed| Canary {
            state: state.to_owned(),
            percent: 1.0,
            chunks: 1,
            sent,
            failed,
            max_failure_rate: 0.05,
            min_sent: 200,
        };
        let text = |progress: &Progress| {
            let now = "2026-07-01T12:00:00Z".parse().unwrap();
            View { progress, now }.to_string()
        };

        progress.canary = Some(canary("open", 90, 10));
        let early = text(&progress);
        progress.canary = Some(canary("failed", 1_880, 120));
        progress.state = "paused".to_owned();
        progress.eta = None;
        progress.reason =
            Some("its canary failed: 120 of 2000 pushes, 6.0 % of the 5.0 % that may".to_owned());
        let paused = text(&progress);

        let line = "Its canary, 1 of 3 chunks (1 %), is open: 90 sent, 10 failed, 10.0 % of the 5.0 % that may; 200 tell.";
        assert_eq!(early.lines().nth(1), Some(line));
        let line = "Its canary, 1 of 3 chunks (1 %), is failed: 1,880 sent, 120 failed, 6.0 % of the 5.0 % that may.";
        assert_eq!(paused.lines().nth(1), Some(line));
        assert!(
            paused.starts_with("It is paused: its canary failed: 120 of 2000"),
            "{paused}"
        );
    }
}
