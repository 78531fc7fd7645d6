//! The command line itself.

use super::{Shell, code, stderr, stdout};

#[test]
fn help_teaches_and_is_no_failure() {
    let shell = Shell::new();

    let help = shell.run(&["--help"]);
    let config = shell.run(&["config", "--help"]);

    assert_eq!([code(&help), code(&config)], [0, 0]);
    assert!(stdout(&help).contains("NOROSHI__SENDER__BUDGET=45s") && stdout(&help).contains("Exit codes"));
    assert!(stdout(&config).contains("check") && stdout(&config).contains("sample"));
    for (command, taught) in [
        (&["demo"][..], "--no-coupon"),
        (&["audiences"], "noroshi audiences import FILE"),
        (&["audiences", "import"], "--resume ID"),
        (&["audiences", "preview"], "Exits with 64"),
        (&["campaigns"], "noroshi campaigns verify ID"),
        (&["campaigns", "verify"], "Exits with 0"),
        (&["inconsistencies"], "noroshi inconsistencies explain ID"),
        (&["emulator", "datastore"], "export DATASTORE_EMULATOR_HOST="),
        (&["emulator", "tasks"], "/certs"),
        (&["emulator", "sink"], "_sink/script"),
    ] {
        let help = shell.run(&[command, &["--help"]].concat());

        assert_eq!(code(&help), 0);
        assert!(stdout(&help).contains(taught), "{command:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_64() {
    let shell = Shell::new();

    for arguments in [
        &["--no-such-flag"][..],
        &["no-such-command"],
        &["config"],
        &[],
        &["demo", "--users", "many"],
        &["demo", "--users", "5", "--csv", "users.csv"],
        &["emulator"],
        &["emulator", "sink"],
        &["emulator", "datastore", "--index", "Task"],
        &["audiences"],
        &["audiences", "import"],
        &["audiences", "import", "users.csv", "--encoding", "latin-1"],
        &["audiences", "report", "7", "out.zip"],
        &["campaigns"],
        &["campaigns", "plan"],
        &["campaigns", "report", "018f6d3c-0000-7000-8000-000000000000"],
        &["campaigns", "verify", "7"],
        &["inconsistencies"],
        &["inconsistencies", "explain"],
        &["inconsistencies", "show", "7"],
        &["inconsistencies", "list", "--state", "odd"],
        &["inconsistencies", "list", "--api", "push.example"],
    ] {
        let output = shell.run(arguments);

        assert_eq!(code(&output), 64, "{arguments:?}");
        assert!(
            stdout(&output).is_empty() && !stderr(&output).is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn both_databases_are_migrated_where_files_have_one_of_their_own() {
    let shell = Shell::new()
        .with("NOROSHI__ADMIN__TOKEN", "env:TOKEN")
        .with("TOKEN", "t0k3n");
    shell.write(
        "noroshi.toml",
        "[database]\nurl = \"sqlite:main.db\"\n[files]\ndatabase = \"sqlite:files.db\"\n",
    );

    let before = shell.run(&["migrate", "status"]);
    let up = shell.run(&["up"]);
    let migrated = shell.run(&["migrate"]);

    assert_eq!([code(&before), code(&up), code(&migrated)], [0, 64, 0]);
    assert!(
        stderr(&up).contains("[database] url: the database lacks"),
        "{up:?}"
    );
    // The table's columns are as wide as their longest word.
    let uploads = |output, state: &str| {
        let lines = stdout(output)
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines
            .filter(|words| words[..] == ["14", "uploads", state])
            .count()
    };
    assert_eq!(uploads(&before, "pending"), 2, "{before:?}");
    assert_eq!(uploads(&migrated, "applied"), 2, "{migrated:?}");
    assert!(stdout(&migrated).contains("[files] database:"), "{migrated:?}");
}
