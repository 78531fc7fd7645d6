//! The wires of a stage: between the process under test and the servers that a case has lies for.
//!
//! A wire that no lie is about is not laid, and the process talks to the server itself.

use std::net::SocketAddr;

use journeys::wire::grpc::{self, calls};
use journeys::wire::http::{self, posts};
use journeys::wire::mysql::{self, Statement};
use journeys::wire::{Injected, Proxy, Rule};
use serde_json::Value;

use super::servers::Servers;
use crate::case::{Call, Lie, SqlCommit};

/// What a wire draws shares from; no rule here has one.
pub(super) const SEED: u64 = 0;

/// The wires, and what they do wrong.
#[derive(Debug, Default)]
pub(super) struct Wires {
    sql: Option<mysql::Proxy>,
    datastore: Option<grpc::Proxy>,
    handler: Option<http::Proxy>,
    told: Vec<(Lie, Injected)>,
}

impl Wires {
    /// Lays those that `lies` are about.
    pub(super) async fn lay(servers: &Servers, lies: impl Iterator<Item = Lie>) -> Self {
        let mut wires = Self::default();
        for lie in lies {
            match lie.call {
                Call::Sql(_) => {
                    let server = servers.sql_server();
                    let server = server.expect("a case that needs a SQL server is played on one");
                    wires.sql = Some(mysql::Proxy::start(server, SEED).await);
                }
                Call::Datastore(_) => {
                    wires.datastore = Some(grpc::Proxy::start(servers.datastore(), SEED).await);
                }
                // It is behind one in every case.
                Call::CreateTask => {}
                Call::Deliver | Call::DeliverFirstTask => {
                    wires.handler = Some(http::Proxy::start(servers.sender(), SEED).await);
                }
            }
        }
        wires
    }

    /// From now on, such a call is struck: the next one, or all of them.
    pub(super) fn tell(&mut self, lie: Lie, servers: &Servers) {
        let injected = match lie.call {
            Call::Sql(commit) => inject(self.sql.as_ref(), lie, is_commit_of(commit)),
            Call::Datastore(step) => inject(self.datastore.as_ref(), lie, grpc::commits(step)),
            Call::CreateTask => inject(Some(servers.queue()), lie, calls("CreateTask")),
            Call::Deliver => inject(self.handler.as_ref(), lie, posts("/tasks/deliver")),
            Call::DeliverFirstTask => inject(self.handler.as_ref(), lie, is_first_task),
        };
        self.told.push((lie, injected));
    }

    /// The lies that have happened.
    pub(super) fn happened(&self) -> impl Iterator<Item = Lie> {
        let struck = self.told.iter().filter(|(_, injected)| injected.count() > 0);
        struck.map(|(lie, _)| *lie)
    }

    /// Cuts every connection of that call's wire, and takes no new one until [`Wires::bring_up`].
    pub(super) fn take_down(&self, call: Call, servers: &Servers) {
        match call {
            Call::Sql(_) => down(self.sql.as_ref()),
            Call::Datastore(_) => down(self.datastore.as_ref()),
            Call::CreateTask => down(Some(servers.queue())),
            Call::Deliver | Call::DeliverFirstTask => down(self.handler.as_ref()),
        }
    }

    /// Takes connections again, on every wire.
    pub(super) fn bring_up(&self, servers: &Servers) {
        up(self.sql.as_ref());
        up(self.datastore.as_ref());
        up(Some(servers.queue()));
        up(self.handler.as_ref());
    }

    /// Where the process under test reaches SQL, if not at the server itself.
    pub(super) fn sql(&self) -> Option<SocketAddr> {
        self.sql.as_ref().map(Proxy::address)
    }

    /// The same of Datastore.
    pub(super) fn datastore(&self) -> Option<SocketAddr> {
        self.datastore.as_ref().map(Proxy::address)
    }

    /// Where the queue reaches the sender, if not at the sender itself.
    pub(super) fn handler(&self) -> Option<SocketAddr> {
        self.handler.as_ref().map(Proxy::address)
    }
}

fn inject<R: Send + Sync + 'static>(
    wire: Option<&Proxy<R>>,
    lie: Lie,
    concerns: impl Fn(&R) -> bool + Send + Sync + 'static,
) -> Injected {
    let rule = Rule::new(lie.fault, concerns);
    let wire = wire.expect("a wire is laid for every lie of the case");
    wire.inject(if lie.is_lasting() { rule.always() } else { rule })
}

fn down<R>(wire: Option<&Proxy<R>>) {
    if let Some(wire) = wire {
        // In this order, or whoever is cut off is back at once.
        wire.refuse();
        wire.cut();
    }
}

fn up<R>(wire: Option<&Proxy<R>>) {
    if let Some(wire) = wire {
        wire.heal();
    }
}

/// Tells a transaction by what it alone runs.
fn is_commit_of(commit: SqlCommit) -> impl Fn(&Statement) -> bool + Send + Sync + 'static {
    let runs: &[&str] = match commit {
        SqlCommit::Import => &["INSERT INTO audience_chunk"],
        SqlCommit::Expanded => &["DELETE FROM fan_out_stripe"],
        SqlCommit::Reserve => &["INSERT INTO stock_reservation"],
        SqlCommit::Grants => &["INSERT INTO intent"],
        SqlCommit::Totals => &["UPDATE chunk_tally", "closed = VALUES(closed)"],
        SqlCommit::LeaseIntents => &["UPDATE intent SET lease_token"],
        SqlCommit::CloseIntent => &["UPDATE intent SET state = 'closed'", "INSERT INTO inconsistency"],
    };
    move |statement| statement.is_commit() && runs.iter().all(|part| statement.has_run(part))
}

/// The first task of the first chunk: one that always fails must not keep the chunk from its
/// second.
fn is_first_task(request: &http::Request) -> bool {
    let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    body["chunk_no"] == 0 && body["generation"] == 1
}
