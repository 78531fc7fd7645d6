//! Fields of a protocol buffer, written from the outside in, into one buffer.
//!
//! The generated messages ask every level for its length before they write it, and each level
//! asks all those below; a push is six levels deep, and a commit has 499 of them. Here a message
//! is written behind one byte for its length, and is moved by a byte or two where it turns out
//! to be longer than that byte can say.

/// The encoding of numbers.
const VARINT: u64 = 0;
/// That of texts, bytes and messages.
const LENGTH_DELIMITED: u64 = 2;

/// A message, as far as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    /// A field of type `int64`, `bool` or of an enumeration.
    pub(crate) fn number(&mut self, field: u32, number: i64) {
        self.varint(u64::from(field) << 3 | VARINT);
        self.varint(number.cast_unsigned());
    }

    /// A field of type `string`.
    pub(crate) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// A field of type `bytes`, or of a message that is encoded already.
    pub(crate) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A field of a message, which `write` writes.
    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.varint(u64::from(field) << 3 | LENGTH_DELIMITED);
        let length_at = self.0.len();
        self.0.push(0);
        write(self);
        let mut length = Self::default();
        length.varint((self.0.len() - length_at - 1) as u64);
        self.0.splice(length_at..=length_at, length.0);
    }

    /// The message.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_groups_of_seven_bits_with_the_lowest_first() {
        let mut fields = Fields::default();

        fields.number(2, 300);
        fields.number(19, -1);

        let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(
            fields.into_bytes(),
            [&[0x10, 0xac, 0x02, 0x98, 0x01], minus_one.as_slice()].concat()
        );
    }

    #[test]
    fn a_message_is_told_its_length_whatever_that_is() {
        for (size, prefix) in [
            (0, &[0x0a, 0x00][..]),
            (5, &[0x0a, 0x07]),
            (200, &[0x0a, 0xcb, 0x01]),
        ] {
            let mut fields = Fields::default();

            fields.message(1, |inner| {
                if size > 0 {
                    inner.bytes(3, &vec![7; size]);
                }
            });

            assert!(fields.into_bytes().starts_with(prefix), "{size}");
        }
    }
}
