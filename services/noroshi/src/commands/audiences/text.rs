//! Audiences as people read them.

use std::path::Path;

use serde::Deserialize;
use uuid::Uuid;

use super::follow::ImportProgress;
use crate::table::{Table, bytes, count, plain};

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Page {
    items: Vec<Audience>,
    next_cursor: Option<String>,
}

/// An audience, as far as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Audience {
    id: String,
    name: String,
    state: String,
    refusal: Option<String>,
    size: u64,
    rejected_rows: u64,
    variables: Vec<String>,
    created_at: String,
    ready_at: Option<String>,
}

/// A page as a table.
pub(super) fn list(page: &Page) -> String {
    if page.items.is_empty() {
        return "There are none. One is made of a file: noroshi audiences import FILE".to_owned();
    }
    let mut table = Table::with_header(["ID", "STATE", "RECIPIENTS", "REJECTED", "MADE", "NAME"]);
    for audience in &page.items {
        table.row([
            &audience.id,
            &audience.state,
            &count(audience.size),
            &count(audience.rejected_rows),
            &audience.created_at,
            &plain(&audience.name),
        ]);
    }
    match &page.next_cursor {
        Some(cursor) => format!("{table}\n\nThere are more: the same again with --cursor {cursor}"),
        None => table.to_string(),
    }
}

/// Everything that is known of one.
pub(super) fn show(audience: &Audience) -> String {
    let mut table = Table::new();
    table.row([&"audience", &audience.id]);
    table.row([&"name", &plain(&audience.name)]);
    table.row([&"state", &audience.state]);
    table.row([&"recipients", &count(audience.size)]);
    table.row([&"rejected rows", &count(audience.rejected_rows)]);
    let told = [
        ("refused", audience.refusal.as_deref().map(plain)),
        (
            "variables",
            Some(audience.variables.join(", ")).filter(|names| !names.is_empty()),
        ),
        ("made", Some(audience.created_at.clone())),
        ("ready", audience.ready_at.clone()),
    ];
    for (what, value) in told {
        if let Some(value) = value {
            table.row([&what, &value]);
        }
    }
    format!(
        "{table}\n\nWhat became of each row: noroshi audiences report {} OUT.zip",
        audience.id
    )
}

/// How an import ended.
pub(super) fn imported(audience: Uuid, progress: &ImportProgress) -> String {
    if progress.state != "ready" {
        let refusal = progress.refusal.as_deref().map(plain);
        let reason = refusal.map_or_else(|| ".".to_owned(), |refusal| format!(": {refusal}"));
        return format!("Audience {audience} is {}{reason}", progress.state);
    }
    let mut table = Table::new();
    table.row([&"rows", &count(progress.rows)]);
    table.row([&"accepted", &count(progress.accepted)]);
    for (reason, rows) in &progress.rejected {
        table.row([&"rejected", &count(*rows), &reason.replace('_', " ")]);
    }
    format!("{table}\n\nAudience {audience} is ready.")
}

/// That a report is saved.
pub(super) fn saved(out: &Path, size: u64) -> String {
    format!("The report is saved: {} ({}).", out.display(), bytes(size))
}
