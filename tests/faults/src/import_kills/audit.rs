//! Whether every row was imported once: the audience against the file, and against one whose import
//! nobody disturbed.

use std::collections::HashMap;

use campaign::{AudienceId, ReportId};
use database::audience::{Audience, AudienceState};
use database::report::{self, ReportState};
use database::{audience_chunk, import_work, upload_part};
use serde::Serialize;

use super::stage::{Stage, is_accepted, user};

/// What became of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    state: String,
    /// Users of the file that are accepted.
    pub(super) users: u64,
    /// How many of them are in the audience exactly once.
    pub(super) once: u64,
    /// Recipients, whoever they are.
    recipients: u64,
    /// Over the chunks.
    digest: Option<[u8; 32]>,
    rejected: String,
    #[serde(skip)]
    report: Option<Vec<u8>>,
    /// Bytes of the report.
    pub(super) report_bytes: usize,
    /// Whether anything is left of the file, or between the steps.
    leftovers: bool,
}

impl Stage {
    /// Reads everything that the import of that file has left.
    pub(super) async fn outcome(&self, id: AudienceId, rows: u32) -> anyhow::Result<Outcome> {
        let Audience {
            state,
            progress,
            digest,
            ..
        } = self.audience(id).await?;
        let times = self.times(id).await?;
        let accepted = (0..rows).filter(|row| is_accepted(*row)).map(user);
        let (mut users, mut once) = (0, 0);
        for user in accepted {
            users += 1;
            once += u64::from(times.get(&user) == Some(&1));
        }
        let report = self.report(id).await?;
        let files = &self.backends.files;
        let leftovers = import_work::find(files, id).await?.is_some()
            || !upload_part::list(files, id, 0, 1).await?.is_empty();
        Ok(Outcome {
            state: state.as_str().to_owned(),
            users,
            once,
            recipients: times.values().sum(),
            digest,
            rejected: progress.rejected,
            report_bytes: report.as_ref().map_or(0, Vec::len),
            report,
            leftovers,
        })
    }

    /// How often each user is in the audience.
    async fn times(&self, id: AudienceId) -> anyhow::Result<HashMap<String, u64>> {
        let (db, mut times) = (&self.backends.db, HashMap::new());
        let mut no = 0;
        while let Some(chunk) = audience_chunk::find(db, id, no).await? {
            let unpacked = audience::Unpacked::open(&chunk.recipients)?;
            for recipient in unpacked.iter().flatten() {
                *times.entry(recipient.user_id.to_owned()).or_default() += 1;
            }
            no += 1;
        }
        Ok(times)
    }

    async fn report(&self, id: AudienceId) -> anyhow::Result<Option<Vec<u8>>> {
        let (files, id) = (&self.backends.files, ReportId(id.0));
        let Some(found) = report::get(files, id).await? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        while let Some(part) = report::find(files, id, bytes.len() as u64).await? {
            if part.start < bytes.len() as u64 {
                break;
            }
            bytes.extend(part.bytes);
        }
        Ok((found.state == ReportState::Ready).then_some(bytes))
    }
}

impl Outcome {
    /// What is wrong with it, beside one that nobody disturbed.
    pub(super) fn wrong(&self, undisturbed: &Self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let ready = AudienceState::Ready.as_str();
        check(self.state == ready, format!("the audience is {}", self.state));
        let (once, users, recipients) = (self.once, self.users, self.recipients);
        check(
            (once, recipients) == (users, users),
            format!("{once} of {users} users are there once, among {recipients} recipients"),
        );
        check(
            self.digest == undisturbed.digest,
            "its chunks are others".to_owned(),
        );
        check(
            self.rejected == undisturbed.rejected,
            "its rejected rows are others".to_owned(),
        );
        let same = self.report.is_some() && self.report == undisturbed.report;
        check(same, "its report is another".to_owned());
        check(!self.leftovers, "something is left of the file".to_owned());
        wrong
    }
}
