//! Decodes a file into UTF-8, block by block, whatever it was written in.
//!
//! A byte order mark decides the encoding. Without one, and with none given, the first 64 KiB
//! that follow the first byte outside ASCII decide: they are UTF-8, or else Shift_JIS. Bytes
//! that cannot be decoded are never replaced: they refuse the file and are named.

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
    /// What was given or found, once that is known.
    encoding: Option<Encoding>,
    /// Read and not decoded yet.
    raw: Vec<u8>,
    /// How many bytes of the file lie before `raw`.
    offset: u64,
    source_ended: bool,
    /// Decoded and not consumed yet, from `consumed` on; always whole characters.
    text: Vec<u8>,
    consumed: usize,
}

enum Coding {
    /// The byte order mark is still to be looked for.
    Unread(Option<Encoding>),
    /// ASCII so far, which is the same in UTF-8 and Shift_JIS.
    Undecided,
    Utf8,
    Other(Encoding, Box<encoding_rs::Decoder>),
    /// All of the file is decoded; a decoder may not be asked again.
    Ended,
}

impl<R: Read> Text<R> {
    pub(super) fn new(source: R, given: Option<Encoding>) -> Self {
        Self {
            source,
            coding: Coding::Unread(given),
            encoding: given,
            raw: Vec::with_capacity(BLOCK),
            offset: 0,
            source_ended: false,
            text: Vec::with_capacity(2 * BLOCK),
            consumed: 0,
        }
    }

    /// How the file is written, as far as it is known: what is ASCII so far is UTF-8.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or(Encoding::Utf8)
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
            self.coding = judge(&self.raw, self.source_ended);
        }
        match self.coding {
            Coding::Utf8 => self.decode_utf8(),
            Coding::Other(..) => self.decode_other(),
            Coding::Unread(_) | Coding::Undecided | Coding::Ended => Ok(()),
        }
    }

    fn read_byte_order_mark(&mut self, given: Option<Encoding>) -> Result<Coding, Refusal> {
        let (mark, coding) = match (given, self.raw.as_slice()) {
            (None | Some(Encoding::Utf8), [0xEF, 0xBB, 0xBF, ..]) => (3, Coding::Utf8),
            (None | Some(Encoding::Utf16), [0xFF, 0xFE, ..]) => (2, Coding::other(Encoding::Utf16, UTF_16LE)),
            (None | Some(Encoding::Utf16), [0xFE, 0xFF, ..]) => (2, Coding::other(Encoding::Utf16, UTF_16BE)),
            (Some(Encoding::Utf16), _) => return Err(Refusal::NoByteOrderMark),
            (Some(Encoding::ShiftJis), _) => (0, Coding::other(Encoding::ShiftJis, SHIFT_JIS)),
            (Some(Encoding::Utf8), _) => (0, Coding::Utf8),
            (None, _) => (0, Coding::Undecided),
        };
        self.drop_raw(mark);
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
        let Coding::Other(encoding, decoder) = &mut self.coding else {
            return Ok(());
        };
        let encoding = *encoding;
        let start = self.text.len();
        self.encoding = Some(encoding);
        let room = decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
        self.text
            .resize(start + room.unwrap_or(4 * self.raw.len() + 16), 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.text[start..], self.source_ended);
        self.text.truncate(start + written);
        self.drop_raw(read);
        if self.source_ended {
            self.coding = Coding::Ended;
        }
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
            DecoderResult::Malformed(bad, after) => {
                let offset = self.offset - u64::from(bad) - u64::from(after);
                Err(self.undecodable(encoding, offset))
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
    fn other(encoding: Encoding, of: &'static encoding_rs::Encoding) -> Self {
        Self::Other(encoding, Box::new(of.new_decoder_without_bom_handling()))
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
        Coding::other(Encoding::ShiftJis, SHIFT_JIS)
    } else {
        Coding::Utf8
    }
}
