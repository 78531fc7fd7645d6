//! Whole numbers in as few bytes as they need: LEB128.

use super::Corrupt;

pub(crate) fn write(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front.
pub(crate) fn read(bytes: &mut &[u8]) -> Result<u32, Corrupt> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Corrupt::Content("number"))?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).map_err(|_| Corrupt::Content("number"));
        }
    }
    Err(Corrupt::Content("number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);

            let mut rest = bytes.as_slice();
            assert_eq!(read(&mut rest), Ok(number));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_cut_and_an_endless_number_are_corrupt() {
        assert!(read(&mut [0x80_u8].as_slice()).is_err());
        assert!(read(&mut [0xFF_u8; 20].as_slice()).is_err());
        assert!(
            read(&mut [0xFF, 0xFF, 0xFF, 0xFF, 0x7F].as_slice()).is_err(),
            "more than 32 bits"
        );
    }
}
