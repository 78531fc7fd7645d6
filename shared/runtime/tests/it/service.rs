//! What a client of a service meets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use runtime::{Clock, Config, Process, Service};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::ServiceExt;

const SOON: Duration = Duration::from_secs(60);

fn process() -> Process {
    Process::new(Config::default(), Clock::system())
}

/// Asks a service without a network.
async fn ask(service: Service, process: &Process, request: Request<Body>) -> Response {
    service.router(process).oneshot(request).await.unwrap()
}

fn get_request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&axum::body::to_bytes(response.into_body(), 65_536).await.unwrap()).unwrap()
}

/// A service on a port of its own.
struct Served {
    address: SocketAddr,
    process: Process,
    server: JoinHandle<std::io::Result<()>>,
}

impl Served {
    async fn start(routes: Router) -> Self {
        let process = process();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (service, shell) = (Service::new("test", routes, 1_024), process.clone());
        let server = process
            .tasks
            .spawn(async move { service.serve(listener, &shell).await });
        Self {
            address,
            process,
            server,
        }
    }

    /// Sends a request and gives the connection on which its answer will come.
    async fn send(&self, path: &str) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    }
}

/// A handler that says when it has begun, and ends when it may.
#[derive(Clone, Default)]
struct Gate {
    begun: Arc<Notify>,
    open: Arc<Notify>,
    ended: Arc<AtomicUsize>,
}

impl Gate {
    fn routes(&self) -> Router {
        let gate = self.clone();
        let handler = move || async move {
            gate.begun.notify_one();
            gate.open.notified().await;
            gate.ended.fetch_add(1, Ordering::SeqCst);
        };
        Router::new().route("/work", post(handler))
    }
}

