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
}

#[test]
fn a_wrong_command_line_exits_with_64() {
    let shell = Shell::new();

    for arguments in [&["--no-such-flag"][..], &["no-such-command"], &["config"], &[]] {
        let output = shell.run(arguments);

        assert_eq!(code(&output), 64, "{arguments:?}");
        assert!(
            stdout(&output).is_empty() && !stderr(&output).is_empty(),
            "{arguments:?}"
        );
    }
}
