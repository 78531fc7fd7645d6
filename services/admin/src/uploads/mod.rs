//! `/v1/uploads`: an audience file that comes in parts.
//!
//! For files that are too large, or lines too bad, for one request: no request takes longer than a
//! mebibyte does. Parts come in any order and as often as they like, to any process; each is checked
//! against its digest and stored in a transaction of its own. An upload is the audience that it
//! becomes, from the start and under the same id; one that stands still for a day is cancelled by
//! the pass that prunes.
//!
//! The audience's row is in the main database, its parts may be in another. The row is there first
//! and says that the upload is open; a part that comes too late nevertheless is nobody's, and pruned.

mod complete;
mod create;
mod digest;
mod gate;
mod part;
mod view;

use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use gate::UploadGate;

/// The most parts of an upload.
const MAX_PARTS: u32 = 10_000;

/// The routes of uploads.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(view::get))
        .routes(routes!(part::put))
        .routes(routes!(complete::complete))
}
