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
        &["campaigns"],
        &["campaigns", "plan"],
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
