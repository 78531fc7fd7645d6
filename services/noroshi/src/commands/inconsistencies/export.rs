//! Inconsistencies as a file on standard output.

use clap::{Args, ValueEnum};
use futures::StreamExt;
use reqwest::Method;
use runtime::ExitCode;

use super::FilterArguments;
use crate::api::{Api, Error, no_answer};
use crate::output;

const REQUEST: &str = "the export";

/// Which inconsistencies, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// How they are written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Print them as one JSON document instead: an array.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With a header, safe to open in a spreadsheet.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Writes the file as it comes.
pub(super) async fn run(api: &Api, arguments: ExportArguments) -> Result<ExitCode, Error> {
    let format = match (arguments.json, arguments.format) {
        (false, Format::Csv) => "csv",
        (false, Format::Jsonl) | (true, _) => "jsonl",
    };
    let request = api
        .transfer(Method::GET, "/inconsistencies/export")
        .query(&arguments.filter.parameters())
        .query(&[("format", format)]);
    let mut pieces = api.send(REQUEST, request).await?.bytes_stream();
    let mut array = Array::default();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(no_answer(REQUEST))?;
        if arguments.json {
            output::bytes(&array.of_lines(&piece));
        } else {
            output::bytes(&piece);
        }
    }
    if arguments.json {
        output::line(array.end());
    }
    Ok(ExitCode::Done)
}

/// Turns JSON lines into an array, piece by piece.
#[derive(Debug, Default)]
struct Array {
    is_begun: bool,
    /// A line has ended, and whether another follows is not known yet.
    is_between: bool,
}

impl Array {
    fn of_lines(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut array = Vec::with_capacity(piece.len() + 16);
        for byte in piece {
            if *byte == b'\n' {
                self.is_between = true;
                continue;
            }
            if !self.is_begun {
                array.push(b'[');
                self.is_begun = true;
            } else if self.is_between {
                array.extend_from_slice(b",\n");
            }
            self.is_between = false;
            array.push(*byte);
        }
        array
    }

    fn end(&self) -> &'static str {
        if self.is_begun { "]" } else { "[]" }
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    fn array(pieces: &[&str]) -> String {
        let mut array = Array::default();
        let mut text = Vec::new();
        for piece in pieces {
            text.extend(array.of_lines(piece.as_bytes()));
        }
        String::from_utf8(text).unwrap() + array.end()
    }

    #[test]
    fn lines_become_one_array_wherever_they_are_cut() {
        assert_eq!(array(&[]), "[]");
        assert_eq!(array(&["{\"a\":1}\n"]), "[{\"a\":1}]");
        assert_eq!(
            array(&["{\"a\"", ":1}", "\n", "{\"b\":2}\n{}\n"]),
            "[{\"a\":1},\n{\"b\":2},\n{}]"
        );
    }
}