#[tokio::test]
async fn a_handler_ends_its_work_although_the_client_left() {
    let gate = Gate::default();
    let served = Served::start(gate.routes()).await;
    let connection = served.send("/work").await;
    gate.begun.notified().await;

    drop(connection);
    // A draining server waits for its connections: it ends because this one is gone.
    served.process.stop.request();
    timeout(SOON, served.server).await.unwrap().unwrap().unwrap();
    assert_eq!(gate.ended.load(Ordering::SeqCst), 0);
    gate.open.notify_one();

    timeout(SOON, served.process.tasks.ended()).await.unwrap();
    assert_eq!(gate.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_drain_answers_what_was_taken_and_takes_nothing_new() {
    let gate = Gate::default();
    let served = Served::start(gate.routes()).await;
    let url = format!("http://{}/work", served.address);
    runtime::process::install_crypto();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let taken = tokio::task::JoinSet::from_iter([client.post(&url).send()]);
    gate.begun.notified().await;

    served.process.stop.request();
    let refused = timeout(SOON, async {
        while TcpStream::connect(served.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    refused.await.expect("the port closes before the work ends");
    assert!(!served.server.is_finished());
    gate.open.notify_one();

    let answers = timeout(SOON, taken.join_all()).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().status(), 200);
    timeout(SOON, served.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let routes = Router::new().route("/", get(|| async { panic!("canary") as () }));

    let response = ask(Service::new("test", routes, 1_024), &process(), get_request("/")).await;

    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    let problem = json_of(response).await;
    assert_eq!(problem["type"], "urn:noroshi:problem:internal");
    assert!(!problem.to_string().contains("canary"));
}

#[tokio::test]
async fn whatever_the_framework_refuses_is_a_problem_too() {
    let service = || {
        let take = |Json(_): Json<Vec<u32>>| async {};
        Service::new("test", Router::new().route("/numbers", post(take)), 16)
    };
    let post = |body: &'static str| {
        let request = Request::post("/numbers").header("content-type", "application/json");
        request.body(Body::from(body)).unwrap()
    };
    let cases = [
        (get_request("/nothing"), 404, "not-found"),
        (get_request("/numbers"), 405, "method-not-allowed"),
        (post("[1, 2, 3, 4, 5, 6, 7, 8, 9]"), 413, "body-too-large"),
        (post("[1,"), 400, "bad-request"),
        (post("[\"a\"]"), 422, "invalid"),
        (
            Request::post("/numbers").body(Body::from("[]")).unwrap(),
            415,
            "media-type",
        ),
    ];

    for (request, status, name) in cases {
        let response = ask(service(), &process(), request).await;

        assert_eq!(response.status().as_u16(), status, "{name}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem = json_of(response).await;
        assert_eq!(problem["type"], format!("urn:noroshi:problem:{name}"));
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test]
async fn what_a_service_answers_itself_is_left_alone() {
    let refuse = || async { (StatusCode::CONFLICT, Json(json!({ "own": true }))) };
    let routes = Router::new()
        .route("/own", get(refuse))
        .route("/fine", get(|| async { "fine" }));
    let service = || Service::new("test", routes.clone(), 1_024);

    let own = ask(service(), &process(), get_request("/own")).await;
    let fine = ask(service(), &process(), get_request("/fine")).await;

    assert_eq!(own.headers()["content-type"], "application/json");
    assert_eq!(json_of(own).await, json!({ "own": true }));
    assert_eq!(axum::body::to_bytes(fine.into_body(), 64).await.unwrap(), "fine");
}

#[tokio::test]
async fn a_callers_request_id_is_kept_when_it_is_plain() {
    let ask_with = async |id: &'static str| {
        let request = Request::get("/livez")
            .header("x-request-id", id)
            .body(Body::empty())
            .unwrap();
        let response = ask(Service::new("test", Router::new(), 1_024), &process(), request).await;
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };

    assert_eq!(ask_with("trace-1.a_B").await, "trace-1.a_B");
    assert_ne!(ask_with("forged line=1").await, "forged line=1");
    assert_eq!(ask_with("").await.len(), 36);
}

#[tokio::test]
async fn a_service_is_ready_when_every_check_is_and_lives_in_any_case() {
    let service = || {
        Service::new("test", Router::new(), 1_024)
            .ready_when("database", || async { Ok::<_, String>(()) })
            .ready_when("datastore", || async {
                Err("canary: cannot connect to 10.0.0.1")
            })
    };

    let ready = ask(
        Service::new("test", Router::new(), 1_024).ready_when("database", || async { Ok::<_, String>(()) }),
        &process(),
        get_request("/readyz"),
    )
    .await;
    let unready = ask(service(), &process(), get_request("/readyz")).await;
    let alive = ask(service(), &process(), get_request("/livez")).await;

    assert_eq!(ready.status(), StatusCode::OK);
    assert_eq!(alive.status(), StatusCode::OK);
    assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unready.headers()["retry-after"], "5");
    let problem = json_of(unready).await;
    assert_eq!(
        problem["checks"],
        json!({ "database": "ok", "datastore": "failed" })
    );
    assert!(!problem.to_string().contains("canary"));
}

#[tokio::test]
async fn a_check_that_hangs_is_not_waited_for() {
    let hand = runtime::clock::ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
    let process = Process::new(Config::default(), hand.clock());
    let service = Service::new("test", Router::new(), 1_024)
        .ready_when("datastore", std::future::pending::<Result<(), String>>);

    let advance = async {
        hand.until_asleep(1).await;
        hand.advance(Duration::from_secs(2));
    };
    let (response, ()) = tokio::join!(
        timeout(SOON, ask(service, &process, get_request("/readyz"))),
        advance
    );

    assert_eq!(response.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_process_that_drains_is_not_ready() {
    let process = process();
    process.stop.request();

    let response = ask(
        Service::new("test", Router::new(), 1_024),
        &process,
        get_request("/readyz"),
    )
    .await;

    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let process = process();
    let routes = Router::new().route("/v1/users/{id}", get(|| async {}));
    let service = || Service::new("counted", routes.clone(), 1_024);
    ask(service(), &process, get_request("/v1/users/canary-user")).await;
    ask(service(), &process, get_request("/canary-path")).await;

    let response = ask(service(), &process, get_request("/metrics")).await;

    let text = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains("route=\"/v1/users/{id}\""), "{text}");
    assert!(text.contains("noroshi_http_request_seconds_bucket"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
