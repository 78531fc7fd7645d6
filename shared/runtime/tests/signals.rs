//! A process's answer to signals. They reach all of a process, so this test has one to itself.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use runtime::{Config, ExitCode, process};

fn signal_myself(name: &str) {
    let status = Command::new("kill")
        .args([name, &std::process::id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn the_first_signal_drains_and_the_second_ends_at_once() {
    let (witness, drained) = std::sync::mpsc::channel();

    let code = process::run(Config::default(), |process| async move {
        signal_myself("-TERM");
        process.stop.requested().await;
        witness.send("drains").unwrap();
        signal_myself("-INT");
        std::future::pending().await
    });

    assert_eq!(drained.try_iter().collect::<Vec<_>>(), ["drains"]);
    assert_eq!(code, ExitCode::TryAgain);
}
