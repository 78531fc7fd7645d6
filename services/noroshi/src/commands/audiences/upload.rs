//! Sends a file up in parts, several at once; what fails is sent again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, TryStreamExt};
use runtime::Process;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ImportArguments;
use super::file::{LocalFile, digest};
use crate::again::again;
use crate::api::{Api, Error};
use crate::output;
use crate::progress::{Progress, Stage};

/// Parts on their way at once.
const AT_ONCE: usize = 3;

/// What the API says of an upload.
#[derive(Debug, Deserialize)]
struct Upload {
    id: Uuid,
    received: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    no: u64,
    digest: String,
}

/// Uploads the file, and gives the id of the audience that it becomes.
pub(super) async fn run(
    api: &Api,
    process: &Process,
    bars: &Progress,
    arguments: &ImportArguments,
) -> Result<Uuid, Error> {
    let file = LocalFile::open(&arguments.file).await?;
    let upload = begin(api, process, &file, arguments).await?;
    let stage = bars.stage("upload", file.size);
    match send(api, process, &file, &upload, &stage).await {
        Ok(()) => stage.finish(file.size),
        Err(error) => {
            if error.is_passing() {
                let file = arguments.file.display();
                let id = upload.id;
                output::note(format_args!(
                    "To go on: noroshi audiences import {file} --resume {id}"
                ));
            }
            return Err(error);
        }
    };
    Ok(upload.id)
}

async fn begin(
    api: &Api,
    process: &Process,
    file: &LocalFile,
    arguments: &ImportArguments,
) -> Result<Upload, Error> {
    if let Some(id) = arguments.resume {
        let path = format!("/uploads/{id}");
        let what = "the question for the upload";
        return again(process, async || api.answer(what, api.get(&path)).await).await;
    }
    let body = new_upload(file, arguments);
    // However often it is asked, one upload is begun.
    let key = Uuid::now_v7().to_string();
    again(process, async || {
        let request = api.post("/uploads").header("idempotency-key", &key);
        api.answer("the upload", request.json(&body)).await
    })
    .await
}

fn new_upload(file: &LocalFile, arguments: &ImportArguments) -> Value {
    let mut body = json!({"name": name(arguments), "size": file.size, "parts": file.parts()});
    for (setting, value) in arguments.settings.words() {
        if let Some(value) = value {
            body[setting] = value.into();
        }
    }
    if let Some((mode, base)) = arguments.version.mode() {
        body["mode"] = mode.into();
        body["base"] = base.to_string().into();
    }
    body
}

fn name(arguments: &ImportArguments) -> String {
    let file_name = || {
        arguments
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    arguments.name.clone().or_else(file_name).unwrap_or_default()
}

/// Sends the parts that are not there, and says that they are all.
async fn send(
    api: &Api,
    process: &Process,
    file: &LocalFile,
    upload: &Upload,
    stage: &Stage<'_>,
) -> Result<(), Error> {
    let received: HashMap<u64, &str> = upload
        .received
        .iter()
        .map(|part| (part.no, &*part.digest))
        .collect();
    let sent = AtomicU64::new(0);
    let parts = stream::iter((0..file.parts()).map(Ok));
    parts
        .try_for_each_concurrent(AT_ONCE, async |no| {
            let bytes = file.read(no).await?;
            let digest = digest(&bytes);
            match received.get(&no) {
                Some(there) if *there == digest => {}
                Some(_) => return Err(Error::OtherFile { part: no }),
                None => put(api, process, upload.id, no, &bytes, &digest).await?,
            }
            let length = bytes.len() as u64;
            stage.set(sent.fetch_add(length, Ordering::Relaxed) + length);
            Ok(())
        })
        .await?;
    let path = format!("/uploads/{}/complete", upload.id);
    let body = json!({"parts": file.parts()});
    let what = "the end of the upload";
    let _: Value = again(process, async || {
        api.answer(what, api.post(&path).json(&body)).await
    })
    .await?;
    Ok(())
}

async fn put(
    api: &Api,
    process: &Process,
    upload: Uuid,
    no: u64,
    bytes: &[u8],
    digest: &str,
) -> Result<(), Error> {
    let path = format!("/uploads/{upload}/parts/{no}");
    let _: Value = again(process, async || {
        let request = api.put(&path).header("content-digest", digest);
        let request = request.header("content-type", "application/octet-stream");
        api.answer("a part of the upload", request.body(bytes.to_vec()))
            .await
    })
    .await?;
    Ok(())
}
