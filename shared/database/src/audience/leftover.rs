//! Audiences of which more is stored than anybody needs.

use ::campaign::AudienceId;
use chrono::{DateTime, Utc};

use super::Audience;
use super::upload::select_audiences;
use crate::{Error, Executor, sql};

/// Audiences whose upload is open and has not moved since `before`, by id.
pub async fn list_abandoned(
    on: impl Executor,
    before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Audience>, Error> {
    // Index audience_by_state.
    sql(select_audiences!(
        "WHERE state = 'uploading' AND updated_at < ? ORDER BY id LIMIT ?"
    ))
    .bind(before)
    .bind(limit)
    .list(on, Audience::read)
    .await
}

/// Audiences that are ready, with nothing left to report, refused or cancelled and still have upload
/// parts, or are refused or cancelled and still have chunks, by id: those after `after`, or from the
/// first.
pub async fn list_with_leftovers(
    on: impl Executor,
    after: Option<AudienceId>,
    limit: u32,
) -> Result<Vec<Audience>, Error> {
    // Primary key, and for each audience those of its parts and chunks.
    sql(select_audiences!(
        "WHERE id > ? AND ((state IN ('ready', 'refused', 'cancelled') AND phase IS NULL \
         AND EXISTS (SELECT 1 FROM upload_part WHERE audience_id = audience.id)) \
         OR (state IN ('refused', 'cancelled') \
         AND EXISTS (SELECT 1 FROM audience_chunk WHERE audience_id = audience.id))) ORDER BY id LIMIT ?"
    ))
    .bind(after.unwrap_or(AudienceId(uuid::Uuid::nil())))
    .bind(limit)
    .list(on, Audience::read)
    .await
}
