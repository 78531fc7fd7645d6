//! Has a campaign recounted, page by page, and says what is different.

use std::collections::BTreeMap;
use std::fmt;

use runtime::{ExitCode, Process};
use serde::Deserialize;

use super::VerifyArguments;
use crate::api::{Api, Error};
use crate::output;
use crate::progress;
use crate::table::{count, plain};

/// Faults that are told in full; those beyond are counted.
const TOLD: usize = 100;

/// One page of a recount.
#[derive(Clone, Debug, Deserialize)]
struct Page {
    state: String,
    chunk_count: u64,
    chunks: u64,
    pushes: u64,
    grants: u64,
    differences: Vec<Difference>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Difference {
    kind: String,
    verdict: Verdict,
    chunk_no: Option<u64>,
    pushes: u64,
    push_ids: Vec<String>,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    NotYet,
    Fault,
}

/// What all pages so far came to.
#[derive(Clone, Debug, Default)]
struct Recount {
    state: String,
    chunks: u64,
    pushes: u64,
    grants: u64,
    faults: u64,
    /// The first of them.
    told: Vec<Difference>,
    /// How many there are of each kind, which will go by themselves.
    not_yet: BTreeMap<String, u64>,
}

/// Recounts it, with a bar on standard error.
pub(super) async fn run(api: &Api, process: &Process, arguments: VerifyArguments) -> Result<ExitCode, Error> {
    let path = format!("/campaigns/{}/verification", arguments.id);
    let bars = progress::Progress::on_stderr(process.clock.clone());
    let mut recount = Recount::default();
    let mut stage = None;
    let mut cursor: Option<String> = None;
    loop {
        let request = api.get(&path).query(&[("limit", arguments.chunks)]);
        let request = request.query(&[("cursor", &cursor)]);
        let document = api.document("the request for a recount", request).await?;
        let page: Page = document.read()?;
        if arguments.json {
            output::line(document.text());
        }
        let stage = stage.get_or_insert_with(|| bars.stage("verify", page.chunk_count));
        cursor.clone_from(&page.next_cursor);
        recount.add(page);
        stage.set(recount.chunks);
        if cursor.is_none() {
            break;
        }
    }
    if let Some(stage) = stage {
        stage.finish(recount.chunks);
    }
    if !arguments.json {
        output::line(&recount);
    }
    Ok(recount.exit_code())
}

impl Recount {
    fn add(&mut self, page: Page) {
        self.state = page.state;
        self.chunks += page.chunks;
        self.pushes += page.pushes;
        self.grants += page.grants;
        for difference in page.differences {
            match difference.verdict {
                Verdict::NotYet => *self.not_yet.entry(difference.kind).or_default() += 1,
                Verdict::Fault => {
                    self.faults += 1;
                    if self.told.len() < TOLD {
                        self.told.push(difference);
                    }
                }
            }
        }
    }

    fn exit_code(&self) -> ExitCode {
        match (self.faults, self.not_yet.is_empty()) {
            (0, true) => ExitCode::Done,
            (0, false) => ExitCode::TryAgain,
            (_, _) => ExitCode::Fault,
        }
    }
}

impl fmt::Display for Recount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.told {
            writeln!(f, "{difference}")?;
        }
        let untold = self.faults - self.told.len() as u64;
        if untold > 0 {
            writeln!(f, "and {} more", count(untold))?;
        }
        for (kind, times) in &self.not_yet {
            writeln!(
                f,
                "not yet: {} in {} chunks",
                kind.replace('_', " "),
                count(*times)
            )?;
        }
        write!(
            f,
            "It is {}: {} chunks with {} pushes and {} grants were recounted. ",
            self.state,
            count(self.chunks),
            count(self.pushes),
            count(self.grants)
        )?;
        match (self.faults, self.not_yet.is_empty()) {
            (0, true) => f.write_str("Everything agrees with the audience."),
            (0, false) => f.write_str("Nothing is wrong, but it is not all there yet."),
            (1, _) => f.write_str("1 difference is a fault."),
            (faults, _) => write!(f, "{} differences are faults.", count(faults)),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(no) = self.chunk_no {
            write!(f, "chunk {no}: ")?;
        }
        write!(f, "{}", plain(&self.detail))?;
        if !self.push_ids.is_empty() {
            write!(f, ": {}", self.push_ids.join(", "))?;
        }
        if self.pushes > self.push_ids.len() as u64 {
            f.write_str(", …")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(differences: serde_json::Value) -> Page {
        serde_json::from_value(serde_json::json!({
            "state": "running", "chunk_count": 2, "first_chunk": 0, "chunks": 1, "pushes": 499, "grants": 0,
            "differences": differences, "next_cursor": null,
        }))
        .unwrap()
    }

    fn difference(verdict: &str) -> serde_json::Value {
        serde_json::json!({
            "kind": "push_missing", "verdict": verdict, "chunk_no": 7, "pushes": 11, "push_ids": ["a", "b"],
            "detail": "11 recipients have no push",
        })
    }

    #[test]
    fn how_it_ends_is_decided_by_the_worst_difference() {
        let mut recount = Recount::default();

        recount.add(page(serde_json::json!([])));
        let clean = recount.exit_code();
        recount.add(page(serde_json::json!([difference("not_yet")])));
        let unfinished = recount.exit_code();
        recount.add(page(serde_json::json!([difference("fault")])));
        let faulty = recount.exit_code();

        assert_eq!(
            [clean, unfinished, faulty],
            [ExitCode::Done, ExitCode::TryAgain, ExitCode::Fault]
        );
        let text = recount.to_string();
        assert!(
            text.contains("chunk 7: 11 recipients have no push: a, b, …"),
            "{text}"
        );
        assert!(text.contains("not yet: push missing in 1 chunks"), "{text}");
    }

    #[test]
    fn of_many_faults_the_first_are_told_and_the_others_counted() {
        let faults: Vec<_> = (0..120).map(|_| difference("fault")).collect();
        let mut recount = Recount::default();

        recount.add(page(faults.into()));

        assert_eq!((recount.told.len(), recount.faults), (TOLD, 120));
        assert!(recount.to_string().contains("and 20 more"));
    }
}
