//! Files in and out: over lines that break, and behind a proxy that takes a mebibyte at a time.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use campaign::ReportId;
use database::report::{self, MAX_PART_BYTES};
use journeys::engines;
use journeys::nginx::Nginx;
use journeys::wire::http::{self, Request};
use journeys::wire::{Fault, Rule};
use journeys::world::{Stores, World, users};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::shell::{Shell, stdout};
use crate::stamp::on_all_stores;

on_all_stores! {
    a_file_is_looked_at_imported_and_shown
    a_refused_file_is_told_by_the_exit_code
    a_campaigns_report_has_what_became_of_each_recipient
}

/// Mebibytes of the file that goes through the proxy; `tests/long` sets a hundred.
const MEBIBYTES: &str = "NOROSHI_TEST_FILE_MIB";

async fn a_file_is_looked_at_imported_and_shown(world: &World) {
    let shell = Shell::of(world, "audiences");
    shell.write("users.csv", b"user_id;name\nu1;Hanako\nu2;Zoe\nu1;again\n");

    let preview = shell.done(&["preview", "users.csv"]).await;
    let imported = shell.done(&["import", "users.csv", "--name", "everybody"]).await;
    let listed = shell.json(&["list"]).await;
    let id = listed["items"][0]["id"].as_str().unwrap();
    let shown = shell.done(&["show", id]).await;

    assert!(preview.contains("separated by semicolon"), "{preview}");
    assert!(preview.contains("Of 3 rows, 2 would be accepted."), "{preview}");
    assert!(preview.contains("1 would be rejected: duplicate"), "{preview}");
    assert!(
        imported.contains("accepted") && imported.contains("is ready"),
        "{imported}"
    );
    assert_eq!(listed["items"][0]["name"], "everybody");
    assert!(shown.contains("rejected rows"), "{shown}");
}

async fn a_refused_file_is_told_by_the_exit_code(world: &World) {
    let shell = Shell::of(world, "audiences");
    let rows = file(200 << 10);
    shell.write("undecodable.csv", &[rows.as_bytes(), b"\xff\n"].concat());
    shell.write("no-user.csv", b"id\n1\n");
    shell.write("empty.csv", b"");

    let late = shell
        .run(&["import", "undecodable.csv", "--encoding", "utf-8"])
        .await;
    let early = shell.run(&["import", "no-user.csv"]).await;
    let empty = shell.run(&["import", "empty.csv"]).await;
    let previewed = shell.run(&["preview", "no-user.csv"]).await;
    let missing = shell.run(&["import", "missing.csv"]).await;

    for refused in [&late, &early, &empty, &previewed, &missing] {
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    }
    assert!(stdout(&late).contains("of the file is not UTF-8"), "{late:?}");
}

async fn a_campaigns_report_has_what_became_of_each_recipient(world: &World) {
    let users = users(150);
    let audience = world.audience_with_devices(&users).await;
    world.opt_out(&users[3]).await;
    let campaign = world.campaign(audience).coupon(None).start().await;
    world.finished(campaign).await;
    let shell = Shell::of(world, "campaigns");

    shell.done(&["report", &campaign.to_string(), "out.csv"]).await;

    let report = String::from_utf8(shell.read("out.csv")).unwrap();
    let lines: Vec<Vec<&str>> = report.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["user_id", "state", "reason", "sent_at", "coupon"]);
    let mut named: Vec<_> = lines[1..].iter().map(|line| line[0]).collect();
    named.sort_unstable();
    assert_eq!(named, users);
    for line in &lines[1..] {
        if line[0] == users[3] {
            assert_eq!(line[1..], ["skipped", "opted_out", "", ""]);
        } else {
            assert_eq!(line[1..3], ["sent", "accepted"]);
            assert!(line[3].ends_with('Z') && line[4].len() == 36, "{line:?}");
        }
    }
}

#[tokio::test]
async fn over_a_line_that_loses_and_doubles_a_file_comes_through_as_it_is() {
    let world = World::start(Stores::Optimistic).await.unwrap();
    let line = http::Proxy::start(world.api().url().trim_start_matches("http://"), 7).await;
    let puts = |request: &Request| request.method == Method::PUT;
    let _lost = line.inject(Rule::new(Fault::DropRequest, puts).times(3));
    let _unanswered = line.inject(Rule::new(Fault::DropReply, puts).times(3));
    let _doubled = line.inject(Rule::new(Fault::Twice, puts).times(3));
    let _refused = line.inject(Rule::new(Fault::Refuse(503), http::posts("/complete")).times(2));
    let shell = Shell::of(&world, "audiences").at(format!("http://{}", line.address()));
    shell.write("users.csv", file(12 << 20).as_bytes());

    let imported = shell.json(&["import", "users.csv"]).await;

    assert_eq!(imported["state"], "ready");
    assert_eq!(imported["size"], rows(12 << 20));
    assert_eq!(line.fired().total(), 11, "{:?}", line.fired());
    world.end().await;
}

