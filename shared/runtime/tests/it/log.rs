//! What the log holds, and what it never does.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use runtime::job::{Outcome, Report, once};
use runtime::{Clock, Config, ExitCode, Failure, Process, Service};
use serde_json::Value;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The JSON log of the current thread, from its making to its end.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(log.clone());
        let guard = tracing::subscriber::set_default(subscriber.finish());
        (log, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn process() -> Process {
    Process::new(Config::default(), Clock::system())
}

#[tokio::test]
async fn a_request_is_one_line_that_names_its_route_and_id_and_nobody() {
    let (log, _guard) = Log::start();
    let routes = Router::new().route("/v1/users/{id}", post(|_: String| async {}));
    let request = Request::post("/v1/users/canary-user?canary=query")
        .header("authorization", "Bearer canary-token")
        .header("x-request-id", "trace-1")
        .body(Body::from("canary body"))
        .unwrap();

    Service::new("admin", routes, 1_024)
        .router(&process())
        .oneshot(request)
        .await
        .unwrap();

    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["message"], "answered");
    assert_eq!(lines[0]["http.route"], "/v1/users/{id}");
    assert_eq!(lines[0]["http.status"], 200);
    assert_eq!(lines[0]["span"]["request.id"], "trace-1");
    assert!(!log.text().contains("canary"), "{}", log.text());
}

#[tokio::test]
async fn probes_that_go_well_are_not_logged() {
    let (log, _guard) = Log::start();

    for path in ["/livez", "/readyz", "/metrics"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Service::new("admin", Router::new(), 1_024)
            .router(&process())
            .oneshot(request)
            .await
            .unwrap();
    }

    assert_eq!(log.text(), "");
}

#[derive(Debug)]
struct Expanded(u32);

impl fmt::Display for Expanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} chunks", self.0)
    }
}

impl Report for Expanded {
    fn outcome(&self) -> Outcome {
        if self.0 == 0 {
            Outcome::Idle
        } else {
            Outcome::Worked
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the store did not answer")]
struct Down(#[source] io::Error);

impl Failure for Down {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Unavailable
    }
}

#[tokio::test]
async fn a_pass_is_one_line_with_its_report_or_its_error_and_cause() {
    let (log, _guard) = Log::start();
    let process = process();

    once("fan-out", &process, |_| async { Ok::<_, Down>(Expanded(12)) }).await;
    once("fan-out", &process, |_| async { Ok::<_, Down>(Expanded(0)) }).await;
    once("fan-out", &process, |_| async {
        Err::<Expanded, _>(Down(io::Error::other("refused")))
    })
    .await;

    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["message"], "pass done");
    assert_eq!(
        (&lines[0]["job"], &lines[0]["job.report"]),
        (&"fan-out".into(), &"12 chunks".into())
    );
    assert_eq!(lines[1]["message"], "pass failed");
    assert_eq!(lines[1]["error"], "the store did not answer: refused");
}
