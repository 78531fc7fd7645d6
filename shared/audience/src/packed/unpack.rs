//! Reads packed chunks, and erases users in them.

use chrono_tz::Tz;

use super::{Corrupt, Packer, envelope, varint};
use crate::{Recipient, Variables};

/// A packed chunk, open for reading.
#[derive(Clone, Debug)]
pub struct Unpacked {
    time_zone: Option<Tz>,
    names: Vec<String>,
    locales: Vec<String>,
    /// The number of each recipient's locale; 0 is none.
    locale_of: Vec<u32>,
    text: String,
    /// Where the first user id starts, and where each user id and each value ends.
    start: u32,
    ends: Vec<u32>,
}

impl Unpacked {
    /// Opens a packed chunk.
    ///
    /// # Errors
    ///
    /// The bytes are not a packed chunk, or not any more.
    pub fn open(bytes: &[u8]) -> Result<Self, Corrupt> {
        let content = envelope::open(bytes)?;
        let mut rest = content.as_slice();
        let numbers_length = varint::read(&mut rest)? as usize;
        let (mut numbers, text) = rest
            .split_at_checked(numbers_length)
            .ok_or(Corrupt::Content("length"))?;
        let mut text = Lengths {
            text: std::str::from_utf8(text).map_err(|_| Corrupt::Content("text"))?,
            end: 0,
        };
        let name_count = varint::read(&mut numbers)? as usize;
        let locale_count = varint::read(&mut numbers)? as usize;
        let size = varint::read(&mut numbers)? as usize;
        let zone = text.take(&mut numbers)?;
        let names = text.take_all(&mut numbers, name_count)?;
        let locales = text.take_all(&mut numbers, locale_count)?;
        let mut unpacked = Self {
            time_zone: time_zone_of(zone)?,
            names,
            locales,
            locale_of: Vec::new(),
            text: text.text.to_owned(),
            start: text.end,
            ends: Vec::new(),
        };
        unpacked.read_recipients(&mut numbers, &mut text, size)?;
        if !numbers.is_empty() || text.end as usize != text.text.len() {
            return Err(Corrupt::Content("length"));
        }
        Ok(unpacked)
    }

    /// The zone of all its recipients; `None` is the campaign's.
    pub fn time_zone(&self) -> Option<Tz> {
        self.time_zone
    }

    /// The names of the template variables.
    pub fn variables(&self) -> &[String] {
        &self.names
    }

    /// How many recipients it has, the erased ones included.
    pub fn size(&self) -> usize {
        self.locale_of.len()
    }

    /// The recipient at that position; `None` if erased, or if there is no such position.
    pub fn get(&self, position: usize) -> Option<Recipient<'_>> {
        let locale = *self.locale_of.get(position)? as usize;
        let width = 1 + self.names.len();
        let ends = &self.ends[position * width..(position + 1) * width];
        let start = (position * width)
            .checked_sub(1)
            .map_or(self.start, |before| self.ends[before]);
        let user_id = &self.text[start as usize..ends[0] as usize];
        if user_id.is_empty() {
            return None;
        }
        Some(Recipient {
            user_id,
            time_zone: self.time_zone,
            locale: locale
                .checked_sub(1)
                .map(|position| self.locales[position].as_str()),
            variables: Variables::new(&self.names, &self.text, ends[0], &ends[1..]),
        })
    }

    /// Every recipient in the order of positions; `None` for an erased one.
    pub fn iter(&self) -> impl Iterator<Item = Option<Recipient<'_>>> {
        (0..self.size()).map(|position| self.get(position))
    }

    fn read_recipients(
        &mut self,
        numbers: &mut &[u8],
        text: &mut Lengths<'_>,
        size: usize,
    ) -> Result<(), Corrupt> {
        // Every number takes a byte at least: so a wrong count cannot ask for much memory.
        let width = 1 + self.names.len();
        if size.saturating_mul(width + 1) > numbers.len() {
            return Err(Corrupt::Content("size"));
        }
        self.locale_of.reserve(size);
        self.ends.reserve(size * width);
        for _ in 0..size {
            let locale = varint::read(numbers)?;
            if locale as usize > self.locales.len() {
                return Err(Corrupt::Content("locale"));
            }
            self.locale_of.push(locale);
            for _ in 0..width {
                text.take(numbers)?;
                self.ends.push(text.end);
            }
        }
        Ok(())
    }
}

/// The chunk without that user: an empty place at the user's position and all others where they
/// were. `None` if the user is not in it, or not any more.
///
/// # Errors
///
/// The bytes are not a packed chunk, or not any more.
pub fn erase(bytes: &[u8], user_id: &str) -> Result<Option<Vec<u8>>, Corrupt> {
    let chunk = Unpacked::open(bytes)?;
    let is_the_user = |recipient: &Recipient<'_>| recipient.user_id == user_id;
    if !chunk.iter().flatten().any(|recipient| is_the_user(&recipient)) {
        return Ok(None);
    }
    let mut packer = Packer::new(chunk.time_zone, &chunk.names);
    for recipient in chunk.iter() {
        match recipient {
            Some(recipient) if !is_the_user(&recipient) => packer.push(&recipient),
            Some(_) | None => packer.push_erased(),
        }
    }
    Ok(Some(packer.pack().bytes))
}

fn time_zone_of(name: &str) -> Result<Option<Tz>, Corrupt> {
    if name.is_empty() {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|_| Corrupt::Content("time zone"))
}

/// Text, measured from its front by one length after the other.
struct Lengths<'a> {
    text: &'a str,
    /// Where the last piece ended.
    end: u32,
}

impl<'a> Lengths<'a> {
    /// The piece that the next of the numbers measures.
    fn take(&mut self, numbers: &mut &[u8]) -> Result<&'a str, Corrupt> {
        let length = varint::read(numbers)?;
        let start = self.end;
        let end = start.checked_add(length).ok_or(Corrupt::Content("length"))?;
        let piece = self
            .text
            .get(start as usize..end as usize)
            .ok_or(Corrupt::Content("length"))?;
        self.end = end;
        Ok(piece)
    }

    fn take_all(&mut self, numbers: &mut &[u8], count: usize) -> Result<Vec<String>, Corrupt> {
        if count > numbers.len() {
            return Err(Corrupt::Content("size"));
        }
        (0..count)
            .map(|_| self.take(numbers).map(str::to_owned))
            .collect()
    }
}
