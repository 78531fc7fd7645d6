//! `noroshi config`.

use super::{Shell, code, stderr, stdout};

#[test]
fn a_sample_is_where_one_begins() {
    let shell = Shell::new();

    let sample = shell.run(&["config", "sample"]);
    shell.write("noroshi.toml", stdout(&sample));
    let check = shell.run(&["config", "check"]);

    assert_eq!((code(&sample), code(&check)), (0, 0));
    assert_eq!(stdout(&check), "The configuration is valid.\n");
}

#[test]
fn a_fault_is_named_by_its_setting_and_exits_with_64() {
    let shell = Shell::new();
    shell.write("noroshi.toml", "[sender]\nbudget = \"1s\"\n");

    for command in ["check", "show"] {
        let output = shell.run(&["config", command]);

        assert_eq!(code(&output), 64);
        assert!(
            stderr(&output).starts_with("[sender] budget: must be longer than"),
            "{}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn a_file_that_is_asked_for_must_be_there() {
    let output = Shell::new().run(&["config", "check", "--config", "other.toml"]);

    assert_eq!(code(&output), 64);
    assert!(
        stderr(&output).starts_with("cannot read other.toml: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_is_shown_is_what_file_and_variables_make_together() {
    let shell = Shell::new().with("NOROSHI__SENDER__CONCURRENCY", "3");
    shell.write("other.toml", "[sender]\nbudget = \"45s\"\n");

    let output = shell.run(&["--config", "other.toml", "config", "show"]);

    let shown: toml::Table = stdout(&output).parse().unwrap();
    assert_eq!(shown["sender"]["budget"].as_str(), Some("45s"));
    assert_eq!(shown["sender"]["concurrency"].as_integer(), Some(3));
    assert_eq!(shown["sender"]["lease"].as_str(), Some("1m"));
}

#[test]
fn secrets_in_variables_are_used_and_never_shown() {
    let shell = Shell::new()
        .with("NOROSHI__DATABASE__URL", "mysql://noroshi:canary@db/noroshi")
        .with("NOROSHI__ADMIN__TOKEN", "canary-token")
        .with("NOROSHI__PROVIDER__FCM__CREDENTIALS", "env:FCM_KEY")
        .with("FCM_KEY", "canary-key");

    let output = shell.run(&["config", "show"]);

    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let shown: toml::Table = stdout(&output).parse().unwrap();
    assert_eq!(
        shown["database"]["url"].as_str(),
        Some("mysql://noroshi:***@db/noroshi")
    );
    assert_eq!(
        shown["admin"]["token"].as_str(),
        Some("env:NOROSHI__ADMIN__TOKEN")
    );
    assert_eq!(
        shown["provider"]["fcm"]["credentials"].as_str(),
        Some("env:FCM_KEY")
    );
    assert!(!stdout(&output).contains("canary"));
}

#[test]
fn a_secret_that_is_not_there_is_named_by_its_setting() {
    let output = Shell::new()
        .with("NOROSHI__ADMIN__TOKEN", "env:NO_SUCH")
        .run(&["config", "check"]);

    assert_eq!(code(&output), 64);
    assert_eq!(
        stderr(&output),
        "[admin] token: environment variable NO_SUCH is not set (set by NOROSHI__ADMIN__TOKEN)\n"
    );
}
