//! A server in a process of its own, and what it costs: CPU time and memory, as Linux counts.
//!
//! A server may be started by scripts (`gcloud` starts Java through a shell), so it gets a
//! process group, which is measured and killed as a whole. It is killed when it is dropped.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};

/// A running server and whatever it started.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
}

/// What a server has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// CPU time of all its processes, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Resident memory of the largest of them, the server proper.
    pub(crate) rss_bytes: u64,
}

impl Server {
    /// Starts `command` with its output in the file `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child })
    }

    /// Whether it has ended by itself, which no server should.
    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Kills the group with SIGKILL, as power loss would, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        // Fails only for a group that is gone, which is what is wanted.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait()?;
        Ok(())
    }

    /// What it has used so far. A process that ends meanwhile counts no more.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let mut usage = Usage::default();
        for entry in fs::read_dir("/proc")? {
            let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else {
                continue;
            };
            let Some(process) = parse(&stat).filter(|process| process.group == self.child.id()) else {
                continue;
            };
            usage.cpu_seconds += seconds(process.ticks);
            let rss_bytes = process.rss_pages * rustix::param::page_size() as u64;
            usage.rss_bytes = usage.rss_bytes.max(rss_bytes);
        }
        Ok(usage)
    }
}

/// CPU time of this program itself, in seconds.
pub(crate) fn own_cpu_seconds() -> anyhow::Result<f64> {
    Ok(seconds(itself()?.ticks))
}

/// CPU time of all processes that this program started and has waited for, in seconds.
pub(crate) fn children_cpu_seconds() -> anyhow::Result<f64> {
    Ok(seconds(itself()?.children_ticks))
}

/// Processes that wanted a CPU, as the mean of the last minute.
pub(crate) fn load() -> anyhow::Result<f64> {
    let averages = fs::read_to_string("/proc/loadavg")?;
    let last_minute = averages.split_whitespace().next();
    let load = last_minute.and_then(|load| load.parse().ok());
    load.context("/proc/loadavg is not as proc(5) says")
}

fn itself() -> anyhow::Result<Process> {
    parse(&fs::read_to_string("/proc/self/stat")?).context("/proc/self/stat is not as proc(5) says")
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

impl Drop for Server {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.kill();
    }
}

struct Process {
    group: u32,
    ticks: u64,
    children_ticks: u64,
    rss_pages: u64,
}

/// Reads a line of `/proc/PID/stat`. The name, in parentheses, may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // The state, which comes after the name, is field 3 of proc_pid_stat(5).
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Process {
        group: u32::try_from(field(5)?).ok()?,
        ticks: field(14)? + field(15)?,
        children_ticks: field(16)? + field(17)?,
        rss_pages: field(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_its_line_whatever_its_name() {
        let line = "7 (a) b (c) S 1 42 7 0 -1 4194304 1 0 0 0 250 50 9 1 20 0 9 0 111 99999 1234 184 1 2";

        let process = parse(line).unwrap();

        assert_eq!((process.group, process.rss_pages), (42, 1234));
        assert_eq!((process.ticks, process.children_ticks), (300, 10));
    }

    #[test]
    fn a_server_is_measured_and_does_not_outlive_its_handle() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);

        let server = Server::start(command, &directory.path().join("log")).unwrap();
        let usage = server.usage().unwrap();
        let group = Pid::from_child(&server.child);
        drop(server);

        assert!(usage.rss_bytes > 0);
        // Children of the group are reaped by init, at a moment of its own.
        let zombies_only = || {
            let of_group = |stat: &str| {
                parse(stat)
                    .is_some_and(|process| process.group == group.as_raw_nonzero().get().unsigned_abs())
            };
            fs::read_dir("/proc")
                .unwrap()
                .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok())
                .filter(|stat| of_group(stat))
                .all(|stat| stat.contains(") Z "))
        };
        let mut polls = 0..1_000;
        while !zombies_only() {
            assert!(polls.next().is_some(), "the group still lives");
            std::thread::yield_now();
        }
    }
}
