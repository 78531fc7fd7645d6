//! Inconsistencies as a file: CSV for people's tables, JSON lines for programs.
//!
//! It is read page by page while it is sent. A store that fails in the middle breaks the body
//! off, so that half a file is not taken for a whole one.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use campaign::InconsistencyId;
use chrono::{DateTime, SecondsFormat, Utc};
use database::inconsistency::{self, Filter, Inconsistency as Row};
use futures::{Stream, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use runtime::Backends;
use serde::Deserialize;
use tracing::error;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::filter::StateFilter;
use super::view::Inconsistency;
use crate::error::Error;
use crate::json;
use crate::request::Parameters;

/// Inconsistencies read at once.
const PAGE: u32 = 500;

const HEADER: [&str; 10] = [
    "id",
    "state",
    "kind",
    "campaign_id",
    "chunk_no",
    "intent_id",
    "detected_at",
    "resolved_at",
    "detail",
    "resolution",
];

/// The route of the export.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(export))
}

/// How the file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// With a header; instants in UTC. A cell that a spreadsheet would take for a formula begins
    /// with an apostrophe.
    #[default]
    Csv,
    /// One JSON object a line, as the list has them.
    Jsonl,
}

/// Which inconsistencies, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportParameters {
    /// By default `csv`.
    #[serde(default)]
    #[param(value_type = Option<Format>)]
    format: Format,
    /// By default `all`.
    #[param(value_type = Option<StateFilter>)]
    state: Option<String>,
    /// Of that campaign only.
    campaign: Option<Uuid>,
}

/// Export inconsistencies, oldest first.
#[utoipa::path(
    get, path = "/v1/inconsistencies/export", tag = "inconsistencies",
    operation_id = "export_inconsistencies",
    params(ExportParameters),
    responses((status = 200, description = "The file", content(
        (String = "text/csv"), (String = "application/x-ndjson"),
    )))
)]
async fn export(
    State(backends): State<Backends>,
    Parameters(parameters): Parameters<ExportParameters>,
) -> Result<Response, Error> {
    let format = parameters.format;
    let state = StateFilter::parse(parameters.state.as_deref(), StateFilter::All)?;
    let (kind, disposition) = match format {
        Format::Csv => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"inconsistencies.csv\"",
        ),
        Format::Jsonl => (
            "application/x-ndjson",
            "attachment; filename=\"inconsistencies.jsonl\"",
        ),
    };
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)];
    let body = Body::from_stream(pieces(backends, state.of(parameters.campaign), format));
    Ok((headers, body).into_response())
}

/// Where the file is to go on.
enum Next {
    Start,
    After(InconsistencyId),
}

fn pieces(
    backends: Backends,
    filter: Filter<'static>,
    format: Format,
) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::try_unfold(Some(Next::Start), move |next| {
        let backends = backends.clone();
        async move {
            let Some(next) = next else { return Ok(None) };
            let piece = piece(&backends, filter, format, next).await;
            piece.map(Some).inspect_err(|error| {
                error!(
                    error = error as &dyn std::error::Error,
                    "an export was broken off"
                );
            })
        }
    })
}

/// One page as bytes, and where the next one begins.
async fn piece(
    backends: &Backends,
    filter: Filter<'_>,
    format: Format,
    next: Next,
) -> Result<(Bytes, Option<Next>), Error> {
    let after = match next {
        Next::Start => None,
        Next::After(id) => Some(id),
    };
    let rows = inconsistency::list(&backends.db, filter, after, PAGE).await?;
    let is_last = rows.len() < PAGE as usize;
    let next = rows.last().filter(|_| !is_last).map(|row| Next::After(row.id));
    let bytes = match format {
        Format::Csv => csv_lines(&rows, after.is_none())?,
        Format::Jsonl => json_lines(rows, backends.process.clock.now())?,
    };
    Ok((bytes.into(), next))
}

fn json_lines(rows: Vec<Row>, now: DateTime<Utc>) -> Result<Vec<u8>, Error> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&json::write(&Inconsistency::of(row, now))?);
        lines.push('\n');
    }
    Ok(lines.into_bytes())
}

fn csv_lines(rows: &[Row], with_header: bool) -> Result<Vec<u8>, Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    if with_header {
        lines.write_record(HEADER).map_err(fault)?;
    }
    for row in rows {
        lines
            .write_record(cells(row).map(for_a_spreadsheet))
            .map_err(fault)?;
    }
    lines.into_inner().map_err(fault)
}

fn fault(error: impl std::fmt::Display) -> Error {
    Error::Fault(format!("CSV: {error}"))
}

fn cells(row: &Row) -> [String; HEADER.len()] {
    let instant = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::Micros, true);
    [
        row.id.to_string(),
        row.state.as_str().to_owned(),
        row.kind.as_str().to_owned(),
        row.campaign_id.to_string(),
        row.chunk_no.to_string(),
        row.intent_id.to_string(),
        instant(row.detected_at),
        row.resolved_at.map(instant).unwrap_or_default(),
        row.detail.clone(),
        row.resolution.clone().unwrap_or_default(),
    ]
}

/// Keeps a spreadsheet from taking other systems' words for a formula.
fn for_a_spreadsheet(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::for_a_spreadsheet;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(for_a_spreadsheet(formula.to_owned()), format!("'{formula}"));
        }
        assert_eq!(for_a_spreadsheet("aborted".to_owned()), "aborted");
    }
}
