//! The accepted rows of one partition, in memory.
//!
//! They lie one behind the other as they came in their runs, and stay there; what is sorted is where
//! they lie.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::row::StoredRow;
use crate::Corrupt;

/// Rows of one partition. The memory is kept from partition to partition.
#[derive(Debug, Default)]
pub(super) struct Partition {
    bytes: Vec<u8>,
    rows: Vec<Place>,
    zones: Zones,
}

/// Where a row lies, and what it is sorted by: rows that come later lie further behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    zone: u16,
    start: u32,
    length: u32,
}

impl Partition {
    pub(super) fn push(&mut self, row: &StoredRow<'_>) -> Result<(), Corrupt> {
        let number = |length| u32::try_from(length).map_err(|_| Corrupt::Content("size"));
        self.rows.push(Place {
            zone: self.zones.number(row.time_zone)?,
            start: number(self.bytes.len())?,
            length: number(row.bytes.len())?,
        });
        self.bytes.extend_from_slice(row.bytes);
        Ok(())
    }

    /// Puts the rows together zone by zone. Zones, and the rows of each, stay in the order in which
    /// they came.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable();
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The zone of the row at that position.
    pub(super) fn time_zone(&self, position: usize) -> Option<Tz> {
        self.zones.known[usize::from(self.rows[position].zone)]
    }

    /// The row at that position.
    pub(super) fn row(&self, position: usize) -> &[u8] {
        let Place { start, length, .. } = self.rows[position];
        &self.bytes[start as usize..][..length as usize]
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.zones.known.clear();
        self.zones.numbers.clear();
    }
}

/// The time zones that occurred, by numbers in the order in which they came.
#[derive(Debug, Default)]
struct Zones {
    known: Vec<Option<Tz>>,
    numbers: HashMap<Vec<u8>, u16>,
}

impl Zones {
    fn number(&mut self, name: &[u8]) -> Result<u16, Corrupt> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let wrong = Corrupt::Content("time zone");
        let text = std::str::from_utf8(name).map_err(|_| wrong)?;
        let zone = match text {
            "" => None,
            text => Some(text.parse().map_err(|_| wrong)?),
        };
        let number = u16::try_from(self.known.len()).map_err(|_| wrong)?;
        self.known.push(zone);
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }
}
