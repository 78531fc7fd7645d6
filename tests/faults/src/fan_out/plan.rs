//! How the kills are asked for, and what is to be done then.

use std::path::PathBuf;

use crate::engine::{self, Engine};
use crate::{command, seed};
use anyhow::Context;

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Recipients of a campaign; several are played one after the other.
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_values_t = [100_000, 1_000_000], value_parser = clap::value_parser!(u32).range(1..))]
    users: Vec<u32>,
    /// Processes killed in the largest of them; in smaller ones in proportion, 10 at least.
    #[arg(long, value_name = "N", default_value_t = 100)]
    kills: u32,
    /// Processes at work.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    processes: u32,
    #[command(flatten)]
    engine: engine::Arguments,
    #[command(flatten)]
    seed: seed::Arguments,
    /// Print one JSON array instead of text.
    #[arg(long)]
    pub(super) json: bool,
}

/// One campaign.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where decisions are kept.
    pub engine: Engine,
    /// This package's program, which is the fan-out process as well.
    pub program: PathBuf,
    /// Recipients.
    pub users: u32,
    /// Recipients of one chunk.
    pub chunk: u32,
    /// Processes at work.
    pub processes: u32,
    /// Commits that each of them has under way at most.
    pub in_flight: u32,
    /// How often one of them is killed.
    pub kills: u32,
    /// What the kills are drawn from.
    pub seed: u64,
}

/// Recipients of one chunk, and commits of one process, at the product's defaults.
const CHUNK: u32 = 499;
const IN_FLIGHT: u32 = 16;

/// Kills of a small campaign, at least.
const FEWEST_KILLS: u32 = 10;

impl Plan {
    /// One for each size.
    pub(super) fn all(arguments: &Arguments) -> anyhow::Result<Vec<Self>> {
        let largest = *arguments.users.iter().max().context("no size is given")?;
        let engine = arguments.engine.engine();
        let seed = arguments.seed.seed();
        let program = command::program()?;
        let plans = arguments.users.iter().map(|users| Self {
            engine: engine.clone(),
            program: program.clone(),
            users: *users,
            chunk: CHUNK,
            processes: arguments.processes,
            in_flight: IN_FLIGHT,
            kills: kills(arguments.kills, *users, largest),
            seed,
        });
        Ok(plans.collect())
    }

    /// Chunks of the campaign.
    pub fn chunks(&self) -> u32 {
        self.users.div_ceil(self.chunk)
    }
}

fn kills(of_the_largest: u32, users: u32, largest: u32) -> u32 {
    let in_proportion = u64::from(of_the_largest) * u64::from(users) / u64::from(largest);
    // Not more than what it is a part of.
    let in_proportion = u32::try_from(in_proportion).unwrap_or(of_the_largest);
    in_proportion.max(FEWEST_KILLS.min(of_the_largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_campaigns_have_kills_in_proportion_and_ten_at_least() {
        let of_a_million = [1_000_000, 300_000, 50_000].map(|users| kills(100, users, 1_000_000));

        assert_eq!(of_a_million, [100, 30, 10]);
        assert_eq!(kills(4, 50_000, 1_000_000), 4);
    }
}
