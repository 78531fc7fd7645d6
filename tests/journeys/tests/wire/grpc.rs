//! The wire to Datastore and to the queue, as `push_store` and `task_queue` meet it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use campaign::{
    AudienceId, CampaignId, ChunkId, HandOverTerms, Lane, LeaseTerms, LeaseToken, Places, PushId, Reason,
    SendTime, Standing, TimerShards,
};
use chrono::{DateTime, Utc};
use emulator::{datastore, tasks};
use gcloud_sdk::google::cloud::tasks::v2::CreateTaskRequest;
use gcloud_sdk::tonic::Code;
use journeys::wire::grpc::{Call, Proxy, Step, calls, commits};
use journeys::wire::{Fault, Rule};
use push_store::{
    Afterwards, AttemptCount, Commit, Error, Expansion, NewChunk, NewPush, Open, PushStore, Redone, Settings,
};
use task_queue::{Delivery, Enqueued, Oidc, TaskQueue};
use uuid::Uuid;

/// Longer than what was meant to happen before it takes.
const LATER: Duration = Duration::from_secs(2);

/// A Datastore, reached past the wire and over it.
struct World {
    past: PushStore,
    over: PushStore,
    wire: Proxy,
    _server: datastore::Server,
}

impl World {
    async fn new() -> Self {
        Self::with_deadline(Duration::from_secs(20)).await
    }

    async fn with_deadline(deadline: Duration) -> Self {
        let server = datastore::Server::start(datastore::Config::default(), ([127, 0, 0, 1], 0).into());
        let server = server.await.unwrap();
        let wire = Proxy::start(server.address(), 1).await;
        let connect = |address| {
            PushStore::connect(Settings {
                endpoint: format!("http://{address}"),
                project: "wire".to_owned(),
                database: String::new(),
                namespace: String::new(),
                deadline,
            })
        };
        Self {
            past: connect(server.address()).await.unwrap(),
            over: connect(wire.address()).await.unwrap(),
            wire,
            _server: server,
        }
    }

    /// An expanded chunk.
    async fn chunk(&self, size: usize) -> ChunkId {
        let new = new_chunk(CampaignId::allocate(), size);
        let id = ChunkId::of(new.campaign, 0);
        let expanded = self.past.expand(new, noon()).await.unwrap();
        assert!(matches!(expanded, Expansion::Expanded(_)), "{expanded:?}");
        id
    }

    /// A transaction over the wire that is to raise every push of the chunk.
    async fn raising(&self, chunk: ChunkId) -> Open {
        let pushes = self.pushes(chunk).await;
        let mut open = self.over.open(chunk, &pushes).await.unwrap().unwrap();
        for push in pushes {
            open.raise(push, Standing::Granted, noon());
        }
        open
    }

    async fn pushes(&self, chunk: ChunkId) -> Vec<PushId> {
        let pushes = self.past.list_pushes(chunk).await.unwrap();
        pushes.into_iter().map(|push| push.id).collect()
    }

    async fn granted(&self, chunk: ChunkId) -> u64 {
        self.past.find_chunk(chunk).await.unwrap().unwrap().tally.granted
    }
}

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn new_chunk(campaign: CampaignId, size: usize) -> NewChunk {
    let recipient = |place| NewPush {
        user: format!("user-{place}"),
        locale: None,
        variables: vec![("rank".to_owned(), "狼煙".repeat(100))],
    };
    NewChunk {
        campaign,
        no: 0,
        audience: AudienceId(Uuid::from_u128(1)),
        digest: [7; 32],
        timer: TimerShards::for_audience(1).key(campaign, 0),
        send_time: SendTime::At(noon()),
        expires_at: noon() + Duration::from_secs(86_400),
        recipients: (0..size).map(|place| Some(recipient(place))).collect(),
    }
}

fn is_unknown(outcome: &Commit) -> bool {
    matches!(outcome, Commit::Unknown(Error::Unreachable(_)))
}

#[tokio::test]
async fn a_dropped_commit_reply_is_applied_and_told_as_unknown() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    let open = world.raising(chunk).await;

    let lost = world
        .wire
        .inject(Rule::new(Fault::DropReply, commits(Step::Raise)));
    let outcome = open.commit().await;

    assert!(is_unknown(&outcome), "{outcome:?}");
    assert_eq!(world.granted(chunk).await, 3);
    assert_eq!(lost.count(), 1);
    assert_eq!(
        (world.wire.fired().of("drop_reply"), world.wire.fired().total()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_dropped_commit_request_is_told_as_unknown_and_never_applied() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    for fault in [Fault::DropRequest, Fault::Reset] {
        let open = world.raising(chunk).await;

        let lost = world.wire.inject(Rule::new(fault, commits(Step::Raise)));
        let outcome = open.commit().await;

        assert!(is_unknown(&outcome), "{fault:?}: {outcome:?}");
        assert_eq!((world.granted(chunk).await, lost.count()), (0, 1));
    }
}

#[tokio::test]
async fn a_late_commit_is_in_doubt_until_it_lands_and_needs_no_client() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    let open = world.raising(chunk).await;

    let _late = world
        .wire
        .inject(Rule::new(Fault::Late(LATER), commits(Step::Raise)));
    let outcome = open.commit().await;

    assert!(is_unknown(&outcome), "{outcome:?}");
    assert_eq!(world.granted(chunk).await, 0);
    world.wire.cut();
    world.wire.at_rest().await;
    assert_eq!(world.granted(chunk).await, 3);
}

