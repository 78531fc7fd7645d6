//! Commits several transactions, in different stores, one after the other.
//!
//! Each participant does all the work of its transaction in a task of its own and then waits at
//! the rendezvous: the point at which everything is done and nothing is committed. Only when all
//! have arrived are they committed, in their order. A participant that fails, panics or hangs
//! before that ends in the rollback of all; nothing is committed.
//!
//! ```text
//!             all ready                 committed      committed
//!   working ─────────────▶ commit(0) ─────────────▶ … ─────────────▶ all committed
//!      │                      │                       │
//!      │ failed, gone,        │ not committed,        │ not committed, unknown
//!      │ deadline             │ unknown               ▼
//!      ▼                      ▼                    those before are committed,
//!   all rolled back        the others rolled back  those after rolled back
//! ```
//!
//! This is no two-phase commit: a store that has told `ready` may still fail to commit. What is
//! known after which failure, for participants in the order SQL, Datastore:
//!
//! | failure | SQL | Datastore | what follows |
//! |---|---|---|---|
//! | a side fails, panics or hangs before all are ready | not committed | not committed | the attempt is repeated |
//! | the SQL commit fails | not committed | not committed | the attempt is repeated |
//! | the SQL commit's answer is lost | unknown | not committed | the next attempt's lock waits for what is in doubt, then sees |
//! | the Datastore commit fails | committed | not committed | an inconsistency; rolled forward from the intent |
//! | the Datastore commit's answer is lost | committed | unknown | the same; a redo finds it done or does it |
//! | the process dies before the SQL commit | not committed | not committed | the attempt is repeated |
//! | the process dies between the commits | committed | not committed | the open intent is found and rolled forward |
//!
//! [`Meeting`] is the whole decision, pure, and is what tests and models run; [`meet`] carries
//! its decisions out.

mod meet;
mod meeting;
mod participant;

pub use meet::{Deadlines, Met, meet};
pub use meeting::{Action, Event, Fate, Meeting};
pub use participant::{Absence, Participant, Side, Verdict};
