//! A port in front of a server, and the switch for all that goes through it.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::fault::{Fault, Fired};
use super::rule::{Injected, Rule, Rules, Strike};

/// Between clients and a server, in the way of requests `R`. Dropped, it ends with all its
/// connections and whatever is still to be delivered.
pub struct Proxy<R> {
    address: SocketAddr,
    wire: Arc<Wire<R>>,
    _stop: DropGuard,
}

impl<R> Proxy<R> {
    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a rule in force; it is withdrawn when the answer is dropped.
    ///
    /// # Panics
    /// If the fault is none of this wire.
    pub fn inject(&self, rule: Rule<R>) -> Injected {
        let fault = rule.fault();
        assert!((self.wire.knows)(fault), "no {} on this wire", fault.name());
        self.wire.rules().inject(rule)
    }

    /// How often each kind of fault has struck, and how often the wire was cut and barred.
    pub fn fired(&self) -> Fired {
        self.wire.rules().fired.clone()
    }

    /// Cuts every connection in the middle of whatever it says. New ones get through: it is the
    /// whole of a short outage, or with [`Proxy::refuse`] the beginning of a long one.
    pub fn cut(&self) {
        self.wire.rules().fired.count("cut");
        self.wire.door.send_modify(|door| door.cuts += 1);
    }

    /// Refuses new connections until [`Proxy::heal`]; those that are open stay.
    pub fn refuse(&self) {
        self.wire.rules().fired.count("bar");
        self.wire.door.send_modify(|door| door.barred = true);
    }

    /// Lets new connections through again.
    pub fn heal(&self) {
        self.wire.door.send_modify(|door| door.barred = false);
    }

    /// Waits until nothing is under way any more whose client was cut off: every late request
    /// has reached the server and been answered, or has failed to.
    pub async fn at_rest(&self) {
        let mut late = self.wire.late.subscribe();
        let none = late.wait_for(|late| *late == 0).await;
        none.expect("the wire holds the sender");
    }
}

impl<R: Send + Sync + 'static> Proxy<R> {
    /// Listens, and lets `serve` have every connection that comes.
    pub(super) async fn listen<S>(
        upstream: impl Display,
        seed: u64,
        knows: fn(Fault) -> bool,
        serve: impl Fn(TcpStream, Cut, Arc<Wire<R>>) -> S + Send + 'static,
    ) -> Self
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let wire = Arc::new(Wire {
            upstream: upstream.to_string(),
            knows,
            rules: Mutex::new(Rules::new(seed)),
            door: watch::Sender::new(Door::default()),
            late: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        wire.spawn(accept(listener, wire.clone(), serve));
        Self {
            address,
            _stop: wire.stop.clone().drop_guard(),
            wire,
        }
    }
}

impl<R> fmt::Debug for Proxy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &self.address)
            .field("upstream", &self.wire.upstream)
            .finish_non_exhaustive()
    }
}

/// What all connections of a proxy share.
pub(super) struct Wire<R> {
    upstream: String,
    knows: fn(Fault) -> bool,
    rules: Mutex<Rules<R>>,
    door: watch::Sender<Door>,
    /// Requests that are under way or to be, and whose client was cut off.
    late: watch::Sender<usize>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Clone, Copy, Debug, Default)]
struct Door {
    barred: bool,
    /// A connection that is older than the last cut is gone.
    cuts: u64,
}

impl<R> Wire<R> {
    /// What is to be done to a request.
    pub(super) fn strike(&self, request: &R) -> Option<Strike> {
        self.rules().strike(request)
    }

    /// A new connection to the server.
    pub(super) async fn connect(&self) -> std::io::Result<TcpStream> {
        let server = TcpStream::connect(&self.upstream).await?;
        server.set_nodelay(true)?;
        Ok(server)
    }

    /// Runs a task to its end or the proxy's, whoever waits for it.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        self.tasks
            .spawn(self.stop.clone().run_until_cancelled_owned(task))
    }

    /// Until the guard is dropped, something is under way whose client was cut off.
    pub(super) fn late(self: &Arc<Self>) -> Late<R> {
        self.late.send_modify(|late| *late += 1);
        Late(self.clone())
    }

    fn rules(&self) -> MutexGuard<'_, Rules<R>> {
        // A rule that panicked has been told to whoever wrote it; the others go on.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps [`Proxy::at_rest`] waiting.
pub(super) struct Late<R>(Arc<Wire<R>>);

impl<R> Drop for Late<R> {
    fn drop(&mut self) {
        self.0.late.send_modify(|late| *late -= 1);
    }
}

/// When a connection is cut.
pub(super) struct Cut {
    door: watch::Receiver<Door>,
    cuts: u64,
}

impl Cut {
    /// Waits for the next cut of the whole wire.
    pub(super) async fn cut(&mut self) {
        let cuts = self.cuts;
        // The wire holds the sender, and every connection the wire.
        let _ = self.door.wait_for(|door| door.cuts > cuts).await;
    }
}

async fn accept<R, S>(
    listener: TcpListener,
    wire: Arc<Wire<R>>,
    serve: impl Fn(TcpStream, Cut, Arc<Wire<R>>) -> S,
) where
    S: Future<Output = ()> + Send + 'static,
{
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors: the next one may do.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let door = wire.door.subscribe();
        let Door { barred, cuts } = *door.borrow();
        if barred {
            // Both fail only for a connection that is gone, which is what is wanted.
            let _ = client.set_zero_linger();
            continue;
        }
        let _ = client.set_nodelay(true);
        wire.spawn(serve(client, Cut { door, cuts }, wire.clone()));
    }
}
