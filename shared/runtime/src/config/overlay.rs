//! Environment variables over the file.
//!
//! `NOROSHI__SENDER__BUDGET=45s` sets `budget` of `[sender]`: two underscores part the levels.
//! A value takes the type of the setting's default; those of a list stand between commas. A secret given in a variable is turned into
//! a reference to that variable, so that it is never part of the table.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Fault, Secret};

const PREFIX: &str = "NOROSHI__";

/// Settings whose value may be a secret.
const SECRETS: [&str; 5] = [
    "admin.token",
    "database.url",
    "provider.apns.key",
    "provider.fcm.credentials",
    "provider.web_push.key",
];

/// Which variable set which setting, by dotted path.
pub(super) type Variables = BTreeMap<String, String>;

/// Lays the variables that begin with `NOROSHI__` over `table`; all others are left alone.
/// `defaults` tells the type of a setting. Says which variable set what.
pub(super) fn apply(
    table: &mut Table,
    defaults: &Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Variables, Vec<Fault>> {
    let mut variables = Variables::new();
    let mut faults = Vec::new();
    for (variable, text) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let path = name.to_ascii_lowercase().replace("__", ".");
        match value(&path, &variable, text, defaults).and_then(|value| insert(table, &path, value)) {
            Ok(()) => drop(variables.insert(path, variable)),
            Err(rule) => faults.push(Fault {
                setting: path,
                rule,
                variable: Some(variable),
            }),
        }
    }
    if faults.is_empty() {
        Ok(variables)
    } else {
        Err(faults)
    }
}

/// The variable that set `setting`, or that brought in the section of that name.
pub(super) fn variable_of(variables: &Variables, setting: &str) -> Option<String> {
    let within = |path: &str| {
        path.strip_prefix(setting)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    variables
        .iter()
        .find(|(path, _)| *path == setting || within(path))
        .map(|(_, variable)| variable.clone())
}

fn value(path: &str, variable: &str, text: String, defaults: &Table) -> Result<Value, String> {
    if SECRETS.contains(&path) {
        let reference = if Secret::is_reference(&text) {
            text
        } else {
            format!("env:{variable}")
        };
        return Ok(Value::String(reference));
    }
    match find(defaults, path) {
        Some(Value::Integer(_)) => text
            .replace('_', "")
            .parse()
            .map(Value::Integer)
            .map_err(|_| "must be a whole number".to_owned()),
        Some(Value::Boolean(_)) => text
            .parse()
            .map(Value::Boolean)
            .map_err(|_| "must be true or false".to_owned()),
        Some(Value::Array(_)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let items = items.map(|item| Value::String(item.to_owned()));
            Ok(Value::Array(items.collect()))
        }
        Some(Value::Table(_)) => Err("is a section, not a setting".to_owned()),
        _ => Ok(Value::String(text)),
    }
}

fn find<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((section, rest)) => find(table.get(section)?.as_table()?, rest),
        None => table.get(path),
    }
}

fn insert(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let Some((section, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return Ok(());
    };
    table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| format!("{section} is a section, and the file gives it a value"))
        .and_then(|inner| insert(inner, rest, value))
}
