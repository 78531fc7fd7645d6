//! Whose Datastore, queue and gateways.
//!
//! With nothing set, a part is embedded. With a project it is Google's. With an endpoint it is
//! that one, and then a project must be given: a default one would be somebody else's. With a
//! key of Apple's, the gateway is Apple's.

use toml::{Table, Value};

use super::Fault;

/// Sections with a `project` and an `endpoint`, and Google's endpoint of each.
const PARTS: [(&[&str], &str); 3] = [
    (&["datastore"], "https://datastore.googleapis.com"),
    (&["queue"], "https://cloudtasks.googleapis.com"),
    (&["provider", "fcm"], "https://fcm.googleapis.com"),
];

/// Fills in the endpoints that follow from projects.
pub(super) fn fill(table: &mut Table) -> Result<(), Vec<Fault>> {
    fill_apples(table);
    let faults: Vec<_> = PARTS
        .into_iter()
        .filter_map(|(path, production)| fill_part(table, path, production))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fill_apples(table: &mut Table) {
    let section = table
        .get_mut("provider")
        .and_then(|section| section.get_mut("apns"));
    if let Some(section) = section.and_then(Value::as_table_mut)
        && section.contains_key("key")
    {
        let apples = || Value::String("https://api.push.apple.com".to_owned());
        section.entry("endpoint").or_insert_with(apples);
    }
}

fn fill_part(table: &mut Table, path: &[&str], production: &str) -> Option<Fault> {
    let section = path
        .iter()
        .try_fold(table, |table, key| table.get_mut(*key)?.as_table_mut())?;
    match (
        section.get("endpoint").and_then(Value::as_str),
        section.get("project"),
    ) {
        (None, Some(_)) => {
            section.insert("endpoint".to_owned(), Value::String(production.to_owned()));
            None
        }
        (Some(endpoint), None) if endpoint != "embedded:" => Some(Fault::new(
            format!("{}.project", path.join(".")),
            "must be set when `endpoint` is not \"embedded:\"",
        )),
        _ => None,
    }
}
