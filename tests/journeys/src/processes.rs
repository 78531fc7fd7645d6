//! Child processes, watched from outside as an operator would watch them.
//!
//! A [`Process`] writes its output to a log file. A test waits for what the process says or
//! answers, with a deadline, and never for a while; a process that ends early ends the wait. It is
//! killed when it is dropped, and when the test is failing the end of its log is shown then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How often a state is looked at again while it is waited for.
const POLL: Duration = Duration::from_millis(10);
/// How much of the log a failing test shows.
const TAIL_LINES: usize = 60;

/// A running child process and its log.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where this run begins in the log, which may hold earlier ones.
    log_start: u64,
}

impl Process {
    /// Starts `command` without standard input, and appends its standard output and error to
    /// `log`, so that one log can follow a process through its restarts.
    ///
    /// # Panics
    /// If the log cannot be opened or the command not be started.
    pub fn start(mut command: Command, log: impl Into<PathBuf>) -> Self {
        let log = log.into();
        let program = PathBuf::from(command.get_program());
        let name = program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned();
        let (output, log_start) =
            append(&log).unwrap_or_else(|e| panic!("cannot write {}: {e}", log.display()));
        let errors = output
            .try_clone()
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", log.display()));
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        Self {
            name,
            child,
            log,
            log_start,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `find` accepts a line that this run has written, and returns what it made of
    /// it: the address after "listening on", say. Lines written before the call count.
    ///
    /// # Panics
    /// If no line was accepted within the time, or before the process ended.
    pub async fn wait_for_line<T>(&mut self, within: Duration, find: impl FnMut(&str) -> Option<T>) -> T {
        match self.wait_for_line_or_end(within, find).await {
            Some(found) => found,
            None => {
                let status = self.ended().expect("it has ended");
                panic!("{} ended before it said what was waited for: {status}", self.name)
            }
        }
    }

    /// As [`Process::wait_for_line`]; `None` if the process ends before it writes such a line.
    ///
    /// # Panics
    /// If neither happened within the time.
    pub async fn wait_for_line_or_end<T>(
        &mut self,
        within: Duration,
        find: impl FnMut(&str) -> Option<T>,
    ) -> Option<T> {
        match timeout(within, self.find_line(find)).await {
            Ok(Ok(found)) => found,
            Ok(Err(e)) => panic!("cannot read {}: {e}", self.log.display()),
            Err(_) => panic!("{} did not say what was waited for within {within:?}", self.name),
        }
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.ended().is_some()
    }

    /// Waits until a GET of `path` at `address` is answered with 200.
    ///
    /// # Panics
    /// If it was not within the time, or before the process ended.
    pub async fn wait_until_ready(&mut self, within: Duration, address: SocketAddr, path: &str) {
        let ready = async {
            while !matches!(get(address, path).await, Ok(200)) {
                self.expect_running();
                sleep(POLL).await;
            }
        };
        if timeout(within, ready).await.is_err() {
            panic!(
                "{} was not ready at http://{address}{path} within {within:?}",
                self.name
            );
        }
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// If it has not within the time.
    pub async fn wait(&mut self, within: Duration) -> ExitStatus {
        let ended = async {
            loop {
                match self.ended() {
                    Some(status) => return status,
                    None => sleep(POLL).await,
                }
            }
        };
        match timeout(within, ended).await {
            Ok(status) => status,
            Err(_) => panic!("{} did not end within {within:?}", self.name),
        }
    }

    /// Asks the process to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// If it had ended before, or has not within the time.
    pub async fn terminate(mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(within).await
    }

    /// Kills the process (SIGKILL), as power loss would. It is gone when this returns.
    ///
    /// # Panics
    /// If it had ended before: what the test meant to interrupt was over.
    pub fn kill(mut self) {
        self.expect_running();
    }

    /// Stops it in the middle of whatever it does (SIGSTOP), as a machine that is suspended: its
    /// connections stay, and nothing answers. It stands still when this returns.
    ///
    /// # Panics
    /// If it had ended before.
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
        let pid = WaitId::Pid(Pid::from_child(&self.child));
        // Leaves the child to be waited for by whoever does.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(pid, stopped).expect("a child that was not waited for can be waited for");
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Panics
    /// If it had ended before.
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// `None` when the process has ended without such a line.
    async fn find_line<T>(&mut self, mut find: impl FnMut(&str) -> Option<T>) -> io::Result<Option<T>> {
        let mut log = BufReader::new(File::open(&self.log)?);
        log.seek(SeekFrom::Start(self.log_start))?;
        let mut line = String::new();
        loop {
            // Asked before the log is read: what was written until the end is still found.
            let ended = self.has_ended();
            while log.read_line(&mut line)? > 0 && line.ends_with('\n') {
                if let Some(found) = find(line.trim_end()) {
                    return Ok(Some(found));
                }
                line.clear();
            }
            if ended {
                return Ok(None);
            }
            sleep(POLL).await;
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours can be waited for")
    }

    fn signal(&mut self, signal: Signal) {
        self.expect_running();
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a child that was not waited for can be signalled");
    }

    fn expect_running(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} had already ended: {status}", self.name);
        }
    }

    fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    #[expect(
        clippy::disallowed_macros,
        reason = "a failing test reports on standard error"
    )]
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "--- the end of {} ({})\n{}\n---",
                self.log.display(),
                self.name,
                self.log_tail()
            );
        }
    }
}

/// Opens a log for appending, and says how long it is already.
fn append(log: &PathBuf) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(log)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// The status code with which a GET is answered.
async fn get(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut start = [0; "HTTP/1.1 200".len()];
    connection.read_exact(&mut start).await?;
    let code = str::from_utf8(&start["HTTP/1.1 ".len()..])
        .ok()
        .and_then(|code| code.parse().ok());
    code.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is not HTTP"))
}

#[cfg(test)]
mod tests;
