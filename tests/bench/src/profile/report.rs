//! The samples of a profile, counted and shown.

use std::fmt;

use serde::Serialize;

use super::parts::{self, PARTS, REST};
use crate::figures::hundredths;

/// Samples by part.
#[derive(Debug)]
pub(super) struct Report {
    users: u64,
    has_coupon: bool,
    /// Samples a second of CPU time.
    frequency: u64,
    of_parts: [u64; PARTS.len()],
    rest: u64,
}

/// What is printed.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    users: u64,
    has_coupon: bool,
    cpu_seconds: f64,
    samples: u64,
    /// Of the way of a chunk through the sender, CPU time for each push.
    chunk_micros: f64,
    /// The largest first.
    parts: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    is_of_a_chunk: bool,
    /// Of all samples.
    share: f64,
    /// CPU time for each push.
    micros: f64,
}

impl Report {
    pub(super) fn new(users: u64, has_coupon: bool, frequency: u64) -> Self {
        Self {
            users,
            has_coupon,
            frequency,
            of_parts: [0; PARTS.len()],
            rest: 0,
        }
    }

    /// Takes a sample; one without frames is none.
    pub(super) fn add(&mut self, frames: &[String]) {
        if frames.is_empty() {
            return;
        }
        match parts::of(frames) {
            Some(part) => self.of_parts[part] += 1,
            None => self.rest += 1,
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let samples = self.of_parts.iter().sum::<u64>() + self.rest;
        let seconds = |samples: u64| samples as f64 / self.frequency as f64;
        let micros = |samples: u64| seconds(samples) / self.users as f64 * 1e6;
        let line = |name, is_of_a_chunk, of_it: u64| Line {
            name,
            is_of_a_chunk,
            share: of_it as f64 / samples.max(1) as f64,
            micros: micros(of_it),
        };
        let parts = PARTS.iter().zip(self.of_parts);
        let mut lines: Vec<_> = parts
            .map(|(part, of_it)| line(part.name, part.is_of_a_chunk, of_it))
            .collect();
        lines.push(line(REST, false, self.rest));
        lines.sort_by(|one, other| other.micros.total_cmp(&one.micros));
        let of_a_chunk = lines.iter().filter(|line| line.is_of_a_chunk);
        Summary {
            users: self.users,
            has_coupon: self.has_coupon,
            cpu_seconds: seconds(samples),
            samples,
            chunk_micros: of_a_chunk.map(|line| line.micros).sum(),
            parts: lines,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = noroshi::table::count(self.users);
        let coupon = if self.has_coupon { "with" } else { "without" };
        let seconds = hundredths(self.cpu_seconds);
        let samples = noroshi::table::count(self.samples);
        writeln!(
            f,
            "{users} users, {coupon} coupon: {seconds} CPU seconds in {samples} samples\n"
        )?;
        writeln!(
            f,
            "{:<45}  {:>6}  {:>13}",
            "part (* of a chunk in the sender)", "share", "CPU µs a push"
        )?;
        for line in &self.parts {
            let mark = if line.is_of_a_chunk { "* " } else { "  " };
            let (share, micros) = (line.share * 100.0, line.micros);
            writeln!(f, "{mark}{:<43}  {share:>5.1}%  {micros:>13.2}", line.name)?;
        }
        let chunk = hundredths(self.chunk_micros);
        write!(f, "\na chunk's way through the sender: {chunk} CPU µs a push")
    }
}
