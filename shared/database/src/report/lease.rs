//! Who makes a report, where nothing else says who may.
//!
//! A lease is for economy only: a report grows by what stands behind its last byte, so two makers
//! cannot spoil it.

use ::campaign::LeaseToken;
use chrono::{DateTime, Utc};

use super::{Report, Subject, select_reports};
use crate::{Change, Error, Tx, sql};

/// The right to make one report until the lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// As it was when it was claimed.
    pub report: Report,
    /// What an extension must name.
    pub token: LeaseToken,
}

/// Claims the oldest report of that kind that nobody makes.
pub async fn claim(
    tx: &mut Tx,
    subject: Subject,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claim>, Error> {
    // Index report_by_state.
    let found = sql(select_reports!(
        "WHERE state = 'making' AND subject = ? AND (leased_until IS NULL OR leased_until <= ?) \
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ))
    .bind(subject)
    .bind(now)
    .find(&mut *tx, Report::read)
    .await?;
    let Some(report) = found else { return Ok(None) };
    let token = LeaseToken::allocate();
    sql("UPDATE report SET lease_token = ?, leased_until = ? WHERE id = ?")
        .bind(token)
        .bind(until)
        .bind(report.id)
        .execute(tx)
        .await?;
    Ok(Some(Claim { report, token }))
}

/// Extends the lease, or ends it by an instant that is past. Stale if somebody else has it, or the
/// report is whole or gone.
pub async fn extend(tx: &mut Tx, claim: &Claim, until: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE report SET leased_until = ? WHERE id = ? AND lease_token = ? AND state = 'making'")
        .bind(until)
        .bind(claim.report.id)
        .bind(claim.token)
        .change(tx)
        .await
}
