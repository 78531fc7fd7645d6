//! Packs recipients, one after the other.

use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use super::envelope::{MAX_CONTENT_BYTES, seal};
use super::{Digest, varint};
use crate::Recipient;

/// A packed chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What the database keeps.
    pub bytes: Vec<u8>,
    /// Of the content; kept beside the bytes, and never computed again.
    pub digest: Digest,
    /// How many recipients, the erased ones included.
    pub size: u32,
}

/// A chunk that is being filled. All recipients share a time zone and the variables' names.
#[derive(Clone, Debug, Default)]
pub struct Packer {
    time_zone: Option<Tz>,
    names: Vec<String>,
    locales: Vec<String>,
    /// Of the recipients, as they are written.
    numbers: Vec<u8>,
    text: String,
    size: u32,
}

impl Packer {
    /// An empty chunk of that time zone, `None` being the campaign's, and of an audience with
    /// variables of those names.
    pub fn new(time_zone: Option<Tz>, names: &[String]) -> Self {
        Self {
            time_zone,
            names: names.to_vec(),
            ..Self::default()
        }
    }

    /// How many recipients are in it.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Appends a recipient at the next position.
    ///
    /// # Panics
    ///
    /// The recipient is of another time zone or has other variables, which is a fault of the
    /// caller.
    pub fn push(&mut self, recipient: &Recipient<'_>) {
        assert_eq!(recipient.time_zone, self.time_zone, "a chunk has one time zone");
        assert_eq!(
            recipient.variables.names(),
            self.names,
            "an audience has one set of variables"
        );
        let locale = recipient.locale.map_or(0, |tag| self.locale_number(tag));
        varint::write(&mut self.numbers, locale);
        self.push_text(recipient.user_id);
        for (_, value) in recipient.variables.iter() {
            self.push_text(value);
        }
        self.size += 1;
    }

    /// Appends an empty place, where a user was erased.
    pub(super) fn push_erased(&mut self) {
        self.numbers.extend(std::iter::repeat_n(0, 2 + self.names.len()));
        self.size += 1;
    }

    /// The chunk as it is stored, with its digest.
    pub fn pack(&self) -> Packed {
        let content = self.content();
        Packed {
            bytes: seal(&content),
            digest: Digest(Sha256::digest(&content).into()),
            size: self.size,
        }
    }

    fn content(&self) -> Vec<u8> {
        let zone = self.time_zone.map_or("", Tz::name);
        let names = self.names.iter().map(String::as_str);
        let locales = self.locales.iter().map(String::as_str);
        let shared: Vec<&str> = [zone].into_iter().chain(names).chain(locales).collect();

        let mut numbers = Vec::with_capacity(self.numbers.len() + 64);
        varint::write(&mut numbers, length(self.names.len()));
        varint::write(&mut numbers, length(self.locales.len()));
        varint::write(&mut numbers, self.size);
        for text in &shared {
            varint::write(&mut numbers, length(text.len()));
        }
        numbers.extend_from_slice(&self.numbers);

        let mut content = Vec::with_capacity(numbers.len() + self.text.len() + 64);
        varint::write(&mut content, length(numbers.len()));
        content.extend_from_slice(&numbers);
        for text in &shared {
            content.extend_from_slice(text.as_bytes());
        }
        content.extend_from_slice(self.text.as_bytes());
        assert!(content.len() <= MAX_CONTENT_BYTES, "a chunk is far smaller");
        content
    }

    fn push_text(&mut self, text: &str) {
        varint::write(&mut self.numbers, length(text.len()));
        self.text.push_str(text);
    }

    /// 0 is no locale, 1 the first of the chunk's.
    fn locale_number(&mut self, tag: &str) -> u32 {
        let position = self
            .locales
            .iter()
            .position(|known| known == tag)
            .unwrap_or_else(|| {
                self.locales.push(tag.to_owned());
                self.locales.len() - 1
            });
        length(position + 1)
    }
}

/// A chunk holds a few hundred recipients of a few kilobytes each.
fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a chunk is far smaller")
}
