//! The wire to MySQL or MariaDB, as `database` meets it. Skipped, in so many words, where no
//! server is named.

use std::env;
use std::process::Command;
use std::time::Duration;

use campaign::{CampaignId, IntentId};
use chrono::{DateTime, Utc};
use database::shard::intent;
use database::{Commit, Db, Error, Settings, Tx, create_database, drop_database, migrate, opt_out, sql};
use journeys::processes::Process;
use journeys::wire::mysql::{Proxy, Statement, commits, connects, runs};
use journeys::wire::{Fault, Rule};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than what was meant to happen before it takes.
const LATER: Duration = Duration::from_secs(2);

/// MySQL's number for a deadlock.
const DEADLOCK: u16 = 1213;
/// And for one connection too many.
const TOO_MANY_CONNECTIONS: u16 = 1040;

/// A migrated database, reached past the wire and over it.
struct World {
    past: Db,
    over: Db,
    wire: Proxy,
    /// Of the connections over the wire.
    settings: Settings,
}

async fn on_mysql(case: impl AsyncFnOnce(&World)) {
    let Some(server) = journeys::engines::mysql_url() else {
        return say_skipped();
    };
    let name = format!("noroshi_wire_{}", Uuid::now_v7().simple());
    let direct = Settings::new(format!("{server}/{name}"));
    create_database(&direct).await.unwrap();
    let past = Db::connect(&direct).await.unwrap();
    migrate::run(&past).await.unwrap();
    let (user, address) = server.rsplit_once('@').unwrap();
    let wire = Proxy::start(address, 1).await;
    let settings = Settings {
        max_connections: 2,
        connect_within: Duration::from_secs(5),
        answer_within: Duration::from_secs(5),
        url: format!("{user}@{}/{name}", wire.address()),
    };
    let world = World {
        past,
        over: Db::connect(&settings).await.unwrap(),
        wire,
        settings,
    };

    case(&world).await;

    world.over.close().await;
    world.past.close().await;
    drop_database(&direct).await.unwrap();
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn say_skipped() {
    eprintln!("skipped: NOROSHI_TEST_MYSQL_URL names no server");
}

impl World {
    /// A transaction over the wire that has noted that `user` wants no pushes.
    async fn opting_out(&self, user: &str) -> Tx {
        let mut tx = self.over.begin().await.unwrap();
        opt_out::insert(&mut tx, user, noon()).await.unwrap();
        tx
    }

    /// A transaction over the wire that has written an intent.
    async fn intending(&self) -> Tx {
        let mut tx = self.over.begin().await.unwrap();
        let id = IntentId::allocate();
        intent::insert(&mut tx, id, CampaignId::allocate(), 0, &[1; 64], noon(), noon())
            .await
            .unwrap();
        tx
    }

    async fn is_opted_out(&self, user: &str) -> bool {
        opt_out::find(&self.past, user).await.unwrap().is_some()
    }
}

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn is_unknown(outcome: &Commit) -> bool {
    matches!(outcome, Commit::Unknown(Error::Unreachable(_)))
}

#[tokio::test]
async fn a_dropped_commit_reply_is_applied_and_told_as_unknown() {
    on_mysql(async |world| {
        let tx = world.opting_out("u1").await;

        let lost = world
            .wire
            .inject(Rule::new(Fault::DropReply, Statement::is_commit));
        let outcome = tx.commit().await;

        assert!(is_unknown(&outcome), "{outcome:?}");
        assert!(world.is_opted_out("u1").await);
        assert_eq!(lost.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_commit_request_is_told_as_unknown_and_never_applied() {
    on_mysql(async |world| {
        for fault in [Fault::DropRequest, Fault::Reset] {
            let tx = world.opting_out("u1").await;

            let _lost = world.wire.inject(Rule::new(fault, Statement::is_commit));
            let outcome = tx.commit().await;

            assert!(is_unknown(&outcome), "{fault:?}: {outcome:?}");
            // Waits for the lock until the server has noticed.
            let mut tx = world.past.begin().await.unwrap();
            let row = sql("SELECT since FROM opt_out WHERE user_id = 'u1' FOR UPDATE");
            assert!(row.fetch_all(&mut tx).await.unwrap().is_empty());
            tx.rollback().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_late_commit_is_in_doubt_until_it_lands() {
    on_mysql(async |world| {
        let tx = world.opting_out("u1").await;

        let _late = world
            .wire
            .inject(Rule::new(Fault::Late(LATER), Statement::is_commit));
        let outcome = tx.commit().await;

        assert!(is_unknown(&outcome), "{outcome:?}");
        assert!(!world.is_opted_out("u1").await);
        world.wire.at_rest().await;
        assert!(world.is_opted_out("u1").await);
    })
    .await;
}

#[tokio::test]
async fn a_late_commit_lands_after_its_client_was_killed() {
    on_mysql(async |world| {
        let directory = tempfile::tempdir().unwrap();
        let late = world
            .wire
            .inject(Rule::new(Fault::Late(LATER), Statement::is_commit));
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["mysql::the_client_that_is_killed", "--exact", "--ignored"])
            .env("WIRE_TEST_URL", &world.settings.url);
        let client = Process::start(command, directory.path().join("client.log"));

        late.fired().await;
        client.kill();

        assert!(!world.is_opted_out("killed").await);
        world.wire.at_rest().await;
        assert!(world.is_opted_out("killed").await);
    })
    .await;
}

#[tokio::test]
#[ignore = "a process of its own for another test"]
async fn the_client_that_is_killed() {
    let Ok(url) = env::var("WIRE_TEST_URL") else {
        return;
    };
    let db = Db::connect(&Settings::new(url)).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "killed", noon()).await.unwrap();
    let _outcome = tx.commit().await;
    std::future::pending().await
}

#[tokio::test]
async fn a_rule_chooses_one_kind_of_transaction_and_fires_exactly_once() {
    on_mysql(async |world| {
        let rule = Rule::new(Fault::DropReply, commits("INSERT INTO intent")).nth(2);
        let lost = world.wire.inject(rule);

        let mut outcomes = Vec::new();
        for n in 0..3 {
            outcomes.push(world.opting_out(&format!("u{n}")).await.commit().await);
            outcomes.push(world.intending().await.commit().await);
        }

        let unknown: Vec<_> = outcomes.iter().map(is_unknown).collect();
        assert_eq!(unknown, [false, false, false, true, false, false]);
        assert_eq!(lost.count(), 1);
        assert_eq!(
            (world.wire.fired().of("drop_reply"), world.wire.fired().total()),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn any_statement_can_be_struck() {
    on_mysql(async |world| {
        let mut tx = world.over.begin().await.unwrap();

        let lost = world
            .wire
            .inject(Rule::new(Fault::DropReply, runs("INSERT INTO opt_out")));
        let inserted = opt_out::insert(&mut tx, "u1", noon()).await;

        assert!(matches!(inserted, Err(Error::Unreachable(_))), "{inserted:?}");
        assert_eq!(lost.count(), 1);
        assert!(matches!(tx.commit().await, Commit::NotCommitted(_)));
    })
    .await;
}

#[tokio::test]
async fn a_refused_statement_is_answered_in_the_servers_name() {
    on_mysql(async |world| {
        let mut tx = world.over.begin().await.unwrap();

        let _refused = world
            .wire
            .inject(Rule::new(Fault::Refuse(DEADLOCK), runs("INSERT INTO opt_out")));
        let inserted = opt_out::insert(&mut tx, "u1", noon()).await;

        assert!(matches!(inserted, Err(Error::Busy(_))), "{inserted:?}");
        tx.rollback().await;
        let tx = world.opting_out("u2").await;
        assert!(matches!(tx.commit().await, Commit::Committed));
    })
    .await;
}

#[tokio::test]
async fn a_slow_commit_comes_through() {
    on_mysql(async |world| {
        let tx = world.opting_out("u1").await;

        let slow = world
            .wire
            .inject(Rule::new(Fault::Slow(LATER), Statement::is_commit));
        let (outcome, seen_before) = tokio::join!(tx.commit(), async {
            slow.fired().await;
            world.is_opted_out("u1").await
        });

        assert!(matches!(outcome, Commit::Committed), "{outcome:?}");
        assert!(!seen_before);
        assert!(world.is_opted_out("u1").await);
    })
    .await;
}

#[tokio::test]
async fn a_hung_commit_keeps_its_locks_until_the_rule_is_withdrawn() {
    on_mysql(async |world| {
        let impatient = Settings {
            answer_within: LATER,
            ..world.settings.clone()
        };
        let db = Db::connect(&impatient).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

        let hung = world.wire.inject(Rule::new(Fault::Hang, Statement::is_commit));
        let outcome = tx.commit().await;
        db.close().await;

        assert!(is_unknown(&outcome), "{outcome:?}");
        assert!(matches!(lock(world, "u1").await, Err(Error::Busy(_))));
        drop(hung);
        lock(world, "u1").await.unwrap();
        assert!(!world.is_opted_out("u1").await);
    })
    .await;
}

/// Takes the lock on a user's row, and gives it back.
async fn lock(world: &World, user: &str) -> Result<(), Error> {
    let mut tx = world.past.begin().await?;
    sql("SELECT since FROM opt_out WHERE user_id = ? FOR UPDATE")
        .bind(user)
        .fetch_all(&mut tx)
        .await?;
    tx.rollback().await;
    Ok(())
}

#[tokio::test]
async fn new_connections_can_be_struck_too() {
    on_mysql(async |world| {
        for fault in [
            Fault::DropRequest,
            Fault::Reset,
            Fault::Refuse(TOO_MANY_CONNECTIONS),
        ] {
            let struck = world.wire.inject(Rule::new(fault, connects).always());
            let impatient = Settings {
                connect_within: LATER,
                ..world.settings.clone()
            };

            let refused = Db::connect(&impatient).await;

            assert!(
                matches!(refused, Err(Error::Unreachable(_))),
                "{fault:?}: {refused:?}"
            );
            assert!(struck.count() > 0);
        }
        assert!(Db::connect(&world.settings).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn an_outage_ends_what_is_open_and_lets_nobody_in_until_it_is_over() {
    on_mysql(async |world| {
        let mut tx = world.opting_out("u1").await;
        let impatient = Settings {
            connect_within: LATER,
            ..world.settings.clone()
        };

        world.wire.refuse();
        world.wire.cut();

        let cut = opt_out::insert(&mut tx, "u2", noon()).await;
        assert!(matches!(cut, Err(Error::Unreachable(_))), "{cut:?}");
        let refused = Db::connect(&impatient).await;
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
        world.wire.heal();
        let mended = Db::connect(&world.settings).await.unwrap();
        assert!(opt_out::find(&mended, "u1").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_packet_as_large_as_the_server_takes_passes_unharmed() {
    on_mysql(async |world| {
        // MariaDB takes 16 MiB in all.
        let text = "狼煙".repeat((16 << 20) / 6 - 1_000);

        let row = sql("SELECT ? AS text")
            .bind(&text)
            .fetch_one(&world.over)
            .await
            .unwrap();

        assert!(row.get::<String>("text").unwrap() == text);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_proxy_ends_everything() {
    on_mysql(async |world| {
        let server = journeys::engines::mysql_url().unwrap();
        let (_, address) = server.rsplit_once('@').unwrap();
        let wire = Proxy::start(address, 1).await;
        let url = world
            .settings
            .url
            .replace(&world.wire.address().to_string(), &wire.address().to_string());
        let settings = Settings {
            url,
            connect_within: LATER,
            ..world.settings.clone()
        };
        let db = Db::connect(&settings).await.unwrap();
        let mut tx = db.begin().await.unwrap();

        drop(wire);

        let inserted = tokio::time::timeout(PATIENCE, opt_out::insert(&mut tx, "u1", noon())).await;
        assert!(matches!(inserted, Ok(Err(Error::Unreachable(_)))), "{inserted:?}");
        assert!(matches!(db.begin().await, Err(Error::Unreachable(_))));
    })
    .await;
}
