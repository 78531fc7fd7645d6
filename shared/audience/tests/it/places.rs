//! Reading that goes on at a place, in every encoding and behind every row.

use audience::{FileSettings, Place, RowReader};
use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;

/// What became of each row, and the place behind it.
fn read(mut reader: RowReader<&[u8]>) -> Vec<(String, Place)> {
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let told = format!("{row:?}");
        rows.push((told, reader.place()));
    }
    rows
}

/// Reads the file whole, and from each place on; all must tell the same.
fn assert_resumable(file: &[u8]) {
    let reader = RowReader::open(file, FileSettings::default()).unwrap();
    let start = reader.place();
    let whole = read(reader);

    let places = [start]
        .into_iter()
        .chain(whole.iter().map(|(_, place)| place.clone()));
    for (position, place) in places.enumerate() {
        let stored = serde_json::to_string(&place).unwrap();
        let place: Place = serde_json::from_str(&stored).unwrap();
        let rest = &file[usize::try_from(place.offset).unwrap()..];

        let resumed = read(RowReader::resume(rest, &place).unwrap());

        assert_eq!(resumed, whole[position..]);
    }
    let end = whole.last().map(|(_, place)| place.offset);
    assert_eq!(end, Some(file.len() as u64));
}

const TEXT: &str =
    "User_ID;時間帯;note\nu1;;\"a\n;\"\"b\"\r\n\n\r\nｱｲｳ;東京;x\nu3\n\u{FEFF}u4;;狼煙\n\"\";;é?\nlast;;ｶﾞ";

#[test]
fn utf_8_goes_on_behind_every_row() {
    assert_resumable(TEXT.as_bytes());
    assert_resumable(format!("\u{FEFF}{TEXT}").as_bytes());
}

#[test]
fn utf_16_goes_on_behind_every_row() {
    let text = format!("\u{FEFF}{TEXT}𠮷;;𠮷");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();

    assert_resumable(&little);
    assert_resumable(&big);
}

#[test]
fn shift_jis_goes_on_behind_every_row() {
    let text = TEXT.replace(['\u{FEFF}', 'é'], "");
    let (bytes, _, faulty) = SHIFT_JIS.encode(&text);

    assert!(!faulty);
    assert_resumable(&bytes);
}

#[test]
fn an_encoding_that_is_not_found_yet_is_found_behind_the_place() {
    let ascii = "u1,a\n".repeat(200);
    let (japanese, _, _) = SHIFT_JIS.encode("u2,狼煙\n");
    let file = [b"user_id,note\n".as_slice(), ascii.as_bytes(), &japanese].concat();

    assert_resumable(&file);
}

proptest! {
    #[test]
    fn any_file_goes_on_behind_every_row(rows in "([ab\"\r\n,é狼𠮷\u{FEFF}]{0,6}\n){0,12}") {
        let file = format!("user_id,b\n{}x,\n", rows.replace('"', "\"\""));

        assert_resumable(file.as_bytes());
    }
}
