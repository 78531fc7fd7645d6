//! The wires of one process, and what is done on them.
//!
//! Every process has wires of its own to SQL, Datastore and its gateway, and from the queue; so
//! of everything that happens on a wire it is known whom it struck. A slip that nothing comes by
//! for is withdrawn after a while.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journeys::wire::{Fired, Injected, Rule, grpc, http, mysql};
use runtime::clock::Moment;
use serde_json::Value;
use uuid::Uuid;

use super::slip::Slip;

/// A slip that has not struck by then is withdrawn: what it is for does not happen just now.
const IN_FORCE: Duration = Duration::from_secs(15);

/// A hang is ended after this time, by a cut. Everything else is over by itself before.
const HANG: Duration = Duration::from_secs(2);

/// The wires of one process.
#[derive(Debug)]
pub(super) struct Wires {
    pub(super) sql: Option<mysql::Proxy>,
    pub(super) datastore: grpc::Proxy,
    pub(super) gateway: http::Proxy,
    /// From the queue to the process.
    pub(super) handler: http::Proxy,
    pending: Vec<Pending>,
}

/// A slip that has struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Struck {
    pub(super) slip: Slip,
    /// The push of the message that it struck, on the way to a gateway.
    pub(super) push: Option<u128>,
}

#[derive(Debug)]
struct Pending {
    slip: Slip,
    injected: Injected,
    /// The message that its rule was for last: the one that it struck.
    message: Arc<Mutex<Option<u128>>>,
    /// When it is withdrawn.
    until: Moment,
    has_struck: bool,
}

impl Wires {
    /// Transparent wires to these servers.
    pub(super) async fn start(
        sql: Option<&str>,
        datastore: SocketAddr,
        gateway: SocketAddr,
        handler: SocketAddr,
        seed: u64,
    ) -> Self {
        let sql = match sql {
            Some(server) => Some(mysql::Proxy::start(server, seed).await),
            None => None,
        };
        Self {
            sql,
            datastore: grpc::Proxy::start(datastore, seed).await,
            gateway: http::Proxy::start(gateway, seed).await,
            handler: http::Proxy::start(handler, seed).await,
            pending: Vec::new(),
        }
    }

    /// Puts a slip in force, once. One of a wire that is not there does nothing.
    pub(super) fn inject(&mut self, slip: Slip, now: Moment) {
        let message = Arc::default();
        let injected = match slip {
            Slip::Sql(what, fault) => match &self.sql {
                Some(wire) => wire.inject(Rule::new(fault, move |statement| what.concerns(statement))),
                None => return,
            },
            Slip::Datastore(what, fault) => self
                .datastore
                .inject(Rule::new(fault, move |call| what.concerns(call))),
            Slip::Gateway(fault) => self.gateway.inject(Rule::new(fault, sends(&message))),
            Slip::Handler(fault) => self
                .handler
                .inject(Rule::new(fault, http::posts("/tasks/deliver"))),
        };
        self.pending.push(Pending {
            slip,
            injected,
            message,
            until: now + IN_FORCE,
            has_struck: false,
        });
    }

    /// What has struck since the last look.
    pub(super) fn look(&mut self, now: Moment) -> Vec<Struck> {
        let mut struck = Vec::new();
        for pending in &mut self.pending {
            if !pending.has_struck && pending.injected.count() > 0 {
                pending.has_struck = true;
                pending.until = now + HANG;
                struck.push(Struck {
                    slip: pending.slip,
                    push: *lock(&pending.message),
                });
            }
        }
        self.pending.retain(|pending| now < pending.until);
        struck
    }

    /// Slips that may still strike.
    pub(super) fn in_force(&self) -> usize {
        self.pending.iter().filter(|pending| !pending.has_struck).count()
    }

    /// Withdraws everything, and waits until what is late has arrived.
    pub(super) async fn heal(&mut self) {
        self.pending.clear();
        if let Some(sql) = &self.sql {
            sql.at_rest().await;
        }
        self.datastore.at_rest().await;
        self.gateway.at_rest().await;
        self.handler.at_rest().await;
    }

    /// What has happened on them.
    pub(super) fn fired(&self) -> Fired {
        let mut fired = self.datastore.fired();
        fired += &self.gateway.fired();
        fired += &self.handler.fired();
        if let Some(sql) = &self.sql {
            fired += &sql.fired();
        }
        fired
    }
}

/// For a rule about messages to a gateway, which notes the push of the one that it was for last.
fn sends(message: &Arc<Mutex<Option<u128>>>) -> impl Fn(&http::Request) -> bool + use<> {
    let message = message.clone();
    let posts = http::posts("messages:send");
    move |request| {
        let is_one = posts(request);
        if is_one {
            *lock(&message) = push_of(&request.body);
        }
        is_one
    }
}

fn push_of(body: &[u8]) -> Option<u128> {
    let message: Value = serde_json::from_slice(body).ok()?;
    let push = message.pointer("/message/data/push_id")?.as_str()?;
    Some(push.parse::<Uuid>().ok()?.as_u128())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
