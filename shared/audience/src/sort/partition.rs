//! The accepted rows of one partition, in memory.
//!
//! They lie one behind the other as they came in their runs, and are sorted by place.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::row::StoredRow;
use crate::Corrupt;
use crate::fingerprint::Fingerprint;

/// Rows of one partition. The memory is kept from partition to partition.
#[derive(Debug, Default)]
pub(super) struct Partition {
    bytes: Vec<u8>,
    rows: Vec<Place>,
    zones: Zones,
}

/// Where a row lies, and what it is sorted by.
#[derive(Clone, Copy, Debug)]
struct Place {
    zone: u16,
    user: Fingerprint,
    start: u32,
    length: u32,
}

impl Partition {
    pub(super) fn push(&mut self, row: &StoredRow<'_>) -> Result<(), Corrupt> {
        let number = |length| u32::try_from(length).map_err(|_| Corrupt::Content("size"));
        self.rows.push(Place {
            zone: self.zones.number(row.time_zone)?,
            user: row.user,
            start: number(self.bytes.len())?,
            length: number(row.bytes.len())?,
        });
        self.bytes.extend_from_slice(row.bytes);
        Ok(())
    }

    /// Brings the rows into the order of their zones' names and, within a zone, of their users.
    pub(super) fn sort(&mut self) {
        let ranks = self.zones.ranks();
        self.rows
            .sort_unstable_by_key(|row| (ranks[usize::from(row.zone)], row.user));
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
    }
}

/// The time zones that occurred, by numbers of their own.
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

    /// For each number, the place of its zone in the order of names.
    fn ranks(&self) -> Vec<u16> {
        let mut order: Vec<u16> = self.numbers.values().copied().collect();
        order.sort_unstable_by_key(|number| self.known[usize::from(*number)].map_or("", Tz::name));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[usize::from(number)] = rank;
        }
        ranks
    }
}
