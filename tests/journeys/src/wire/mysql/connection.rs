//! One connection of a client, and its own to the server.
//!
//! Commands and answers go on frame by frame, without waiting for each other, until a rule takes
//! a command out. What the client is not to see is then done without it: its connection may be
//! long gone when the server's is still needed.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::sleep;

use super::frame::{Frames, refusal};
use super::session::{Session, Statement, offer_no_tls};
use crate::wire::fault::Fault;
use crate::wire::proxy::{Cut, Wire};
use crate::wire::rule::Strike;

/// Two connections that are one session.
struct Line {
    client: Side,
    server: Side,
    wire: Arc<Wire<Statement>>,
    cut: Cut,
}

struct Side {
    from: BufReader<OwnedReadHalf>,
    to: BufWriter<OwnedWriteHalf>,
}

/// Why commands are passed on no more.
enum End {
    /// A side has left, or was cut off.
    Left,
    /// This command was taken out.
    Struck(Strike, Frames),
}

pub(super) async fn serve(client: TcpStream, mut cut: Cut, wire: Arc<Wire<Statement>>) {
    let client = Side::of(client);
    let session = Session::new();
    if let Some(strike) = wire.strike(session.statement()) {
        match strike.fault {
            Fault::Slow(by) => sleep(by).await,
            Fault::Reset => return client.reset(),
            Fault::Hang => {
                tokio::select! {
                    () = strike.withdrawn() => return,
                    () = cut.cut() => return,
                }
            }
            Fault::Refuse(code) => return client.refuse(code).await,
            Fault::DropRequest | Fault::DropReply | Fault::Late(_) | Fault::Twice => return,
        }
    }
    let Ok(server) = wire.connect().await else {
        return;
    };
    let server = Side::of(server);
    let line = Line {
        client,
        server,
        wire,
        cut,
    };
    // An error is a connection that has ended, and with it the other.
    let _ = line.carry(session).await;
}

impl Line {
    /// Carries a session until one side leaves it, or it is struck and cannot go on.
    async fn carry(mut self, session: Session) -> io::Result<()> {
        let mut greeting = Frames::default();
        greeting.read_one(&mut self.server.from).await?;
        offer_no_tls(greeting.payload_mut());
        self.client.say(greeting.as_bytes()).await?;

        let session = Mutex::new(session);
        loop {
            let Self {
                client,
                server,
                wire,
                cut,
            } = &mut self;
            let end = tokio::select! {
                end = pass_commands(&mut client.from, &mut server.to, &session, wire) => end?,
                ended = pass_answers(&mut server.from, &mut client.to, &session) => return ended,
                () = cut.cut() => End::Left,
            };
            let End::Struck(strike, command) = end else {
                return Ok(());
            };
            self = match self.befall(&strike, &command, &session).await? {
                Some(line) => line,
                None => return Ok(()),
            };
        }
    }

    /// Does to a command what its rule says. Returns the line if the session goes on.
    async fn befall(
        mut self,
        strike: &Strike,
        command: &Frames,
        session: &Mutex<Session>,
    ) -> io::Result<Option<Self>> {
        match strike.fault {
            Fault::DropRequest => {}
            Fault::DropReply => {
                let _late = self.wire.late();
                self.server.run(command).await?;
            }
            Fault::Late(by) => {
                let _late = self.wire.late();
                drop(self.client);
                sleep(by).await;
                self.server.run(command).await?;
            }
            Fault::Reset => self.client.reset(),
            Fault::Hang => {
                tokio::select! {
                    () = strike.withdrawn() => {}
                    () = self.cut.cut() => {}
                    // It has nothing to say before it is asked, so it has left.
                    _ = self.server.from.read_u8() => {}
                }
            }
            Fault::Slow(by) => {
                tokio::select! {
                    () = sleep(by) => {}
                    () = self.cut.cut() => return Ok(None),
                }
                lock(session).pass();
                self.server.say(command.as_bytes()).await?;
                return Ok(Some(self));
            }
            Fault::Refuse(code) => {
                let answer = refusal(code, command.sequence().wrapping_add(1));
                self.client.say(&answer).await?;
                return Ok(Some(self));
            }
            // No rule of this wire.
            Fault::Twice => {}
        }
        Ok(None)
    }
}

impl Side {
    fn of(stream: TcpStream) -> Self {
        let (from, to) = stream.into_split();
        Self {
            from: BufReader::new(from),
            to: BufWriter::new(to),
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes).await?;
        self.to.flush().await
    }

    /// Has the server run a command, and waits until it has.
    async fn run(&mut self, command: &Frames) -> io::Result<()> {
        self.say(command.as_bytes()).await?;
        Frames::default().read_one(&mut self.from).await
    }

    /// Refuses a connection, as a server does that has too many.
    async fn refuse(mut self, code: u16) {
        // Who has left needs no refusal.
        let _ = self.say(&refusal(code, 0)).await;
    }

    /// Closes the connection by a reset.
    fn reset(self) {
        // Fails only for a connection that is gone, which is what is wanted.
        let _ = self.to.get_ref().as_ref().set_zero_linger();
    }
}

async fn pass_commands(
    from: &mut BufReader<OwnedReadHalf>,
    to: &mut BufWriter<OwnedWriteHalf>,
    session: &Mutex<Session>,
    wire: &Wire<Statement>,
) -> io::Result<End> {
    let mut command = Frames::default();
    loop {
        if command.read_command(from).await.is_err() {
            return Ok(End::Left);
        }
        // Others belong to the login.
        if command.sequence() == 0
            && let Some(strike) = strike(session, wire, &command)
        {
            return Ok(End::Struck(strike, command));
        }
        to.write_all(command.as_bytes()).await?;
        if from.buffer().is_empty() {
            to.flush().await?;
        }
    }
}

async fn pass_answers(
    from: &mut BufReader<OwnedReadHalf>,
    to: &mut BufWriter<OwnedWriteHalf>,
    session: &Mutex<Session>,
) -> io::Result<()> {
    let mut frame = Frames::default();
    loop {
        frame.read_one(from).await?;
        lock(session).answer(frame.sequence(), frame.payload());
        to.write_all(frame.as_bytes()).await?;
        // What came in one piece goes on in one piece.
        if from.buffer().is_empty() {
            to.flush().await?;
        }
    }
}

/// What is to be done to a command; nothing if it goes on, of which the session is told.
fn strike(session: &Mutex<Session>, wire: &Wire<Statement>, command: &Frames) -> Option<Strike> {
    let mut session = lock(session);
    let strike = wire.strike(session.read(command.payload())?);
    if strike.is_none() {
        session.pass();
    }
    strike
}

fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
