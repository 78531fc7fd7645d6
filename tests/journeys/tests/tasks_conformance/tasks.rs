//! Calls on tasks, and the limits of what can be asked.

use chrono::{SubsecRound, TimeDelta};
use gcloud_sdk::google::cloud::tasks::v2::{
    AppEngineHttpRequest, CreateTaskRequest, HttpMethod, HttpRequest, OAuthToken, Queue, Task, http_request,
    task,
};
use tonic::Code;

use crate::on_every_engine;
use crate::world::{LOCATION, QUEUE, World, instant, millis, request_mut};

on_every_engine!(
    a_created_task_is_explicit_in_its_defaults,
    a_view_is_basic_unless_the_full_one_is_asked_for,
    tasks_are_listed_in_pages,
    a_deleted_task_is_gone_and_not_dispatched,
    what_is_beyond_the_limits_is_refused,
    what_is_not_supported_says_so,
    a_queue_that_does_not_exist_takes_no_task,
);

async fn a_created_task_is_explicit_in_its_defaults(world: World) {
    world.queue(Queue::default()).await;

    let mut task = world.create(world.task("one")).await.unwrap();

    assert_eq!(instant(&task.schedule_time), world.now());
    assert_eq!(instant(&task.create_time), world.now().trunc_subsecs(0));
    assert_eq!(task.dispatch_deadline, millis(600_000));
    assert_eq!(request_mut(&mut task).http_method(), HttpMethod::Post);
}

async fn a_view_is_basic_unless_the_full_one_is_asked_for(world: World) {
    world.queue(Queue::default()).await;
    let task = world.task_in("one", TimeDelta::days(1));

    let mut basic = world.create(task).await.unwrap();
    let mut full = world.get("one").await.unwrap();

    assert_eq!(basic.view(), task::View::Basic);
    assert!(request_mut(&mut basic).body.is_empty());
    assert_eq!(full.view(), task::View::Full);
    assert_eq!(request_mut(&mut full).body, b"one");
}

async fn tasks_are_listed_in_pages(world: World) {
    world.queue(Queue::default()).await;
    for n in 0..5 {
        let task = world.task_in(&format!("t-{n}"), TimeDelta::days(1));
        world.create(task).await.unwrap();
    }

    let mut names = Vec::new();
    let mut pages = 0;
    let mut token = String::new();
    loop {
        let page = world.list(token).await;
        pages += 1;
        names.extend(page.tasks.into_iter().map(|task| task.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }

    assert_eq!(pages, 3);
    assert_eq!(
        names,
        (0..5).map(|n| format!("{QUEUE}/tasks/t-{n}")).collect::<Vec<_>>()
    );
}

async fn a_deleted_task_is_gone_and_not_dispatched(world: World) {
    world.queue(Queue::default()).await;
    let task = world.task_in("one", TimeDelta::minutes(1));
    world.create(task).await.unwrap();

    world.delete("one").await.unwrap();
    let again = world.delete("one").await.unwrap_err();
    world.clock.advance(std::time::Duration::from_secs(60));
    world.create(world.task("fence")).await.unwrap();

    world.handler.received(1).await;
    assert_eq!(world.handler.bodies(), ["fence"]);
    assert_eq!(again.code(), Code::NotFound);
    assert_eq!(world.get("one").await.unwrap_err().code(), Code::NotFound);
}

async fn what_is_beyond_the_limits_is_refused(world: World) {
    world.queue(Queue::default()).await;
    let one = || world.task("one");
    let with = |change: &dyn Fn(&mut HttpRequest)| {
        let mut task = one();
        change(request_mut(&mut task));
        task
    };

    for (what, task) in [
        ("later than 30 days", world.task_in("one", TimeDelta::days(31))),
        (
            "a short deadline",
            Task {
                dispatch_deadline: millis(14_999),
                ..one()
            },
        ),
        (
            "a long deadline",
            Task {
                dispatch_deadline: millis(1_800_001),
                ..one()
            },
        ),
        (
            "no target",
            Task {
                message_type: None,
                ..one()
            },
        ),
        (
            "a large body",
            with(&|request| request.body = vec![0; 100 * 1024]),
        ),
        (
            "a body with GET",
            with(&|request| request.set_http_method(HttpMethod::Get)),
        ),
        ("no URL", with(&|request| request.url = "example".to_owned())),
        (
            "another scheme",
            with(&|request| request.url = "ftp://example.com/".to_owned()),
        ),
        (
            "a long URL",
            with(&|request| request.url = format!("http://a/{}", "x".repeat(2_083))),
        ),
        (
            "a bad header",
            with(&|request| drop(request.headers.insert("a b".to_owned(), String::new()))),
        ),
        (
            "large headers",
            with(&|request| drop(request.headers.insert("a".to_owned(), "x".repeat(80 * 1024)))),
        ),
    ] {
        assert_eq!(
            world.create(task).await.unwrap_err().code(),
            Code::InvalidArgument,
            "{what}"
        );
    }
    assert_eq!(world.get("one").await.unwrap_err().code(), Code::NotFound);
}

async fn what_is_not_supported_says_so(world: World) {
    world.queue(Queue::default()).await;
    let mut app_engine = world.task("one");
    app_engine.message_type = Some(task::MessageType::AppEngineHttpRequest(
        AppEngineHttpRequest::default(),
    ));
    let mut oauth = world.task("two");
    request_mut(&mut oauth).authorization_header = Some(http_request::AuthorizationHeader::OauthToken(
        OAuthToken::default(),
    ));

    for task in [app_engine, oauth] {
        assert_eq!(world.create(task).await.unwrap_err().code(), Code::Unimplemented);
    }
}

async fn a_queue_that_does_not_exist_takes_no_task(world: World) {
    let parent = format!("{LOCATION}/queues/none");
    let request = CreateTaskRequest {
        parent,
        task: Some(world.task("one")),
        response_view: 0,
    };

    let refused = world.client().create_task(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::NotFound);
}
