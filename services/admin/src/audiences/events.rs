//! How far an audience is, told as it goes on: server-sent events.
//!
//! The stream holds nothing but what it told last. A client that is cut off, as by a proxy with a
//! limit, connects again and is told at once where things stand.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use campaign::AudienceId;
use futures::{Stream, stream};
use runtime::Backends;
use tracing::warn;
use uuid::Uuid;

use super::find_progress;
use super::view::AudienceProgress;
use crate::error::Error;
use crate::json;
use crate::request::Segments;

/// How often it is looked whether there is something to tell.
const EVERY: Duration = Duration::from_secs(1);

/// Follow an audience's upload and import.
///
/// `progress` whenever something has changed, with what `/progress` answers; and `end` after the
/// last one, at which a client closes the stream.
#[utoipa::path(
    get, path = "/v1/audiences/{id}/events", tag = "audiences", operation_id = "follow_audience",
    params(("id" = Uuid, Path)),
    responses((
        status = 200, description = "Server-sent events", content_type = "text/event-stream",
        body = AudienceProgress
    ))
)]
pub(super) async fn events(
    State(backends): State<Backends>,
    Segments(id): Segments<Uuid>,
) -> Result<Response, Error> {
    let id = AudienceId(id);
    find_progress(&backends, id).await?;
    let events = Sse::new(told(backends, id)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(events.into_response())
}

/// What is to be told next.
enum Next {
    /// Something other than this.
    Progress(String),
    /// That it is over.
    End,
    Nothing,
}

fn told(backends: Backends, id: AudienceId) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Next::Progress(String::new()), move |next| {
        let backends = backends.clone();
        async move {
            match next {
                Next::Progress(before) => match changed(&backends, id, &before).await {
                    Ok(changed) => changed.map(|(text, is_over)| {
                        let event = Event::default().event("progress").data(&text);
                        let next = if is_over { Next::End } else { Next::Progress(text) };
                        (Ok(event), next)
                    }),
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        warn!(audience.id = %id, error, "a stream of progress was broken off");
                        None
                    }
                },
                Next::End => Some((Ok(Event::default().event("end").data("{}")), Next::Nothing)),
                Next::Nothing => None,
            }
        }
    })
}

/// Waits until there is something new, and whether that is the last; `None` if the process is to
/// stop.
async fn changed(backends: &Backends, id: AudienceId, before: &str) -> Result<Option<(String, bool)>, Error> {
    let process = &backends.process;
    loop {
        let progress = find_progress(backends, id).await?;
        let text = json::write(&progress)?;
        if text != before {
            return Ok(Some((text, progress.is_over())));
        }
        tokio::select! {
            () = process.clock.sleep(EVERY) => {}
            () = process.stop.requested() => return Ok(None),
        }
    }
}
