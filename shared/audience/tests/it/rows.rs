//! Which rows are recipients, and on which lines they stand.

use audience::{FileSettings, Rejection, Summary, file_of_user_ids};
use proptest::prelude::*;

use super::{Trickle, open, read, rows_of};

#[test]
fn a_row_gives_a_recipient_with_its_variables() {
    let file = " User_ID ,Time_Zone,name,LOCALE,Rank\n u1 ,Asia/Tokyo, Hanako ,ja-JP,7\nu2,,,,\n";
    let mut reader = open(file.as_bytes());

    assert_eq!(reader.variables(), ["name", "rank"]);
    let first = reader.next_row().unwrap().unwrap().verdict.unwrap();
    assert_eq!((first.user_id, first.locale), ("u1", Some("ja-JP")));
    assert_eq!(first.time_zone.unwrap().name(), "Asia/Tokyo");
    assert_eq!(first.variables.get("name"), Some("Hanako"));
    assert_eq!(
        first.variables.iter().collect::<Vec<_>>(),
        [("name", "Hanako"), ("rank", "7")]
    );
    assert_eq!(first.variables.get("city"), None);
    let second = reader.next_row().unwrap().unwrap().verdict.unwrap();
    assert_eq!((second.time_zone, second.locale), (None, None));
    assert_eq!(second.variables.get("rank"), Some(""));
    assert_eq!(reader.next_row().unwrap(), None);
}

#[test]
fn rules_are_checked_in_their_order() {
    let long_id = "é".repeat(65);
    let large = "x".repeat(2_049);
    let rows = [
        (format!("{long_id},Nowhere,!,{large},extra"), "field_count"),
        (format!(" ,Nowhere,!,{large}"), "missing_user_id"),
        (format!("{long_id}\u{7},Nowhere,!,{large}"), "user_id_too_long"),
        (format!("a\u{7}b,Nowhere,!,{large}"), "user_id_invalid"),
        (format!("u1,Nowhere,!,{large}"), "unknown_time_zone"),
        (format!("u1,UTC,!,{large}"), "unknown_locale"),
        (format!("u1,UTC,en,{large}"), "variables_too_large"),
        ("u1,UTC,en,x".to_owned(), "accepted"),
        ("u1,UTC,en,x".to_owned(), "duplicate"),
    ];
    let file = rows
        .iter()
        .fold("user_id,time_zone,locale,name\n".to_owned(), |file, (row, _)| {
            file + row + "\n"
        });

    let verdicts = read(file).unwrap();

    for (verdict, (_, expected)) in verdicts.iter().zip(&rows) {
        assert!(
            verdict.ends_with(&format!(" {expected}")),
            "{verdict} is not {expected}"
        );
    }
    assert_eq!(verdicts.len(), rows.len());
}

#[test]
fn limits_are_the_last_that_is_allowed() {
    let id = "u".repeat(128);
    let value = "x".repeat(1_024);

    assert_eq!(
        read(format!(
            "user_id,a,b\n{id},{value},{value}\n{id}u,,\nu2,{value},{value}x"
        ))
        .unwrap(),
        [
            format!("2 {id} accepted"),
            format!("3 {id}u user_id_too_long"),
            "4 u2 variables_too_large".to_owned()
        ]
    );
}

#[test]
fn a_rejected_rows_id_does_not_count_as_seen_and_a_duplicate_names_the_line() {
    let file = "user_id,locale\nu1,!\nu1,ja\n\nu1,en\n";
    let mut reader = open(file.as_bytes());

    let mut verdicts = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        verdicts.push(row.verdict.err());
    }

    assert_eq!(
        verdicts,
        [
            Some(Rejection::UnknownLocale),
            None,
            Some(Rejection::Duplicate { of_line: 3 })
        ]
    );
}

#[test]
fn a_line_is_the_physical_one_on_which_the_record_starts() {
    let file = "\n\nuser_id,note\n\nu1,\"two\r\nlines\"\r\n\r\n\n\"u2\",\"a \"\"quote\"\"\n\n\"\nu3,";

    assert_eq!(
        read(file).unwrap(),
        ["5 u1 accepted", "9 u2 accepted", "12 u3 accepted"]
    );
}

#[test]
fn a_lone_carriage_return_ends_no_record() {
    assert_eq!(
        read("user_id,a\r\nu1,x\ry\r\nu\r2,z").unwrap(),
        ["2 u1 accepted", "3 u\r2 user_id_invalid"]
    );
}

#[test]
fn quotes_inside_a_field_are_ordinary_characters() {
    assert_eq!(
        read("user_id,a\nu\"1\",x \"y\" z\n").unwrap(),
        ["2 u\"1\" accepted"]
    );
}

