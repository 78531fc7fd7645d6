//! Tables and paragraphs for people: columns in line, numbers to the right, lines that fit.

use std::fmt;

use chrono::{DateTime, Utc};

/// Rows of cells. A column of numbers, with a unit or without, is set to the right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty table whose columns have names.
    pub fn with_header<const N: usize>(names: [&str; N]) -> Self {
        Self {
            header: Some(names.map(ToOwned::to_owned).into()),
            rows: Vec::new(),
        }
    }

    /// Adds a row below the others. Rows may differ in length.
    pub fn row<const N: usize>(&mut self, cells: [&dyn fmt::Display; N]) {
        self.rows.push(cells.map(ToString::to_string).into());
    }

    /// The header, if there is one, and the rows.
    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        self.header.iter().chain(&self.rows)
    }

    fn columns(&self) -> Vec<Column> {
        let count = self.lines().map(Vec::len).max().unwrap_or_default();
        let column = |at: usize| {
            let cells = || self.rows.iter().filter_map(move |row| row.get(at));
            let lines = self.lines().filter_map(|line| line.get(at));
            Column {
                width: lines.map(|cell| cell.chars().count()).max().unwrap_or_default(),
                numbers: cells().all(|cell| cell.is_empty() || is_number(cell)),
            }
        };
        (0..count).map(column).collect()
    }
}

struct Column {
    width: usize,
    numbers: bool,
}

/// Ids and instants may begin with a digit too, and have hyphens.
fn is_number(cell: &str) -> bool {
    cell.starts_with(|first: char| first.is_ascii_digit()) && !cell.contains('-')
}

impl fmt::Display for Table {
    /// One line a row, two spaces between columns, no line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&columns).map(|(cell, Column { width, numbers })| {
                if *numbers {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        f.write_str(&self.lines().map(line).collect::<Vec<_>>().join("\n"))
    }
}

/// A paragraph in lines of at most 96 characters, each two spaces in. A longer word has a line of
/// its own.
pub fn wrapped(text: &str) -> String {
    const WIDTH: usize = 96;
    let mut lines = Vec::new();
    let mut line = " ".to_owned();
    for word in text.split_whitespace() {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full && line.len() > 1 {
            lines.push(std::mem::replace(&mut line, " ".to_owned()));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// A person's words, without what would move a terminal's cursor.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

/// A count with its thousands apart: `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span of time in the unit that fits: `45 s`, `12 min`, `3 h`, `2 d`.
pub fn age(seconds: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("d", 86_400), ("h", 3_600), ("min", 60)];
    match UNITS.into_iter().find(|(_, size)| seconds >= *size) {
        Some((unit, size)) => format!("{} {unit}", seconds / size),
        None => format!("{seconds} s"),
    }
}

/// A span of time in its two largest units: `45 s`, `3 min 20 s`, `1 h 12 min`, `2 d 3 h`.
pub fn span(seconds: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let largest = UNITS.iter().position(|(_, size)| seconds >= *size);
    let largest = largest.unwrap_or(UNITS.len() - 1);
    let (unit, size) = UNITS[largest];
    let whole = format!("{} {unit}", seconds / size);
    match UNITS.get(largest + 1) {
        Some((unit, smaller)) if seconds % size >= *smaller => {
            format!("{whole} {} {unit}", seconds % size / smaller)
        }
        Some(_) | None => whole,
    }
}

/// An instant in UTC, to the second: `2026-12-24 09:00:00`.
pub fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A bar of 30 characters, filled to the part that `done` is of `all`.
pub fn bar(done: u64, all: u64) -> String {
    const WIDTH: u128 = 30;
    let (done, all) = (u128::from(done.min(all)), u128::from(all));
    let filled = (WIDTH * done).checked_div(all).unwrap_or(WIDTH);
    (0..WIDTH).map(|at| if at < filled { '█' } else { '░' }).collect()
}

/// Bytes in the unit that fits: `812 B`, `4.0 KiB`, `288.3 MiB`, `1.5 GiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.into_iter().find(|(_, size)| n >= *size) {
        Some((unit, size)) => {
            let tenths = (u128::from(n) * 10 + u128::from(size) / 2) / u128::from(size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{n} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_and_numbers_to_the_right() {
        let mut table = Table::new();
        table.row([&"audience", &count(100_000)]);
        table.row([&"failed", &count(12), &"unregistered"]);

        assert_eq!(
            table.to_string(),
            "audience  100,000\nfailed         12  unregistered"
        );
    }

    #[test]
    fn names_stand_over_their_columns_and_decide_nothing() {
        let mut table = Table::with_header(["ID", "N"]);
        table.row([&"0198-7c3a", &count(1_200)]);

        assert_eq!(table.to_string(), "ID             N\n0198-7c3a  1,200");
    }

    #[test]
    fn a_paragraph_is_broken_between_words() {
        let words = ["signal"; 30].join(" ");

        let wrapped = wrapped(&words);

        let lines: Vec<_> = wrapped.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("  signal") && line.len() <= 96)
        );
        assert_eq!(wrapped.split_whitespace().count(), 30);
    }

    #[test]
    fn counts_and_bytes_are_written_for_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [812, 4_096, 302_304_461, 3 << 29].map(bytes),
            ["812 B", "4.0 KiB", "288.3 MiB", "1.5 GiB"]
        );
        assert_eq!(
            [0, 59, 60, 7_199, 200_000].map(age),
            ["0 s", "59 s", "1 min", "1 h", "2 d"]
        );
        assert_eq!(
            [0, 59, 60, 200, 4_325, 7_200, 200_000].map(span),
            [
                "0 s",
                "59 s",
                "1 min",
                "3 min 20 s",
                "1 h 12 min",
                "2 h",
                "2 d 7 h"
            ]
        );
    }

    #[test]
    fn a_bar_is_full_when_all_is_done_and_not_before() {
        let filled = |done, all| bar(done, all).matches('█').count();

        assert_eq!([filled(0, 10), filled(5, 10), filled(999, 1_000)], [0, 15, 29]);
        assert_eq!([filled(10, 10), filled(11, 10), filled(0, 0)], [30, 30, 30]);
    }
}
