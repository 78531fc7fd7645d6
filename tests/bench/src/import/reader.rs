//! The `csv` crate's reader, alone and with every id in a `HashSet`: what a program would do that
//! neither keeps nor tells anything.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use super::client::{self, Sample};
use super::file::AudienceFile;
use crate::process::own_cpu_seconds;
use crate::sample::last_line;
use crate::stopwatch::Stopwatch;

/// What becomes of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    Nothing,
    Ids,
}

/// Reads in a process of its own.
pub(super) fn measure(file: &AudienceFile, keeping: Keeping) -> anyhow::Result<Sample> {
    let mut command = client::itself()?;
    command
        .arg(match keeping {
            Keeping::Nothing => "reader",
            Keeping::Ids => "hash-set",
        })
        .arg(&file.path);
    last_line(command)
}

/// Reads every record.
pub(super) fn run(file: &Path, keeping: Keeping) -> anyhow::Result<Sample> {
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    let mut reader = csv::Reader::from_reader(File::open(file)?);
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut ids) = (0, HashSet::new());
    while reader.read_byte_record(&mut record)? {
        rows += 1;
        if keeping == Keeping::Ids {
            ids.insert(record[0].to_vec());
        }
    }
    let users = match keeping {
        Keeping::Nothing => rows,
        Keeping::Ids => ids.len() as u64,
    };
    Sample::taken(stopwatch, cpu_before, users)
}
