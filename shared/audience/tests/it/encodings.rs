//! Every encoding, found and given, and what cannot be decoded.

use audience::{Encoding, FileSettings, Refusal};
use encoding_rs::SHIFT_JIS;

use super::{Trickle, read, read_with, rows_of};

const FILE: &str = "user_id,name\n利用者1,佐藤 花子\nu2,Zoë\n";
const JAPANESE: &str = "user_id,name\n利用者1,ｶﾅ 髙橋①\nu2,\\~\n";
const ROWS: [&str; 2] = ["2 利用者1 accepted", "3 u2 accepted"];

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{FEFF}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(to_bytes)
        .collect()
}

fn given(encoding: Encoding) -> FileSettings {
    FileSettings {
        encoding: Some(encoding),
        ..FileSettings::default()
    }
}

#[test]
fn utf_8_is_read_with_and_without_a_byte_order_mark() {
    assert_eq!(read(FILE).unwrap(), ROWS);
    assert_eq!(read(format!("\u{FEFF}{FILE}")).unwrap(), ROWS);
    assert_eq!(
        read_with(format!("\u{FEFF}{FILE}"), given(Encoding::Utf8)).unwrap(),
        ROWS
    );
}

#[test]
fn utf_16_is_read_in_either_byte_order() {
    for file in [utf_16(FILE, u16::to_le_bytes), utf_16(FILE, u16::to_be_bytes)] {
        assert_eq!(read(&file).unwrap(), ROWS);
        assert_eq!(read_with(&file, given(Encoding::Utf16)).unwrap(), ROWS);
    }
}

#[test]
fn shift_jis_is_found_however_late_its_first_character_comes() {
    let (file, _, _) = SHIFT_JIS.encode(JAPANESE);
    let ascii = (0..20_000).fold("user_id,name\n".to_owned(), |file, row| {
        file + &format!("v{row},\n")
    });
    let (late, _, _) = SHIFT_JIS.encode("利用者1,x\n");
    let late = [ascii.as_bytes(), &late].concat();

    assert_eq!(read(&file).unwrap(), ROWS);
    assert_eq!(read_with(&file, given(Encoding::ShiftJis)).unwrap(), ROWS);
    assert_eq!(read(late).unwrap().last().unwrap(), "20002 利用者1 accepted");
}

#[test]
fn every_encoding_is_read_however_the_bytes_come() {
    let files = [
        FILE.as_bytes().to_vec(),
        utf_16(FILE, u16::to_le_bytes),
        SHIFT_JIS.encode(JAPANESE).0.into_owned(),
    ];

    for bytes in &files {
        for at_once in 1..7 {
            let rows = rows_of(Trickle { bytes, at_once }, FileSettings::default()).unwrap();
            assert_eq!(rows, ROWS);
        }
    }
}

#[test]
fn what_cannot_be_decoded_refuses_the_file_and_is_named() {
    let undecodable = |offset, encoding| Err(Refusal::Undecodable { offset, encoding });
    let mut utf_8 = FILE.repeat(10_000).into_bytes();
    utf_8[400_000] = 0xFF;
    let valid_before = std::str::from_utf8(&utf_8).unwrap_err().valid_up_to() as u64;
    assert_eq!(read(&utf_8), undecodable(valid_before, "UTF-8"));

    let cut_off = "user_id\n利用者1\n花".as_bytes();
    let cut_off = &cut_off[..cut_off.len() - 1];
    assert_eq!(read(cut_off), undecodable(19, "UTF-8"), "cut off");

    let mut utf_16 = utf_16("user_id\nu1\n", u16::to_le_bytes);
    utf_16.extend([0x00, 0xD8, 0x41, 0x00]);
    assert_eq!(read(&utf_16), undecodable(24, "UTF-16"), "half a pair");

    let file = b"user_id\n\x83\x86\xFF\n";
    assert_eq!(
        read_with(file, given(Encoding::ShiftJis)),
        undecodable(10, "Shift_JIS")
    );
}

#[test]
fn utf_16_needs_its_byte_order_mark() {
    assert_eq!(
        read_with(FILE, given(Encoding::Utf16)),
        Err(Refusal::NoByteOrderMark)
    );
}
