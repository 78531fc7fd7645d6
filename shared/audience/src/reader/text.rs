//! Decodes a file into UTF-8, block by block, whatever it was written in.
//!
//! A byte order mark decides the encoding. Without one, and with none given, the first 64 KiB
//! that follow the first byte outside ASCII decide: they are UTF-8, or else Shift_JIS. Bytes
//! that cannot be decoded are never replaced: they refuse the file and are named.
//!
//! In each encoding a character's bytes are counted by the character alone, so that it is always
//! known at which byte of the file the text that is consumed ends.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, SHIFT_JIS, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

use crate::{ReadError, Refusal};

/// How much is read at once, and by how much the encoding is judged.
pub(super) const BLOCK: usize = 64 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// With or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Of either byte order, with a byte order mark.
    #[serde(rename = "utf-16")]
    Utf16,
    /// As Windows writes it (code page 932).
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::ShiftJis => "Shift_JIS",
        }
    }
}

/// A file as UTF-8.
pub(super) struct Text<R> {
    source: R,
    coding: Coding,
    /// Read and not decoded yet.
    raw: Vec<u8>,
    /// How many bytes of the file lie before `raw`.
    offset: u64,
    source_ended: bool,
    /// Decoded and not consumed yet, from `consumed` on; always whole characters.
    text: Vec<u8>,
    consumed: usize,
    /// At which byte of the file `text` begins.
    text_offset: u64,
}

/// What is known of a file's encoding at some place of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Found {
    /// All was ASCII so far, which is the same in UTF-8 and Shift_JIS.
    #[serde(rename = "ascii")]
    Ascii,
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

impl Found {
    /// What is ASCII so far is UTF-8.
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Self::Ascii | Self::Utf8 => Encoding::Utf8,
            Self::Utf16Le | Self::Utf16Be => Encoding::Utf16,
            Self::ShiftJis => Encoding::ShiftJis,
        }
    }
}

enum Coding {
    /// The byte order mark is still to be looked for.
    Unread(Option<Encoding>),
    /// ASCII so far, which is the same in UTF-8 and Shift_JIS.
    Undecided,
    Utf8,
    Other(Foreign, Box<encoding_rs::Decoder>),
    /// All of the file is decoded; a decoder may not be asked again.
    Ended(Foreign),
}

/// An encoding that `encoding_rs` decodes.
#[derive(Clone, Copy)]
enum Foreign {
    Utf16Le,
    Utf16Be,
    ShiftJis,
}

impl<R: Read> Text<R> {
    pub(super) fn new(source: R, given: Option<Encoding>) -> Self {
        Self {
            source,
            coding: Coding::Unread(given),
            raw: Vec::with_capacity(BLOCK),
            offset: 0,
            source_ended: false,
            text: Vec::with_capacity(2 * BLOCK),
            consumed: 0,
            text_offset: 0,
        }
    }

    /// Goes on with a file at its byte `offset`, where a character begins.
    pub(super) fn resume(source: R, offset: u64, found: Found) -> Self {
        Self {
            coding: Coding::of(found),
            offset,
            text_offset: offset,
            ..Self::new(source, None)
        }
    }

    /// At which byte of the file the text that is consumed ends.
    pub(super) fn place(&self) -> u64 {
        self.text_offset + self.coding.file_bytes(&self.text[..self.consumed])
    }

    /// What is known of the encoding.
    pub(super) fn found(&self) -> Found {
        match &self.coding {
            Coding::Unread(_) | Coding::Undecided => Found::Ascii,
            Coding::Utf8 => Found::Utf8,
            Coding::Other(foreign, _) | Coding::Ended(foreign) => match foreign {
                Foreign::Utf16Le => Found::Utf16Le,
                Foreign::Utf16Be => Found::Utf16Be,
                Foreign::ShiftJis => Found::ShiftJis,
            },
        }
    }

