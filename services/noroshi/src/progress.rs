//! How far a long command is: one bar a stage.
//!
//! On a terminal the bars move; elsewhere, as in a log of a build, each stage says a line every
//! few seconds and one at its end. Both on standard error. The stages measure themselves, so
//! that the table at the end has the same figures.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use runtime::Clock;
use runtime::clock::Moment;

use crate::table::count;

/// Time between two lines of a stage.
const EVERY: Duration = Duration::from_secs(5);

/// The bars of one command.
pub struct Progress {
    clock: Clock,
    screen: Screen,
}

enum Screen {
    Bars(MultiProgress),
    Lines(Mutex<Box<dyn Write + Send>>),
}

/// How fast a stage was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Items done.
    pub items: u64,
    /// Seconds from the stage's start to its end.
    pub seconds: f64,
    /// Items in a second; 0 for a stage that took no time.
    pub per_second: f64,
}

impl Progress {
    /// On standard error, with bars if that is a terminal.
    pub fn on_stderr(clock: Clock) -> Self {
        if io::stderr().is_terminal() {
            let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            Self {
                clock,
                screen: Screen::Bars(bars),
            }
        } else {
            Self::lines(clock, io::stderr())
        }
    }

    /// As lines to `writer`.
    pub fn lines(clock: Clock, writer: impl Write + Send + 'static) -> Self {
        Self {
            clock,
            screen: Screen::Lines(Mutex::new(Box::new(writer))),
        }
    }

    /// Begins a stage of `total` items.
    pub fn stage(&self, name: &'static str, total: u64) -> Stage<'_> {
        let started = self.clock.monotonic();
        let bar = match &self.screen {
            Screen::Bars(bars) => bars.add(ProgressBar::new(total).with_style(style()).with_message(name)),
            Screen::Lines(_) => ProgressBar::hidden(),
        };
        Stage {
            progress: self,
            name,
            total,
            started,
            said: Mutex::new(started),
            bar,
        }
    }

    /// Says a line that stays, above the bars.
    pub fn say(&self, line: &str) {
        match &self.screen {
            Screen::Bars(bars) => drop(bars.println(line)),
            Screen::Lines(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(writer, "{line}");
            }
        }
    }

    fn has_bars(&self) -> bool {
        match &self.screen {
            Screen::Bars(_) => true,
            Screen::Lines(_) => false,
        }
    }
}

/// One stage under way.
pub struct Stage<'a> {
    progress: &'a Progress,
    name: &'static str,
    total: u64,
    started: Moment,
    said: Mutex<Moment>,
    bar: ProgressBar,
}

impl Stage<'_> {
    /// So many items are done by now.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
        let now = self.progress.clock.monotonic();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.progress.has_bars() && now.since(*said) >= EVERY {
            *said = now;
            self.progress.say(&format!(
                "{}: {} of {}",
                self.name,
                count(done),
                count(self.total)
            ));
        }
    }

    /// Ends the stage with so many items done, and gives its pace.
    pub fn finish(self, done: u64) -> Pace {
        // What was expected may have been an estimate.
        self.bar.set_length(done);
        self.bar.set_position(done);
        self.bar.finish();
        let pace = pace(done, self.progress.clock.monotonic().since(self.started));
        if !self.progress.has_bars() {
            let rate = count(pace.per_second as u64);
            self.progress.say(&format!(
                "{}: {} in {:.1} s, {rate}/s",
                self.name,
                count(done),
                pace.seconds
            ));
        }
        pace
    }
}

fn pace(items: u64, elapsed: Duration) -> Pace {
    let seconds = elapsed.as_secs_f64();
    let per_second = if elapsed.is_zero() {
        0.0
    } else {
        items as f64 / seconds
    };
    Pace {
        items,
        seconds,
        per_second,
    }
}

fn style() -> ProgressStyle {
    // indicatif's own {per_sec} has fourteen decimals.
    let rate = |state: &ProgressState, f: &mut dyn fmt::Write| {
        // A bar that cannot be written has no reader.
        let _ = write!(f, "{}/s", count(state.per_sec() as u64));
    };
    ProgressStyle::with_template(
        "{msg:<10} {bar:40} {human_pos:>11} of {human_len:<11} {rate:>11} {elapsed:>4}",
    )
    .expect("the template is a constant that a test reads")
    .with_key("rate", rate)
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("bars", &self.has_bars())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use runtime::clock::ManualClock;

    use super::*;

    /// A writer whose lines can be read.
    struct Lines(mpsc::Sender<String>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_a_terminal_a_stage_says_a_line_every_few_seconds_and_its_pace_at_the_end() {
        let hand = ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
        let (sender, said) = mpsc::channel();
        let progress = Progress::lines(hand.clock(), Lines(sender));

        let stage = progress.stage("fan-out", 100_000);
        for step in 1..=8 {
            hand.advance(Duration::from_secs(1));
            stage.set(step * 10_000);
        }
        hand.advance(Duration::from_secs(2));
        let pace = stage.finish(100_000);

        let said: String = said.try_iter().collect();
        assert_eq!(
            said,
            "fan-out: 50,000 of 100,000\nfan-out: 100,000 in 10.0 s, 10,000/s\n"
        );
        assert_eq!(
            pace,
            Pace {
                items: 100_000,
                seconds: 10.0,
                per_second: 10_000.0
            }
        );
    }

    #[test]
    fn the_template_of_the_bars_is_one() {
        style();
    }
}
