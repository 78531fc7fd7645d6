//! The pool on the wire: how many connections, how many streams on each, and their end.

use std::sync::Arc;
use std::time::Duration;

use campaign::Lane;
use provider::fcm::{self, Credentials, Fcm};
use provider::{Address, Gateways, Now, Outcome, Outgoing, PoolSettings, Proving, Target, Trust};
use tokio::task::JoinSet;

use crate::server::{PATIENCE, Server};
use crate::world::{message, now, pool, push};

fn gateways(base: &str, pool: PoolSettings) -> Arc<Gateways> {
    let fcm = Fcm::new(fcm::Config {
        target: Target::parse(base, &Trust::default()).unwrap(),
        project: "demo".to_owned(),
        credentials: Credentials::Token("t0k3n".to_owned()),
        pool,
        now: Now::new(now),
    });
    Arc::new(Gateways {
        fcm: Some(fcm.unwrap()),
        ..Gateways::default()
    })
}

fn send(gateways: &Arc<Gateways>, messages: usize) -> JoinSet<Outcome> {
    (0..messages)
        .map(|_| {
            let gateways = gateways.clone();
            async move {
                let message = message();
                let outgoing = Outgoing {
                    push: push(),
                    message: &message,
                    time_to_live: Duration::from_secs(60),
                };
                let address = Address::Fcm(fcm::Address::Token("d"));
                match gateways.slot(address, Lane::Bulk).await {
                    Ok(slot) => slot.send(&outgoing).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .collect()
}

async fn all_accepted(sends: JoinSet<Outcome>) {
    let outcomes = sends.join_all().await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == Outcome::Accepted),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn as_many_connections_are_opened_as_the_load_needs_and_no_stream_is_one_too_many() {
    let server = Server::start(100).await;
    let settings = PoolSettings {
        connections: 8,
        streams: 10,
        ..pool()
    };
    let gateways = gateways(&server.base, settings);

    let few = send(&gateways, 10);
    server.until_under_way(10).await;
    let for_few = server.connections();
    let more = send(&gateways, 25);
    server.until_under_way(35).await;
    let for_more = server.connections();
    let most = send(&gateways, 65);
    server.until_under_way(80).await;
    server.answer(100);
    for sends in [few, more, most] {
        all_accepted(sends).await;
    }

    assert_eq!((for_few, for_more, server.connections()), (1, 4, 8));
    assert_eq!(server.most(), 10);
}

#[tokio::test]
async fn a_peer_that_allows_fewer_streams_gets_no_more() {
    let server = Server::start(7).await;
    let settings = PoolSettings {
        connections: 2,
        ..pool()
    };
    let gateways = gateways(&server.base, settings);

    let sends = send(&gateways, 40);
    server.until_under_way(14).await;
    server.answer(40);
    all_accepted(sends).await;

    assert_eq!((server.connections(), server.most()), (2, 7));
}

#[tokio::test]
async fn a_connection_that_has_to_be_proven_carries_one_request_until_it_is() {
    let server = Server::start(100).await;
    let settings = PoolSettings {
        proving: Proving::OneStream,
        ..pool()
    };
    let apns = {
        let target = || Target::parse(&server.base, &Trust::default()).unwrap();
        provider::apns::Apns::new(provider::apns::Config {
            production: target(),
            sandbox: target(),
            key: provider::apns::Key {
                key: provider::SigningKey::generate(),
                key_id: "K".to_owned(),
                team_id: "T".to_owned(),
            },
            topic: None,
            pool: settings,
            now: Now::new(now),
        })
    };
    let gateways = Arc::new(Gateways {
        apns: Some(apns.unwrap()),
        ..Gateways::default()
    });
    let mut sends = JoinSet::new();
    for _ in 0..20 {
        let gateways = gateways.clone();
        sends.spawn(async move {
            let (token, message) = ("0a".repeat(32), message());
            let address = Address::Apns(provider::apns::Address {
                token: &token,
                topic: None,
                environment: provider::apns::Environment::Production,
            });
            let outgoing = Outgoing {
                push: push(),
                message: &message,
                time_to_live: Duration::from_secs(60),
            };
            gateways
                .slot(address, Lane::Fast)
                .await
                .unwrap()
                .send(&outgoing)
                .await
        });
    }

    server.until_under_way(1).await;
    server.answer(1);
    server.until_under_way(19).await;
    server.answer(19);
    all_accepted(sends).await;

    assert_eq!((server.was_crowded(), server.connections()), (false, 1));
}

#[tokio::test]
async fn a_connection_that_says_goaway_answers_what_it_has_and_is_replaced() {
    let server = Server::start(100).await;
    let gateways = gateways(&server.base, pool());
    let before = send(&gateways, 5);
    server.until_under_way(5).await;

    server.go_away();
    server.answer(5);
    all_accepted(before).await;
    server.answer(5);
    all_accepted(send(&gateways, 5)).await;

    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_old_connection_is_replaced() {
    let server = Server::start(100).await;
    let settings = PoolSettings {
        age: Duration::from_millis(20),
        ..pool()
    };
    let gateways = gateways(&server.base, settings);

    let replaced = async {
        while server.connections() < 2 {
            server.answer(1);
            all_accepted(send(&gateways, 1)).await;
        }
    };

    assert!(tokio::time::timeout(PATIENCE, replaced).await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_told_to_everybody_who_waits() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let gateways = gateways(&base, pool());

    let outcomes = send(&gateways, 50).join_all().await;

    let not_sent = Outcome::Unreachable(provider::Unreachable::NotDelivered { after: None });
    assert_eq!(outcomes, vec![not_sent; 50]);
}
