//! An explanation of the API's, as people read it.

use std::fmt;

use serde::Deserialize;

use super::text::plain;
use super::view::Inconsistency;
use crate::table::wrapped;

/// What an inconsistency means.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Explanation {
    inconsistency: Inconsistency,
    sql: InSql,
    datastore: InDatastore,
    failure: String,
    action: String,
    repair: String,
}

#[derive(Clone, Debug, Deserialize)]
struct InSql {
    intent: Option<Intent>,
    users: Option<Users>,
}

#[derive(Clone, Debug, Deserialize)]
struct Intent {
    state: String,
    attempts: u32,
    due_at: String,
    last_error: Option<String>,
    created_at: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Users {
    granted: u64,
    erased: u64,
    without: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum InDatastore {
    Read {
        chunk: Option<Chunk>,
        pushes: Option<Pushes>,
    },
    Failed {
        error: String,
    },
}

#[derive(Clone, Debug, Deserialize)]
struct Chunk {
    state: String,
    leased_until: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Pushes {
    pending: u64,
    granted: u64,
    settled: u64,
    erased: u64,
    missing: u64,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inconsistency {
            id,
            campaign_id,
            chunk_no,
            kind,
            detail,
            state,
            detected_at,
            ..
        } = &self.inconsistency;
        writeln!(f, "Inconsistency {id}")?;
        writeln!(f, "of chunk {chunk_no} of campaign {campaign_id}")?;
        let noticed = format!(
            "It is {state}. Noticed at {detected_at} as {kind}: {}.",
            plain(detail)
        );
        writeln!(f, "\n{}", wrapped(&noticed))?;
        for (title, words) in [
            ("In SQL", self.sql.to_string()),
            ("In Datastore", self.datastore.to_string()),
            ("What it means", plain(&self.failure)),
            ("A repair would", format!("{}.", plain(&self.repair))),
        ] {
            writeln!(f, "\n{title}\n{}", wrapped(&words))?;
        }
        match (self.action.as_str(), state.as_str()) {
            ("nothing", _) => write!(f, "\nThere is nothing to do."),
            ("impossible", _) => write!(f, "\nOnce that is done: noroshi inconsistencies repair {id}"),
            (_, "dead") => write!(f, "\nIt waits for you: noroshi inconsistencies repair {id}"),
            _ => write!(
                f,
                "\nReconcile does it by itself. To have it done now: noroshi inconsistencies repair {id}"
            ),
        }
    }
}

impl fmt::Display for InSql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(intent) = &self.intent else {
            return f.write_str("Its intent is not there any more.");
        };
        match &self.users {
            Some(users) => write!(f, "{users} ")?,
            None => f.write_str("Its users cannot be told: the audience is not there any more. ")?,
        }
        let Intent {
            state,
            attempts,
            due_at,
            last_error,
            created_at,
        } = intent;
        write!(
            f,
            "Their intent was committed with it at {created_at}. It is {state}"
        )?;
        match (state.as_str(), attempts) {
            ("open", 0) => write!(f, ", due at {due_at}, and was not tried yet")?,
            ("open", 1) => write!(f, ", due at {due_at}, and was tried once")?,
            ("open", _) => write!(f, ", due at {due_at}, and was tried {attempts} times")?,
            _ => {}
        }
        match last_error {
            Some(error) => write!(f, ". Its last failed repair: {}.", plain(error)),
            None => f.write_str("."),
        }
    }
}

impl fmt::Display for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.granted {
            1 => f.write_str("1 user has the coupon.")?,
            granted => write!(f, "{granted} users have the coupon.")?,
        }
        if self.erased > 0 {
            write!(f, " Erased since: {}.", self.erased)?;
        }
        if self.without > 0 {
            write!(
                f,
                " Named by the intent and without it, which cannot be: {}.",
                self.without
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for InDatastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chunk, pushes) = match self {
            Self::Failed { error } => return write!(f, "It could not be read: {}.", plain(error)),
            Self::Read { chunk: None, .. } => return f.write_str("There is no such chunk."),
            Self::Read {
                chunk: Some(chunk),
                pushes,
            } => (chunk, pushes),
        };
        if let Some(pushes) = pushes {
            write!(f, "Their pushes: {pushes}. ")?;
        }
        match &chunk.leased_until {
            Some(until) => write!(f, "The chunk is {}: a sender has it until {until}.", chunk.state),
            None => write!(f, "The chunk is {}; no sender has it.", chunk.state),
        }
    }
}

impl fmt::Display for Pushes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pending,
            granted,
            settled,
            erased,
            missing,
        } = self;
        let counts = [
            (pending, "pending"),
            (granted, "granted"),
            (settled, "settled"),
            (erased, "erased"),
            (missing, "missing"),
        ];
        let counts = counts.iter().filter(|(count, _)| **count > 0);
        let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        if counts.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&counts.join(", "))
        }
    }
}