    /// The text that is decoded and not consumed yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.text[self.consumed..]
    }

    /// Takes `count` bytes off the front of the rest.
    pub(super) fn consume(&mut self, count: usize) {
        self.consumed += count;
    }

    /// Decodes some more behind the rest; `false` at the end of the file.
    pub(super) fn decode_more(&mut self) -> Result<bool, ReadError> {
        self.text_offset = self.place();
        self.text.drain(..self.consumed);
        self.consumed = 0;
        let before = self.text.len();
        loop {
            self.decode_raw()?;
            if self.text.len() > before {
                return Ok(true);
            }
            if self.source_ended {
                return Ok(false);
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + BLOCK, 0);
        let count = loop {
            match self.source.read(&mut self.raw[kept..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.raw.truncate(kept + *count.as_ref().unwrap_or(&0));
        self.source_ended = count? == 0;
        Ok(())
    }

    fn decode_raw(&mut self) -> Result<(), ReadError> {
        if let Coding::Unread(given) = self.coding {
            if self.raw.len() < 3 && !self.source_ended {
                return Ok(());
            }
            self.coding = self.read_byte_order_mark(given)?;
        }
        if let Coding::Undecided = self.coding {
            let ascii = self
                .raw
                .iter()
                .position(|byte| !byte.is_ascii())
                .unwrap_or(self.raw.len());
            self.text.extend_from_slice(&self.raw[..ascii]);
            self.drop_raw(ascii);
            if self.raw.is_empty() || self.raw.len() < BLOCK && !self.source_ended {
                return Ok(());
            }
            // No more than that, however much was read: the verdict is the file's own.
            let sample = &self.raw[..self.raw.len().min(BLOCK)];
            self.coding = judge(sample, self.source_ended && sample.len() == self.raw.len());
        }
        match self.coding {
            Coding::Utf8 => self.decode_utf8(),
            Coding::Other(..) => self.decode_other(),
            Coding::Unread(_) | Coding::Undecided | Coding::Ended(_) => Ok(()),
        }
    }

    fn read_byte_order_mark(&mut self, given: Option<Encoding>) -> Result<Coding, Refusal> {
        let (mark, coding) = match (given, self.raw.as_slice()) {
            (None | Some(Encoding::Utf8), [0xEF, 0xBB, 0xBF, ..]) => (3, Coding::Utf8),
            (None | Some(Encoding::Utf16), [0xFF, 0xFE, ..]) => (2, Coding::foreign(Foreign::Utf16Le)),
            (None | Some(Encoding::Utf16), [0xFE, 0xFF, ..]) => (2, Coding::foreign(Foreign::Utf16Be)),
            (Some(Encoding::Utf16), _) => return Err(Refusal::NoByteOrderMark),
            (Some(Encoding::ShiftJis), _) => (0, Coding::foreign(Foreign::ShiftJis)),
            (Some(Encoding::Utf8), _) => (0, Coding::Utf8),
            (None, _) => (0, Coding::Undecided),
        };
        self.drop_raw(mark);
        self.text_offset = self.offset;
        Ok(coding)
    }

    fn decode_utf8(&mut self) -> Result<(), ReadError> {
        let (valid, fault) = match std::str::from_utf8(&self.raw) {
            Ok(_) => (self.raw.len(), false),
            Err(error) => {
                // A character that the block cuts off is whole in the next one, if there is one.
                let is_cut_off = error.error_len().is_none() && !self.source_ended;
                (error.valid_up_to(), !is_cut_off)
            }
        };
        self.text.extend_from_slice(&self.raw[..valid]);
        self.drop_raw(valid);
        if fault {
            return Err(self.undecodable(Encoding::Utf8, self.offset));
        }
        Ok(())
    }

    fn decode_other(&mut self) -> Result<(), ReadError> {
        let Coding::Other(foreign, decoder) = &mut self.coding else {
            return Ok(());
        };
        let foreign = *foreign;
        let start = self.text.len();
        let room = decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
        self.text
            .resize(start + room.unwrap_or(4 * self.raw.len() + 16), 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.text[start..], self.source_ended);
        self.text.truncate(start + written);
        self.drop_raw(read);
        if self.source_ended {
            self.coding = Coding::Ended(foreign);
        }
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
            DecoderResult::Malformed(bad, after) => {
                let offset = self.offset - u64::from(bad) - u64::from(after);
                Err(self.undecodable(foreign.encoding(), offset))
            }
        }
    }

    fn undecodable(&self, encoding: Encoding, offset: u64) -> ReadError {
        let encoding = encoding.name();
        Refusal::Undecodable { offset, encoding }.into()
    }

    fn drop_raw(&mut self, count: usize) {
        self.raw.drain(..count);
        self.offset += count as u64;
    }
}

impl Coding {
    fn of(found: Found) -> Self {
        match found {
            Found::Ascii => Self::Undecided,
            Found::Utf8 => Self::Utf8,
            Found::Utf16Le => Self::foreign(Foreign::Utf16Le),
            Found::Utf16Be => Self::foreign(Foreign::Utf16Be),
            Found::ShiftJis => Self::foreign(Foreign::ShiftJis),
        }
    }

    fn foreign(foreign: Foreign) -> Self {
        let decoder = foreign.decoding().new_decoder_without_bom_handling();
        Self::Other(foreign, Box::new(decoder))
    }

    /// How many bytes of the file the text was decoded from.
    fn file_bytes(&self, text: &[u8]) -> u64 {
        match self {
            Self::Unread(_) | Self::Undecided | Self::Utf8 => text.len() as u64,
            Self::Other(foreign, _) | Self::Ended(foreign) => {
                let text = std::str::from_utf8(text).expect("what is decoded is UTF-8, in whole characters");
                text.chars().map(|character| foreign.bytes_of(character)).sum()
            }
        }
    }
}

impl Foreign {
    fn decoding(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::ShiftJis => SHIFT_JIS,
        }
    }

    fn encoding(self) -> Encoding {
        match self {
            Self::Utf16Le | Self::Utf16Be => Encoding::Utf16,
            Self::ShiftJis => Encoding::ShiftJis,
        }
    }

    /// How many bytes the character was decoded from.
    fn bytes_of(self, character: char) -> u64 {
        match self {
            Self::Utf16Le | Self::Utf16Be => 2 * character.len_utf16() as u64,
            // One byte each: ASCII, 0x80, and the half-width katakana.
            Self::ShiftJis => match character {
                '\0'..='\u{80}' | '\u{FF61}'..='\u{FF9F}' => 1,
                _ => 2,
            },
        }
    }
}

/// UTF-8 wins where both fit: hardly any Shift_JIS text is UTF-8 by chance. Where neither fits,
/// the one that fits further.
fn judge(sample: &[u8], is_all: bool) -> Coding {
    let utf8_length = match std::str::from_utf8(sample) {
        Ok(_) => return Coding::Utf8,
        Err(error) if error.error_len().is_none() && !is_all => return Coding::Utf8,
        Err(error) => error.valid_up_to(),
    };
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    let mut text = vec![0; 3 * sample.len() + 16];
    let (_, shift_jis_length, _) = decoder.decode_to_utf8_without_replacement(sample, &mut text, false);
    if shift_jis_length > utf8_length {
        Coding::foreign(Foreign::ShiftJis)
    } else {
        Coding::Utf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_shift_jis_is_counted_by_the_bytes_it_has() {
        let mut characters = 0;
        for lead in 0..=0xFF_u8 {
            for bytes in std::iter::once(vec![lead]).chain((0..=0xFF).map(|trail| vec![lead, trail])) {
                let (text, faulty) = SHIFT_JIS.decode_without_bom_handling(&bytes);
                let mut text = text.chars();
                if let (false, Some(character), None) = (faulty, text.next(), text.next()) {
                    assert_eq!(
                        Foreign::ShiftJis.bytes_of(character),
                        bytes.len() as u64,
                        "{bytes:02x?}"
                    );
                    characters += 1;
                }
            }
        }
        assert!(characters > 9_000, "{characters}");
    }
}
