//! The sample configuration says what is true.

use std::collections::BTreeSet;

use runtime::config::{Config, SAMPLE};
use toml::{Table, Value};

/// Reads a configuration text as a file would be read.
fn read(text: &str) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Config::read(Some(file.path()), []).map_err(|error| error.to_string())
}

/// Dotted paths of every setting in `table`.
fn settings(table: &Table, prefix: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => settings(inner, &format!("{prefix}{key}."), found),
            _ => drop(found.insert(format!("{prefix}{key}"))),
        }
    }
}

/// Every setting that a section takes: those that serde offers when it meets an unknown one.
fn known(section: &str) -> BTreeSet<String> {
    let said = read(&format!("[{section}]\n\"?\" = 1")).unwrap_err();
    let (_, offered) = said.split_once("expected").unwrap();
    offered
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|key| format!("{section}.{key}"))
        .collect()
}

/// The sample with its commented settings switched on.
fn switched_on() -> Table {
    let is_setting = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let lines = SAMPLE.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if is_setting(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n").parse().unwrap()
}

#[test]
fn the_sample_is_the_default() {
    assert_eq!(read(SAMPLE).unwrap(), Config::default());
}

#[test]
fn the_sample_names_every_setting_and_no_other() {
    let mut named = BTreeSet::new();
    settings(&switched_on(), "", &mut named);

    let sections: BTreeSet<_> = named
        .iter()
        .map(|path| path.rsplit_once('.').unwrap().0)
        .collect();
    let known: BTreeSet<_> = sections
        .iter()
        .flat_map(|section| known(section))
        .filter(|path| !sections.contains(path.as_str()))
        .collect();
    let top: BTreeSet<_> = Table::try_from(Config::default())
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let shown: BTreeSet<_> = sections
        .iter()
        .map(|path| path.split('.').next().unwrap().to_owned())
        .collect();

    assert_eq!(named, known);
    assert_eq!(shown, top);
}

#[test]
fn what_config_show_prints_can_be_read_back() {
    let config = read("[sender]\nbudget = \"45s\"\nlease = \"90s\"\n[log]\nformat = \"json\"").unwrap();

    let again = read(&config.redacted());

    assert_eq!(again, Ok(config));
}