#[tokio::test]
async fn behind_nginx_a_large_file_goes_up_is_cut_off_and_gone_on_with_and_its_report_comes_down() {
    let Some(program) = engines::nginx() else { return };
    let size = std::env::var(MEBIBYTES).map_or(8, |text| text.parse::<usize>().unwrap()) << 20;
    let embedded = |settings: journeys::world::Settings| settings.set("files.database", "embedded:");
    let world = World::start_with(Stores::Optimistic, embedded).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let api = world.api().url().trim_start_matches("http://").parse().unwrap();
    let nginx = Nginx::start(&program, directory.path(), api).await.unwrap();
    let shell = Shell::of(&world, "audiences").at(nginx.url());
    let file = file(size);
    shell.write("users.csv", file.as_bytes());

    // In one go it is not let through.
    let whole = world.api().at(nginx.url());
    let whole = whole
        .try_upload("/v1/audiences?name=whole", "text/csv", file.clone())
        .await
        .map(|answer| answer.status);
    assert!(
        matches!(whole, None | Some(StatusCode::PAYLOAD_TOO_LARGE)),
        "{whole:?}"
    );

    let upload = upload_half(&world, &nginx, file.as_bytes()).await;
    let import = [
        "import",
        "users.csv",
        "--resume",
        &upload,
        "--report",
        "imported.zip",
    ];
    let imported = shell.json(&import).await;
    assert_eq!(
        (&imported["id"], &imported["state"]),
        (&json!(upload), &json!("ready"))
    );
    assert_eq!(imported["size"], rows(size));

    let report = report(&world, &upload).await;
    shell.done(&["report", &upload, "out.zip"]).await;
    assert!(shell.read("imported.zip") == report);
    assert!(shell.read("out.zip") == report);
    assert!(!shell.path("out.zip.part").exists());
    world.end().await;
}

/// Puts the first half of the parts, and is cut off in the middle of one.
async fn upload_half(world: &World, nginx: &Nginx, file: &[u8]) -> String {
    let api = world.api().at(nginx.url());
    let parts: Vec<_> = file.chunks(MAX_PART_BYTES).collect();
    let begun: Value = api
        .post(
            "/v1/uploads",
            Some(&json!({"name": "large", "size": file.len(), "parts": parts.len()})),
        )
        .await;
    let id = begun["id"].as_str().unwrap().to_owned();
    for (no, part) in parts.iter().enumerate().take(parts.len() / 2) {
        let path = format!("/v1/uploads/{id}/parts/{no}");
        let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(part)));
        let put = api.put_part(&path, &digest, part.to_vec()).await;
        assert_eq!(put.status, StatusCode::CREATED, "{:?}", put.body);
    }
    let address = nginx.url();
    let mut line = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = format!(
        "PUT /v1/uploads/{id}/parts/{} HTTP/1.1\r\nhost: noroshi\r\nauthorization: Bearer {}\r\n\
         content-digest: sha-256=:AAAA:\r\ncontent-length: {}\r\n\r\n",
        parts.len() / 2,
        journeys::world::TOKEN,
        MAX_PART_BYTES
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&parts[0][..MAX_PART_BYTES / 2]).await.unwrap();
    drop(line);
    id
}

/// The report as it is stored.
async fn report(world: &World, audience: &str) -> Vec<u8> {
    let id: ReportId = audience.parse().unwrap();
    let size = report::get(world.files(), id).await.unwrap().unwrap().size;
    let mut content = Vec::new();
    while (content.len() as u64) < size {
        let part = report::find(world.files(), id, content.len() as u64)
            .await
            .unwrap();
        content.extend(part.unwrap().bytes);
    }
    content
}

/// Bytes of a row.
const ROW: usize = 1024;

fn rows(size: usize) -> usize {
    size / ROW
}

/// An audience file of some more than so many bytes, in long rows.
fn file(size: usize) -> String {
    let note = "n".repeat(ROW - "user-00000000,\n".len());
    let rows = (0..rows(size)).map(|no| format!("user-{no:08},{note}\n"));
    "user_id,note\n".to_owned() + &rows.collect::<String>()
}
