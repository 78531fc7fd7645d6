//! How the kills are asked for, and what is to be done then.

use std::path::PathBuf;

use crate::engine::{self, Engine};
use crate::{command, seed};

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Rows of the file.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Processes killed while it is imported.
    #[arg(long, value_name = "N", default_value_t = 50)]
    kills: u32,
    /// Processes at work.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    processes: u32,
    /// Memory for one partition, in bytes: the less, the more steps an import has.
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(4_096..))]
    partition_bytes: u32,
    #[command(flatten)]
    engine: engine::Arguments,
    #[command(flatten)]
    seed: seed::Arguments,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
}

/// One import.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where audiences and files are kept.
    pub engine: Engine,
    /// This package's program, which is the import process as well.
    pub program: PathBuf,
    /// Rows of the file.
    pub rows: u32,
    /// Memory for one partition.
    pub partition_bytes: u32,
    /// Processes at work.
    pub processes: u32,
    /// How often one of them is killed.
    pub kills: u32,
    /// What the kills are drawn from.
    pub seed: u64,
}

impl Plan {
    pub(super) fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(Self {
            engine: arguments.engine.engine(),
            program: command::program()?,
            rows: arguments.rows,
            partition_bytes: arguments.partition_bytes,
            processes: arguments.processes,
            kills: arguments.kills,
            seed: arguments.seed.seed(),
        })
    }
}