#[tokio::test]
async fn a_refused_commit_is_answered_in_the_servers_name() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    let open = world.raising(chunk).await;

    let aborted = Fault::Refuse(Code::Aborted as u16);
    let _refused = world.wire.inject(Rule::new(aborted, commits(Step::Raise)));
    let outcome = open.commit().await;

    assert!(
        matches!(outcome, Commit::NotCommitted(Error::Conflict(_))),
        "{outcome:?}"
    );
    assert_eq!(world.granted(chunk).await, 0);
}

#[tokio::test]
async fn a_hung_call_ends_at_its_deadline_and_in_nobodys_way() {
    let world = World::with_deadline(LATER).await;
    let chunk = world.chunk(3).await;
    let open = world.raising(chunk).await;

    let hung = world.wire.inject(Rule::new(Fault::Hang, commits(Step::Raise)));
    let (outcome, other) = tokio::join!(open.commit(), async {
        hung.fired().await;
        world.over.find_chunk(chunk).await
    });

    assert!(is_unknown(&outcome), "{outcome:?}");
    assert!(other.unwrap().is_some());
    assert_eq!(world.granted(chunk).await, 0);
}

#[tokio::test]
async fn a_slow_commit_comes_through() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    let open = world.raising(chunk).await;

    let slow = world
        .wire
        .inject(Rule::new(Fault::Slow(LATER), commits(Step::Raise)));
    let (outcome, granted_before) = tokio::join!(open.commit(), async {
        slow.fired().await;
        world.granted(chunk).await
    });

    assert!(matches!(outcome, Commit::Committed), "{outcome:?}");
    assert_eq!((granted_before, world.granted(chunk).await), (0, 3));
}

#[tokio::test]
async fn a_reset_takes_the_whole_connection_down() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    let _hung = world.wire.inject(Rule::new(Fault::Hang, calls("Lookup")));
    let reset = world.wire.inject(Rule::new(Fault::Reset, calls("RunQuery")));

    let (lookup, query) = tokio::join!(world.over.find_chunk(chunk), world.over.list_pushes(chunk));

    assert!(matches!(lookup, Err(Error::Unreachable(_))), "{lookup:?}");
    assert!(matches!(query, Err(Error::Unreachable(_))), "{query:?}");
    assert_eq!(reset.count(), 1);
    assert!(world.over.find_chunk(chunk).await.unwrap().is_some());
}

#[tokio::test]
async fn an_outage_ends_what_is_open_and_lets_nobody_in_until_it_is_over() {
    let world = World::new().await;
    let chunk = world.chunk(3).await;
    world.over.ping().await.unwrap();

    world.wire.refuse();
    world.wire.cut();

    let away = world.over.find_chunk(chunk).await;
    assert!(matches!(away, Err(Error::Unreachable(_))), "{away:?}");
    world.wire.heal();
    assert!(world.over.find_chunk(chunk).await.unwrap().is_some());
}

#[tokio::test]
async fn a_commit_of_five_hundred_entities_passes_unharmed() {
    let world = World::new().await;
    let new = new_chunk(CampaignId::allocate(), 499);
    let id = ChunkId::of(new.campaign, 0);

    world.over.expand(new.clone(), noon()).await.unwrap();

    let over = world.over.list_pushes(id).await.unwrap();
    assert_eq!(over, world.past.list_pushes(id).await.unwrap());
    let found = over.into_iter().map(|push| (push.user.unwrap(), push.variables));
    let asked = new.recipients.into_iter().flatten();
    assert!(found.eq(asked.map(|recipient| (recipient.user, recipient.variables))));
}

