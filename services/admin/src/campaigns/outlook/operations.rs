//! What a campaign costs, in operations of the stores.
//!
//! ```text
//!            Datastore, for each push                   for each chunk              SQL rows
//! fan-out    write                                      write (the marker)          a tally, a stripe for 64
//! dispatch                                              read, read, write
//! deliver    read (load), read, write (settle)          read, write; read, write    a tally, a reason
//!            with a coupon: read, write                 read, write                 a grant; intent, reservation …
//! prune      delete                                     read, read, delete
//! ```
//!
//! These are the least that it can be: nothing is done twice, nobody waits for a retry, all of a
//! chunk is settled at once. Chunks whose gateway takes its time are settled every second, each
//! time with a read and a write of the chunk more. What depends on time and not on size is not
//! counted: dispatch and reconcile look about once a second, whether there is something to see or
//! not. Google bills entities read, written and deleted, whatever is indexed; a query of keys alone
//! is one read.

use serde::Serialize;
use utoipa::ToSchema;

/// Chunks of a stripe.
const STRIPE: u64 = database::fan_out_stripe::CHUNKS as u64;

/// What one step costs, at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StepCost {
    /// Which.
    pub(super) step: Step,
    /// Datastore: entities read.
    pub(super) entity_reads: u64,
    /// Datastore: entities written.
    pub(super) entity_writes: u64,
    /// Datastore: entities deleted.
    pub(super) entity_deletes: u64,
    /// Datastore: transactions committed.
    pub(super) commits: u64,
    /// SQL: rows written.
    pub(super) sql_rows: u64,
}

/// A step on a campaign's way, or all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Chunks become pushes.
    FanOut,
    /// Chunks become tasks.
    Dispatch,
    /// Coupons are granted, pushes sent and settled.
    Deliver,
    /// Long after its end, what Datastore keeps of it is deleted.
    Prune,
    /// All of the above.
    #[default]
    All,
}

/// How large a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) recipients: u64,
    pub(super) chunks: u64,
    /// Those of them who are due at some time, and their chunks.
    pub(super) due: u64,
    pub(super) due_chunks: u64,
    /// Coupons that they get.
    pub(super) coupons: u64,
}

/// What every step costs, and at the end what all do.
pub(super) fn costs(size: Size) -> Vec<StepCost> {
    let Size {
        recipients,
        chunks,
        due,
        due_chunks,
        coupons,
    } = size;
    // Stock that does not reach is reserved by the first.
    let grants = (coupons, due_chunks.min(coupons));
    let mut costs = vec![
        StepCost {
            step: Step::FanOut,
            entity_writes: recipients + chunks,
            commits: chunks,
            // A chunk that nobody is due of is settled at once, for a reason.
            sql_rows: chunks + (chunks - due_chunks) + chunks.div_ceil(STRIPE),
            ..StepCost::default()
        },
        StepCost {
            step: Step::Dispatch,
            entity_reads: 2 * due_chunks,
            entity_writes: due_chunks,
            commits: due_chunks,
            ..StepCost::default()
        },
        StepCost {
            step: Step::Deliver,
            entity_reads: 2 * due + 2 * due_chunks + grants.0 + grants.1,
            entity_writes: due + 2 * due_chunks + grants.0 + grants.1,
            commits: 2 * due_chunks + grants.1,
            // Of a coupon: a reservation and its return, the chunk's row, the coupon's own row for
            // both, and the intent, opened and closed.
            sql_rows: 2 * due_chunks + grants.0 + 9 * grants.1,
            ..StepCost::default()
        },
        StepCost {
            step: Step::Prune,
            entity_reads: 2 * chunks,
            entity_deletes: recipients + chunks,
            commits: chunks,
            sql_rows: 2 * chunks + grants.1,
            ..StepCost::default()
        },
    ];
    costs.push(costs.iter().fold(StepCost::default(), |all, cost| StepCost {
        step: Step::All,
        entity_reads: all.entity_reads + cost.entity_reads,
        entity_writes: all.entity_writes + cost.entity_writes,
        entity_deletes: all.entity_deletes + cost.entity_deletes,
        commits: all.commits + cost.commits,
        sql_rows: all.sql_rows + cost.sql_rows,
    }));
    costs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(size: Size) -> StepCost {
        *costs(size).last().unwrap()
    }

    const MILLION: Size = Size {
        recipients: 1_000_000,
        chunks: 2_005,
        due: 1_000_000,
        due_chunks: 2_005,
        coupons: 1_000_000,
    };

    #[test]
    fn a_push_is_written_three_times_with_a_coupon_and_twice_without() {
        let with = all(MILLION);
        let without = all(Size {
            coupons: 0,
            ..MILLION
        });

        assert_eq!(with.entity_writes, 3_000_000 + 5 * 2_005);
        assert_eq!(without.entity_writes, 2_000_000 + 4 * 2_005);
        assert_eq!(with.entity_deletes, 1_002_005);
    }

    #[test]
    fn whose_time_is_past_is_written_once_and_deleted() {
        let nobody = all(Size {
            due: 0,
            due_chunks: 0,
            coupons: 0,
            ..MILLION
        });

        assert_eq!(nobody.entity_writes, nobody.entity_deletes);
        assert_eq!(nobody.commits, 2 * 2_005);
    }
}
