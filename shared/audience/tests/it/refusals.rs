//! Files that are refused as a whole, in words that help.

use std::io::{self, Read};

use audience::{Delimiter, FileSettings, ReadError, Refusal};

use super::{read, read_with, rows_of};

fn refusal(file: impl AsRef<[u8]>) -> String {
    read(file).unwrap_err().to_string()
}

#[test]
fn a_header_that_cannot_be_used_is_refused() {
    assert_eq!(
        refusal(""),
        "the file is empty: it needs a header with a column `user_id`"
    );
    assert_eq!(
        refusal("\r\n\n"),
        "the file is empty: it needs a header with a column `user_id`"
    );
    assert_eq!(
        refusal("id,name\nu1,a\n"),
        "the header has no column `user_id`; it has: id, name"
    );
    assert_eq!(
        refusal("user_id, Name,name\n"),
        "the header has the column `name` twice"
    );
    assert_eq!(
        refusal("User_ID,user_id\n"),
        "the header has the column `user_id` twice"
    );
    assert_eq!(refusal("user_id,,name\n"), "column 2 of the header has no name");
    assert_eq!(
        refusal(format!("user_id,{}\n", "x".repeat(129))),
        "the name of column 2 is longer than 128 bytes"
    );
}

#[test]
fn sixty_four_columns_are_the_most() {
    let header = |columns: usize| {
        (1..columns).fold("user_id".to_owned(), |header, column| {
            header + &format!(",c{column}")
        })
    };

    assert_eq!(read(header(64)), Ok(vec![]));
    assert_eq!(refusal(header(65)), "the header has more than 64 columns");
    assert_eq!(refusal(header(100_000)), "the header has more than 64 columns");
}

#[test]
fn a_given_delimiter_is_believed() {
    let settings = FileSettings {
        delimiter: Some(Delimiter::Semicolon),
        ..FileSettings::default()
    };

    assert_eq!(
        read_with("user_id,name\n", settings),
        Err(Refusal::NoUserId {
            columns: vec!["user_id,name".to_owned()]
        })
    );
}

#[test]
fn a_quote_that_is_never_closed_is_told_and_does_not_swallow_the_rest() {
    assert_eq!(
        refusal("user_id,a\nu1,x\nu2,\"y\nu3,z\n"),
        "the record that starts on line 3 has a quote that is never closed"
    );
    assert_eq!(
        refusal(format!("user_id,a\nu1,\"{}", "y,\n".repeat(1_000_000))),
        "the record that starts on line 2 is longer than 1048576 bytes; is a quote not closed?"
    );
}

#[test]
fn a_file_of_nothing_but_nul_is_refused_with_little_memory() {
    let endless = io::repeat(0).take(1 << 40);

    let error = rows_of(endless, FileSettings::default()).unwrap_err();

    assert!(
        matches!(error, ReadError::Refused(Refusal::RecordTooLong { line: 1, .. })),
        "{error}"
    );
}

#[test]
fn a_source_that_fails_is_told_from_a_file_that_is_refused() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("connection lost"))
        }
    }
    let source = "user_id\nu1\n".as_bytes().chain(Broken);

    let error = rows_of(source, FileSettings::default()).unwrap_err();

    assert!(matches!(error, ReadError::Source(_)), "{error}");
}
