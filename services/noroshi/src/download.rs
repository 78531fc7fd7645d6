//! Saves a report: in pieces if need be, each where the one before broke off.
//!
//! It is written to `OUT.part` and gets its name when it is whole, so that half a report is never
//! taken for one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use runtime::Process;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::again::again;
use crate::api::{Api, Error, no_answer};

const REQUEST: &str = "the request for the report";

/// How often it is asked whether a report is made.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Answers in a row that bring nothing more, after which it is given up.
const TRIES: u32 = 12;

/// What is saved so far.
struct Saved {
    path: PathBuf,
    file: File,
    size: u64,
    /// The whole's size and tag, once an answer said them.
    whole: Option<(u64, String)>,
}

/// Waits until the report at `path`, below `/v1`, is made, and saves it. Gives its size in bytes.
pub async fn report(api: &Api, process: &Process, path: &str, out: &Path) -> Result<u64, Error> {
    let mut saved = Saved::create(out).await?;
    let mut tries = 0;
    while !saved.is_whole() {
        let before = saved.size;
        match saved.fetch(api, process, path).await {
            Err(error) if error.is_passing() && tries < TRIES => {}
            fetched => fetched?,
        }
        tries = if saved.size > before { 0 } else { tries + 1 };
        if !saved.is_whole() {
            process.clock.sleep(LOOK_AGAIN).await;
        }
    }
    saved.keep(out).await
}

impl Saved {
    async fn create(out: &Path) -> Result<Self, Error> {
        let mut path = out.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let file = File::create(&path)
            .await
            .map_err(|source| Error::unwritable(&path, source))?;
        Ok(Self {
            path,
            file,
            size: 0,
            whole: None,
        })
    }

    fn is_whole(&self) -> bool {
        self.whole.as_ref().is_some_and(|(size, _)| *size == self.size)
    }

    /// Fetches what is missing, as far as one answer goes.
    async fn fetch(&mut self, api: &Api, process: &Process, path: &str) -> Result<(), Error> {
        let response = loop {
            let response = again(process, async || {
                let mut request = api.transfer(Method::GET, path);
                if let Some((_, tag)) = &self.whole {
                    request = request
                        .header(RANGE, format!("bytes={}-", self.size))
                        .header(IF_RANGE, tag);
                }
                api.send(REQUEST, request).await
            })
            .await;
            match response {
                Err(error) if error.is_problem("report-making") => process.clock.sleep(LOOK_AGAIN).await,
                response => break response?,
            }
        };
        self.begin(&response).await?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(no_answer(REQUEST))?;
            let written = self.file.write_all(&piece).await;
            written.map_err(|source| Error::unwritable(&self.path, source))?;
            self.size += piece.len() as u64;
        }
        Ok(())
    }

    /// An answer with the whole begins anew.
    async fn begin(&mut self, response: &Response) -> Result<(), Error> {
        if response.status() == StatusCode::PARTIAL_CONTENT {
            return Ok(());
        }
        self.file = File::create(&self.path)
            .await
            .map_err(|source| Error::unwritable(&self.path, source))?;
        self.size = 0;
        self.whole = response.content_length().zip(tag(response.headers()));
        Ok(())
    }

    async fn keep(mut self, out: &Path) -> Result<u64, Error> {
        let kept = async {
            self.file.flush().await?;
            self.file.sync_all().await?;
            tokio::fs::rename(&self.path, out).await
        };
        kept.await.map_err(|source| Error::unwritable(out, source))?;
        Ok(self.size)
    }
}

fn tag(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(ETAG)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use runtime::config::Secret;
    use runtime::{Clock, Config};
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const REPORT: &str = "0123456789";

    /// Answers one request on `listener` with these lines and that much of a body, and hangs up.
    async fn answer(listener: &TcpListener, head: &str, body: &str) -> String {
        let (mut line, _) = listener.accept().await.unwrap();
        let asked = request(&mut line).await;
        let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}");
        line.write_all(answer.as_bytes()).await.unwrap();
        asked
    }

    async fn request(line: &mut TcpStream) -> String {
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            asked.push(char::from(line.read_u8().await.unwrap()));
        }
        asked.to_lowercase()
    }

    #[tokio::test]
    async fn what_broke_off_is_gone_on_with_and_is_a_report_only_when_it_is_whole() {
        runtime::process::install_crypto();
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out.zip");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api::at(listener.local_addr().unwrap(), Secret::new("test", "t0k3n")).unwrap();
        let process = Process::new(Config::default(), Clock::system());

        let served = async {
            let making = "409 Conflict\r\ncontent-type: application/problem+json\r\ncontent-length: 50";
            answer(
                &listener,
                making,
                r#"{"type":"urn:noroshi:problem:report-making","a":1}"#,
            )
            .await;
            let whole = "200 OK\r\netag: \"tag\"\r\ncontent-length: 10";
            let first = answer(&listener, whole, &REPORT[..4]).await;
            let named_early = out.exists();
            let rest = "206 Partial Content\r\netag: \"tag\"\r\ncontent-length: 6";
            let second = answer(&listener, rest, &REPORT[4..]).await;
            (first, named_early, second)
        };
        let (size, (first, named_early, second)) =
            tokio::join!(report(&api, &process, "/audiences/a/report", &out), served);

        assert_eq!(size.unwrap(), 10);
        assert!(!first.contains("range:"), "{first}");
        assert!(!named_early);
        assert!(
            second.contains("range: bytes=4-") && second.contains("if-range: \"tag\""),
            "{second}"
        );
        assert_eq!(std::fs::read_to_string(&out).unwrap(), REPORT);
    }
}
