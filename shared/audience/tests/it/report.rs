//! The report of a file, row by row.

use audience::{REPORT_HEADER, write_report_line};

use super::open;

fn report(file: &str) -> String {
    let mut reader = open(file.as_bytes());
    let mut report = REPORT_HEADER.to_owned();
    while let Some(row) = reader.next_row().unwrap() {
        write_report_line(&mut report, &row);
    }
    report
}

#[test]
fn the_report_has_one_line_a_row_in_input_order() {
    let file = "user_id,locale\nu1,ja\nu1,ja\n\n,ja\nu2\n";

    assert_eq!(
        report(file),
        "line,user_id,result,reason\r\n\
         2,u1,accepted,\r\n\
         3,u1,rejected,duplicate\r\n\
         5,,rejected,missing_user_id\r\n\
         6,u2,rejected,field_count\r\n"
    );
}

#[test]
fn a_user_id_is_never_a_formula_and_always_one_cell() {
    let ids = ["=1+1", "+1", "-1", "@a", "a,b", "a\"b", "a\nb", "=a,\"b\"", "u1"];
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["user_id", "a"]).unwrap();
    for id in ids {
        file.write_record([id, ""]).unwrap();
    }

    let report = report(std::str::from_utf8(&file.into_inner().unwrap()).unwrap());

    let records = csv::Reader::from_reader(report.as_bytes()).into_records();
    let cells: Vec<String> = records.map(|record| record.unwrap()[1].to_owned()).collect();
    assert_eq!(
        cells,
        [
            "'=1+1",
            "'+1",
            "'-1",
            "'@a",
            "a,b",
            "a\"b",
            "a\nb",
            "'=a,\"b\"",
            "u1"
        ]
    );
}
