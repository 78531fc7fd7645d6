//! The packed recipients of audiences.

use campaign::AudienceId;
use database::audience_chunk::{self, AudienceChunk, ChunkHeader, Zone};

use crate::engine::{World, on_every_engine};
use crate::write::write;

on_every_engine! {
    chunks_are_listed_without_their_recipients
    chunks_of_all_audiences_are_listed_in_order
    an_erasure_replaces_recipients_and_keeps_the_digest
    the_largest_chunk_round_trips
    recipients_are_counted_by_time_zone
}

async fn recipients_are_counted_by_time_zone(world: World) {
    let id = AudienceId::allocate();
    for (no, (zone, size)) in (0..).zip([("Asia/Tokyo", 499), ("", 20), ("Asia/Tokyo", 7)]) {
        let mut chunk = chunk(id, no, b"packed");
        (chunk.header.time_zone, chunk.header.size) = (zone.to_owned(), size);
        write!(world.db, |tx| audience_chunk::insert(tx, &chunk));
    }

    let zones = audience_chunk::list_zones(&world.db, id).await.unwrap();

    let zone = |time_zone: &str, recipients, chunks| Zone {
        time_zone: time_zone.to_owned(),
        recipients,
        chunks,
    };
    assert_eq!(zones, [zone("", 20, 1), zone("Asia/Tokyo", 506, 2)]);
}

async fn chunks_are_listed_without_their_recipients(world: World) {
    let id = AudienceId::allocate();
    for no in 0..5 {
        write!(world.db, |tx| audience_chunk::insert(
            tx,
            &chunk(id, no, b"packed")
        ));
    }
    write!(world.db, |tx| audience_chunk::insert(
        tx,
        &chunk(AudienceId::allocate(), 3, b"other")
    ));

    let listed = audience_chunk::list(&world.db, id, 2, 2).await.unwrap();

    assert_eq!(listed, [chunk(id, 2, b"").header, chunk(id, 3, b"").header]);
}

async fn chunks_of_all_audiences_are_listed_in_order(world: World) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        let id = AudienceId::allocate();
        for no in 0..3 {
            write!(world.db, |tx| audience_chunk::insert(
                tx,
                &chunk(id, no, b"packed")
            ));
            expected.push((id, no));
        }
    }

    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = audience_chunk::list_all(&world.db, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.audience_id, last.no));
        listed.extend(page.iter().map(|chunk| (chunk.audience_id, chunk.no)));
    }

    assert_eq!(listed, expected);
}

async fn an_erasure_replaces_recipients_and_keeps_the_digest(world: World) {
    let id = AudienceId::allocate();
    write!(world.db, |tx| audience_chunk::insert(
        tx,
        &chunk(id, 0, b"packed")
    ));
    let mut tx = world.db.begin().await.unwrap();

    let locked = audience_chunk::lock(&mut tx, id, 0).await.unwrap().unwrap();
    audience_chunk::replace_recipients(&mut tx, id, 0, b"grave")
        .await
        .unwrap();
    crate::write::commit(tx).await;

    let found = audience_chunk::find(&world.db, id, 0).await.unwrap().unwrap();
    assert_eq!(found.header, locked.header);
    assert_eq!(found.recipients, b"grave");
}

async fn the_largest_chunk_round_trips(world: World) {
    let id = AudienceId::allocate();
    let bytes = vec![7; 3_670_016];
    write!(world.db, |tx| audience_chunk::insert(tx, &chunk(id, 0, &bytes)));

    let found = audience_chunk::find(&world.db, id, 0).await.unwrap().unwrap();

    assert!(found.recipients == bytes);
}

pub(crate) fn chunk(audience_id: AudienceId, no: u32, recipients: &[u8]) -> AudienceChunk {
    AudienceChunk {
        header: ChunkHeader {
            audience_id,
            no,
            size: 499,
            time_zone: "Asia/Tokyo".to_owned(),
            digest: [3; 32],
        },
        recipients: recipients.to_vec(),
    }
}