#[test]
fn a_blank_line_is_no_record_and_an_empty_field_is_one() {
    let file = "user_id\r\n\r\n\nu1\n\"\"\n \nu2\r\n\r\n";

    let expected = [
        "4 u1 accepted",
        "5  missing_user_id",
        "6  missing_user_id",
        "7 u2 accepted",
    ];
    assert_eq!(read(file).unwrap(), expected);
}

#[test]
fn the_delimiter_is_found_from_the_header() {
    for delimiter in [",", "\t", ";"] {
        let file = ["name,x", "user_id", "rank"]
            .map(|name| format!("\"{name}\""))
            .join(delimiter);
        let file = format!("{file}\n{}\n", ["a", "u1", "b"].join(delimiter));

        assert_eq!(read(file).unwrap(), ["2 u1 accepted"], "{delimiter:?}");
    }
    assert_eq!(read("user_id\nu1,x;y\n"), Ok(vec!["2 u1 field_count".to_owned()]));
}

#[test]
fn a_million_fields_are_one_wrong_row() {
    let file = format!("user_id,a\n{}\nu1,x\n", ",".repeat(1_000_000));

    assert_eq!(read(file).unwrap(), ["2  field_count", "3 u1 accepted"]);
}

#[test]
fn counts_are_by_reason() {
    let file = "user_id,a\nu1,\nu1,\nu1,\nu2\nu3,\n";
    let mut reader = open(file.as_bytes());

    let mut summary = Summary::default();
    while let Some(row) = reader.next_row().unwrap() {
        summary.count(&row);
    }

    assert_eq!(
        (summary.rows(), summary.accepted(), summary.rejected()),
        (5, 2, 3)
    );
    assert_eq!(
        summary.reasons().collect::<Vec<_>>(),
        [("field_count", 1), ("duplicate", 2)]
    );
}

#[test]
fn ids_named_in_a_request_are_checked_like_a_files() {
    let long = "x".repeat(129);
    let file = file_of_user_ids(["u1", "a,\"b\"", " u1 ", "", "=1", &long]);

    assert_eq!(
        read(file).unwrap(),
        [
            "2 u1 accepted",
            "3 a,\"b\" accepted",
            "4 u1 duplicate",
            "5  missing_user_id",
            "6 =1 accepted",
            &format!("7 {long} user_id_too_long"),
        ]
    );
}

fn fields() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,3}",
        "[ \"\r\n,;é青\u{85}=]{0,6}",
        Just("Asia/Tokyo".to_owned()),
        Just("ja".to_owned())
    ]
}

fn files() -> impl Strategy<Value = String> {
    let row = prop::collection::vec(fields(), 1..6).prop_map(|fields| fields.join(","));
    let rows = prop::collection::vec(row, 0..30);
    (rows, prop_oneof![Just("\n"), Just("\r\n")])
        .prop_map(|(rows, line_end)| format!("user_id,time_zone,locale,a,b{line_end}{}", rows.join(line_end)))
}

proptest! {
    #[test]
    fn a_file_reads_the_same_however_it_comes(file in files(), at_once in 1..20_usize) {
        let whole = read(&file);

        let trickle = Trickle { bytes: file.as_bytes(), at_once };
        let piecemeal = rows_of(trickle, FileSettings::default());

        prop_assert_eq!(whole.map_err(|error| error.to_string()), piecemeal.map_err(|error| error.to_string()));
    }

    #[test]
    fn what_is_written_by_the_csv_crate_is_read_back(
        rows in prop::collection::vec(("[a-z]{1,8}", "[ -~\n\"é青]{0,40}"), 0..50)
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["user_id", "note"]).unwrap();
        for (position, (id, note)) in rows.iter().enumerate() {
            writer.write_record([format!("{id}{position}").as_str(), note]).unwrap();
        }
        let file = writer.into_inner().unwrap();

        let mut reader = open(file.as_slice());

        let mut line = 2;
        for (position, (id, note)) in rows.iter().enumerate() {
            let row = reader.next_row().unwrap().unwrap();
            let recipient = row.verdict.unwrap();
            prop_assert_eq!(row.line, line);
            prop_assert_eq!(recipient.user_id, format!("{id}{position}"));
            prop_assert_eq!(recipient.variables.get("note"), Some(note.trim()));
            line += 1 + u32::try_from(note.matches('\n').count()).unwrap();
        }
        prop_assert_eq!(reader.next_row().unwrap(), None);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let with_header = [b"user_id,a\n".as_slice(), &bytes].concat();

        for file in [bytes, with_header] {
            let _ = read(&file);
        }
    }
}
