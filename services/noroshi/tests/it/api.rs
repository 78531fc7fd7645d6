//! Commands that ask an API, where there is none to ask.

use super::{Shell, code, stderr, stdout};

#[test]
fn without_a_token_it_is_said_where_one_was_looked_for() {
    let output = Shell::new().run(&["inconsistencies", "list"]);

    assert_eq!(code(&output), 64, "{}", stderr(&output));
    assert!(stderr(&output).contains("data/admin-token") && stderr(&output).contains("--token-file"));
}

#[test]
fn without_a_port_it_is_said_how_to_name_the_api() {
    let shell = Shell::new().with("NOROSHI__ADMIN__LISTEN", "127.0.0.1:0");
    shell.write("token", "t0k3n\n");

    let output = shell.run(&["inconsistencies", "list", "--token-file", "token"]);

    assert_eq!(code(&output), 64, "{}", stderr(&output));
    assert!(stderr(&output).contains("--api URL"));
}

#[test]
fn where_nobody_answers_it_is_said_how_to_begin() {
    let shell = Shell::new();
    shell.write("token", "canary\n");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", free.local_addr().unwrap());
    drop(free);

    let output = shell.run(&["inconsistencies", "list", "--api", &api, "--token-file", "token"]);

    assert_eq!(code(&output), 69, "{}", stderr(&output));
    assert!(stderr(&output).contains("noroshi up") && !stderr(&output).contains("canary"));
    assert!(stdout(&output).is_empty());
}
