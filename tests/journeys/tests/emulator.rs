//! `noroshi emulator`: each part alone, started as its user starts it.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use journeys::binaries::binary;
use journeys::processes::Process;
use tempfile::TempDir;

const WITHIN: Duration = Duration::from_secs(60);

/// Starts a part on any free port, on a file in that directory.
async fn start(part: &str, option: &str, directory: &TempDir) -> (Process, SocketAddr) {
    let mut command = Command::new(binary("noroshi"));
    command.current_dir(directory.path()).args([
        "emulator",
        part,
        "--listen",
        "127.0.0.1:0",
        option,
        "emulator.data",
    ]);
    let mut process = Process::start(command, directory.path().join("log"));
    let address = process.wait_for_line(WITHIN, |line| {
        let (_, value) = line.split_once('=')?;
        value.trim_start_matches("http://").parse().ok()
    });
    let address = address.await;
    (process, address)
}

#[tokio::test]
async fn each_part_says_where_it_is_answers_there_and_ends_well_when_it_is_told_to() {
    let parts = [
        ("datastore", "--file", "/"),
        ("tasks", "--file", "/certs"),
        ("sink", "--ledger", "/_sink/stats"),
    ];

    for (part, option, path) in parts {
        let directory = tempfile::tempdir().unwrap();
        let (mut process, address) = start(part, option, &directory).await;
        process.wait_until_ready(WITHIN, address, path).await;
        let status = process.terminate(WITHIN).await;

        assert_eq!(status.code(), Some(0), "{part}");
        assert!(directory.path().join("emulator.data").is_file(), "{part}");
    }
}

#[test]
fn an_address_that_is_taken_is_said_and_exits_with_64() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();

    for arguments in [&["datastore"][..], &["tasks"], &["sink", "--ledger", "/dev/null"]] {
        let output = Command::new(binary("noroshi"))
            .arg("emulator")
            .args(arguments)
            .args(["--listen", &listen])
            .output()
            .unwrap();

        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(&listen),
            "{arguments:?}"
        );
    }
}