#[tokio::test]
async fn every_step_of_a_chunk_is_known_by_its_commit() {
    let world = World::new().await;
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let seen = steps.clone();
    // Strikes nothing: it only looks.
    let _looking = world.wire.inject(Rule::new(Fault::Reset, move |call: &Call| {
        seen.lock().unwrap().extend(call.step());
        false
    }));

    take_every_step(&world.over).await;

    use Step::{Cancel, Close, Delete, Erase, Expand, GiveBack, Lease, Queue, Raise, Settle};
    assert_eq!(
        *steps.lock().unwrap(),
        [
            Expand, Queue, GiveBack, Queue, Lease, Raise, Settle, GiveBack, Queue, Lease, Close, Expand,
            Erase, Cancel, Settle, Delete
        ]
    );
}

async fn take_every_step(store: &PushStore) {
    let hand_over = HandOverTerms {
        look_ahead: Duration::ZERO,
        pick_up: Duration::from_secs(60),
        pick_up_max: Duration::from_secs(60),
    };
    let terms = LeaseTerms {
        duration: Duration::from_secs(60),
        skew: Duration::from_secs(5),
    };
    let (token, now) = (LeaseToken::allocate(), noon());
    let sent = Standing::Settled(Reason::Accepted);
    let give_back = Afterwards::GiveBack {
        token,
        at: now,
        count: AttemptCount::Counted,
    };
    let new = new_chunk(CampaignId::allocate(), 3);
    let id = ChunkId::of(new.campaign, 0);
    let push = |place| PushId::of(new.campaign, &format!("user-{place}"));

    store.expand(new.clone(), now).await.unwrap();
    store.queue(id, now, hand_over).await.unwrap();
    store.put_back(id, 0, now).await.unwrap();
    store.queue(id, now, hand_over).await.unwrap();
    store.lease(id, 1, token, now, terms).await.unwrap();
    let places = (0..3).collect::<Places>();
    let redone = store.redo_grants(id, &places, now).await.unwrap();
    assert_eq!(redone, Redone::Done { raised: 3 });
    let (first, rest) = ([(push(0), sent)], [(push(1), sent), (push(2), sent)]);
    store.settle(id, &first, Afterwards::GoOn, now).await.unwrap();
    store.settle(id, &[], give_back, now).await.unwrap();
    store.queue(id, now, hand_over).await.unwrap();
    store.lease(id, 2, token, now, terms).await.unwrap();
    store.settle(id, &rest, give_back, now).await.unwrap();

    let new = new_chunk(CampaignId::allocate(), 3);
    let id = ChunkId::of(new.campaign, 0);
    let push = |place| PushId::of(new.campaign, &format!("user-{place}"));
    store.expand(new.clone(), now).await.unwrap();
    store.erase(id, push(0), now).await.unwrap();
    store.cancel(id).await.unwrap();
    let late = [(push(1), sent)];
    store.settle(id, &late, Afterwards::GoOn, now).await.unwrap();
    store.delete_chunk(id).await.unwrap();
}

#[tokio::test]
async fn a_task_whose_answer_was_lost_is_with_the_queue() {
    let config = tasks::Config::new(tasks::Storage::Memory);
    let server = tasks::Server::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let wire = Proxy::start(server.address(), 1).await;
    let queue = TaskQueue::connect(task_queue::Settings {
        endpoint: format!("http://{}", wire.address()),
        project: "wire".to_owned(),
        location: "local".to_owned(),
        fast: "fast".to_owned(),
        bulk: "bulk".to_owned(),
        handler: "http://127.0.0.1:1/tasks/deliver".to_owned(),
        oidc: Oidc {
            service_account: "queue@wire".to_owned(),
            audience: "wire".to_owned(),
        },
        dispatch_deadline: Duration::from_secs(15),
        max_concurrent: 1,
        deadline: Duration::from_secs(20),
    })
    .await
    .unwrap();
    queue.create_queues().await.unwrap();
    let campaign = CampaignId::allocate();
    let delivery = Delivery {
        campaign,
        chunk: ChunkId::of(campaign, 0),
        chunk_no: 0,
        generation: 0,
    };
    let tomorrow = runtime::Clock::system().now() + Duration::from_secs(86_400);

    let lost = wire.inject(Rule::new(Fault::DropReply, |call: &Call| {
        let request = call.message::<CreateTaskRequest>();
        call.method() == "CreateTask" && request.is_some_and(|request| request.parent.ends_with("/bulk"))
    }));
    let fast = queue.enqueue(Lane::Fast, &delivery, tomorrow).await;
    let bulk = queue.enqueue(Lane::Bulk, &delivery, tomorrow).await;

    assert_eq!(fast.unwrap(), Enqueued::Created);
    assert!(matches!(bulk, Err(task_queue::Error::Unreachable(_))), "{bulk:?}");
    assert_eq!(lost.count(), 1);
    let again = queue.enqueue(Lane::Bulk, &delivery, tomorrow).await;
    assert_eq!(again.unwrap(), Enqueued::Existed);
    server.stop().await;
}
