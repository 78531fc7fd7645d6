//! What lies between the steps of an import, beside its file.

use campaign::AudienceId;
use database::import_work::{self, Run, RunKind};
use database::{Change, import_key};

use crate::engine::{World, on_every_engine};
use crate::write::write;

on_every_engine! {
    an_import_is_begun_once_and_keeps_its_settings
    a_batch_is_kept_once
    a_partition_may_be_kept_again_until_the_next_is
    nothing_is_added_to_an_import_that_is_closed
    runs_are_deleted_place_by_place
    the_installation_has_one_key
}

fn run(kind: RunKind, place: u32, no: u32, bytes: &[u8]) -> Run {
    Run {
        kind,
        place,
        no,
        bytes: bytes.to_vec(),
    }
}

async fn begun(world: &World) -> AudienceId {
    let id = AudienceId::allocate();
    write!(world.db, |tx| import_work::begin(tx, id, r#"{"partitions": 2}"#));
    id
}

async fn runs(world: &World, id: AudienceId, kind: RunKind, place: u32) -> Vec<Vec<u8>> {
    let numbers = import_work::list_runs(&world.db, id, kind, place).await.unwrap();
    import_work::find_runs(&world.db, id, kind, place, &numbers)
        .await
        .unwrap()
}

async fn an_import_is_begun_once_and_keeps_its_settings(world: World) {
    let id = begun(&world).await;

    let again = write!(world.db, |tx| import_work::begin(tx, id, "{}"));

    assert!(again.settings.contains("partitions"));
    assert_eq!((again.sorted, again.merged, again.resume_from), (0, 0, None));
    assert_eq!(import_work::list(&world.db, None, 10).await.unwrap(), [id]);
    assert_eq!(import_work::list(&world.db, Some(id), 10).await.unwrap(), []);
}

async fn a_batch_is_kept_once(world: World) {
    let id = begun(&world).await;
    let batch = [run(RunKind::Rows, 1, 0, b"a"), run(RunKind::Rows, 1, 1, b"b")];

    let first = write!(world.db, |tx| import_work::add_sorted(tx, id, 0, &batch, "{}"));
    let again = write!(world.db, |tx| import_work::add_sorted(tx, id, 0, &batch, "{}"));
    let next = write!(world.db, |tx| import_work::add_sorted(tx, id, 1, &[], "[1]"));

    let work = import_work::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!(
        (first, again, next),
        (Change::Applied, Change::Stale, Change::Applied)
    );
    assert_eq!((work.sorted, work.resume_from.as_deref()), (2, Some("[1]")));
    assert_eq!(runs(&world, id, RunKind::Rows, 1).await, [b"a", b"b"]);
}

async fn a_partition_may_be_kept_again_until_the_next_is(world: World) {
    let id = begun(&world).await;
    let rows = [run(RunKind::Rows, 0, 0, b"a"), run(RunKind::Rows, 1, 1, b"b")];
    let _ = write!(world.db, |tx| import_work::add_sorted(tx, id, 0, &rows, "{}"));
    let left = [
        run(RunKind::Carried, 1, 0, b"c"),
        run(RunKind::Duplicates, 0, 0, b"d"),
    ];
    let keep = async |partition, runs: &[Run]| {
        write!(world.db, |tx| import_work::add_merged(tx, id, partition, runs))
    };

    let kept = [keep(0, &left).await, keep(0, &left).await];
    let rows_then = runs(&world, id, RunKind::Rows, 0).await;
    let next = keep(1, &[]).await;
    let late = keep(0, &left).await;
    let too_early = keep(4, &[]).await;

    assert_eq!(kept, [Change::Applied; 2]);
    assert_eq!(
        (next, late, too_early),
        (Change::Applied, Change::Stale, Change::Stale)
    );
    assert_eq!(rows_then, [b"a"]);
    assert!(
        runs(&world, id, RunKind::Rows, 0).await.is_empty(),
        "nobody needs it"
    );
    assert_eq!(runs(&world, id, RunKind::Rows, 1).await, [b"b"]);
    assert_eq!(runs(&world, id, RunKind::Carried, 1).await, [b"c"]);
    assert_eq!(runs(&world, id, RunKind::Duplicates, 0).await, [b"d"]);
}

async fn nothing_is_added_to_an_import_that_is_closed(world: World) {
    let id = begun(&world).await;

    write!(world.db, |tx| import_work::close(tx, id));

    let sorted = write!(world.db, |tx| import_work::add_sorted(tx, id, 0, &[], "{}"));
    let merged = write!(world.db, |tx| import_work::add_merged(tx, id, 0, &[]));
    assert_eq!((sorted, merged), (Change::Stale, Change::Stale));
}

async fn runs_are_deleted_place_by_place(world: World) {
    let (id, other) = (begun(&world).await, begun(&world).await);
    let rows = [
        run(RunKind::Rows, 0, 0, b"a"),
        run(RunKind::Rows, 0, 1, b"b"),
        run(RunKind::Rows, 3, 2, b"c"),
    ];
    for id in [id, other] {
        let _ = write!(world.db, |tx| import_work::add_sorted(tx, id, 0, &rows, "{}"));
    }
    let delete = async || write!(world.db, |tx| import_work::delete_some(tx, id, RunKind::Rows));

    let deleted = [delete().await, delete().await, delete().await];
    write!(world.db, |tx| import_work::delete(tx, id));

    assert_eq!(deleted, [2, 1, 0]);
    assert_eq!(import_work::find(&world.db, id).await.unwrap(), None);
    assert_eq!(runs(&world, other, RunKind::Rows, 3).await, [b"c"]);
}

async fn the_installation_has_one_key(world: World) {
    let first = write!(world.db, |tx| import_key::find_or_insert(tx, [1; 16]));
    let second = write!(world.db, |tx| import_key::find_or_insert(tx, [2; 16]));

    assert_eq!((first, second), ([1; 16], [1; 16]));
}
