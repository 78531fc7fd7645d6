//! That a child process is waited for by its states, and never outlives its test.

use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

fn shell(script: &str, directory: &TempDir) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::start(command, directory.path().join("sh.log"))
}

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory can be made")
}

fn exists(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

#[tokio::test]
async fn a_line_is_found_once_it_is_whole() {
    let directory = directory();
    let mut process = shell(
        "echo starting; printf 'port '; sleep 0.1; echo 4711; exec sleep 60",
        &directory,
    );

    let port = process
        .wait_for_line(LONG, |line| line.strip_prefix("port ")?.parse::<u16>().ok())
        .await;

    assert_eq!(port, 4711);
}

#[tokio::test]
async fn the_last_words_of_a_process_are_found() {
    let directory = directory();
    let mut process = shell("echo done >&2", &directory);
    process.wait(LONG).await;

    process
        .wait_for_line(LONG, |line| (line == "done").then_some(()))
        .await;
}

#[tokio::test]
async fn a_restart_appends_to_the_log_and_is_read_from_its_own_start() {
    let directory = directory();
    shell("echo run 1", &directory).wait(LONG).await;
    let mut second = shell("echo run 2", &directory);

    let run = second
        .wait_for_line(LONG, |line| line.strip_prefix("run ")?.parse::<u8>().ok())
        .await;

    assert_eq!(run, 2);
    assert_eq!(second.log_tail(), "run 1\nrun 2");
}

#[tokio::test]
#[should_panic(expected = "ended before it said what was waited for: exit status: 70")]
async fn an_early_end_ends_the_wait() {
    let directory = directory();

    shell("exit 70", &directory)
        .wait_for_line(LONG, |_| None::<()>)
        .await;
}

#[tokio::test]
#[should_panic(expected = "did not say what was waited for within 200ms")]
async fn silence_ends_the_wait_at_its_deadline() {
    let directory = directory();

    shell("exec sleep 60", &directory)
        .wait_for_line(SHORT, |_| None::<()>)
        .await;
}

#[tokio::test]
async fn a_process_is_ready_once_it_answers_200() {
    let directory = directory();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut process = shell("exec sleep 60", &directory);

    let (asked, ()) = tokio::join!(
        answer_503_then_200(listener),
        process.wait_until_ready(LONG, address, "/readyz")
    );

    assert_eq!(asked, ["GET /readyz HTTP/1.1", "GET /readyz HTTP/1.1"]);
}

/// Returns the first line of each request.
async fn answer_503_then_200(listener: TcpListener) -> Vec<String> {
    let mut asked = Vec::new();
    for status in ["503 Service Unavailable", "200 OK"] {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let length = connection.read(&mut request).await.unwrap();
        asked.extend(
            String::from_utf8_lossy(&request[..length])
                .lines()
                .next()
                .map(str::to_owned),
        );
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
    asked
}

#[tokio::test]
async fn a_terminated_process_ends_as_it_decides_itself() {
    let directory = directory();
    let mut process = shell(
        "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done",
        &directory,
    );
    process
        .wait_for_line(LONG, |line| (line == "ready").then_some(()))
        .await;

    let status = process.terminate(LONG).await;

    assert_eq!(status.code(), Some(3));
}

#[tokio::test]
#[should_panic(expected = "had already ended: exit status: 0")]
async fn a_kill_that_comes_too_late_fails_the_test() {
    let directory = directory();
    let mut process = shell("exit 0", &directory);
    process.wait(LONG).await;

    process.kill();
}

#[tokio::test]
async fn a_frozen_process_stands_still_until_it_is_thawed() {
    let directory = directory();
    let mut process = shell(
        "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done",
        &directory,
    );
    process
        .wait_for_line(LONG, |line| (line == "3").then_some(()))
        .await;

    process.freeze();
    let then = fs::read_to_string(&process.log).unwrap();
    sleep(SHORT).await;

    assert_eq!(fs::read_to_string(&process.log).unwrap(), then);
    process.thaw();
    let next = (then.lines().count() + 1).to_string();
    process
        .wait_for_line(LONG, |line| (line == next).then_some(()))
        .await;
}

#[test]
fn a_process_is_killed_and_when_it_is_dropped_too() {
    let directory = directory();
    let (killed, dropped) = (
        shell("exec sleep 60", &directory),
        shell("exec sleep 60", &directory),
    );
    let pids = [killed.pid(), dropped.pid()];
    assert!(pids.into_iter().all(exists));

    killed.kill();
    drop(dropped);

    assert!(!pids.into_iter().any(exists));
}
