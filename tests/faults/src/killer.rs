//! Kills and freezes processes: at a random moment, or when somebody says so.
//!
//! The moment is a future, so it can be a rule of the wire that has fired, progress that was
//! made, or a time drawn from the seed.

use std::time::Duration;

use journeys::processes::Process;
use journeys::wire::Fired;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

/// Strikes processes, and counts how often.
#[derive(Debug)]
pub struct Killer {
    random: StdRng,
    fired: Fired,
}

impl Killer {
    /// One that draws its moments from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            fired: Fired::default(),
        }
    }

    /// How often it has killed and frozen.
    pub fn fired(&self) -> &Fired {
        &self.fired
    }

    /// Kills the process (SIGKILL) when `moment` has come, and returns what the moment says.
    ///
    /// # Panics
    /// If the process has ended before by itself.
    pub async fn kill_when<T>(&mut self, process: Process, moment: impl Future<Output = T>) -> T {
        let said = moment.await;
        process.kill();
        self.fired.count("kill");
        said
    }

    /// Kills the process at a random moment of the next `window`, and returns how long it lived
    /// on.
    ///
    /// # Panics
    /// If the process has ended before by itself.
    pub async fn kill_within(&mut self, process: Process, window: Duration) -> Duration {
        let moment = self.draw(window);
        self.kill_when(process, sleep(moment)).await;
        moment
    }

    /// Freezes the process (SIGSTOP) when `moment` has come, and lets it go on (SIGCONT) after
    /// `time`.
    ///
    /// # Panics
    /// If the process has ended before by itself.
    pub async fn freeze_when<T>(
        &mut self,
        process: &mut Process,
        moment: impl Future<Output = T>,
        time: Duration,
    ) -> T {
        let said = moment.await;
        process.freeze();
        self.fired.count("freeze");
        sleep(time).await;
        process.thaw();
        said
    }

    /// A random time up to `longest`.
    pub fn draw(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.random())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A process that says a number again and again.
    fn counter(directory: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"]);
        Process::start(command, directory.join("log"))
    }

    async fn says(process: &mut Process, number: u32) {
        let number = number.to_string();
        process
            .wait_for_line(PATIENCE, |line| (line == number).then_some(()))
            .await;
    }

    #[test]
    fn moments_come_from_the_seed() {
        let draw = |seed| Killer::new(seed).draw(Duration::from_secs(1));

        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3) <= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_process_is_killed_when_its_moment_has_come() {
        let directory = tempfile::tempdir().unwrap();
        let (chosen, random) = (counter(directory.path()), counter(directory.path()));
        let pids = [chosen.pid(), random.pid()];
        let mut killer = Killer::new(1);

        let said = killer.kill_when(chosen, async { "now" }).await;
        let lived = killer.kill_within(random, Duration::from_millis(50)).await;

        assert_eq!(said, "now");
        assert!(lived <= Duration::from_millis(50));
        assert!(!pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()));
        assert_eq!(killer.fired().of("kill"), 2);
    }

    #[tokio::test]
    async fn a_frozen_process_goes_on_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = counter(directory.path());
        let mut killer = Killer::new(1);
        says(&mut process, 3).await;

        killer
            .freeze_when(&mut process, async {}, Duration::from_millis(10))
            .await;

        let then = std::fs::read_to_string(directory.path().join("log")).unwrap();
        says(&mut process, then.lines().count() as u32 + 1).await;
        assert_eq!(killer.fired().of("freeze"), 1);
    }
}
