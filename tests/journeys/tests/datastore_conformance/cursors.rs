//! How a query is read page by page.

use gcloud_sdk::google::datastore::v1 as wire;
use wire::query_result_batch::MoreResultsType;

use crate::words::{QueryWords, five, names, query};
use crate::world::World;

pub(crate) async fn a_limit_says_whether_more_would_come(world: &World) {
    five(world).await;

    let after = async |limit| {
        world
            .run(query("Task").limit(limit))
            .await
            .expect("it is answered")
            .more_results()
    };

    assert_eq!(after(4).await, MoreResultsType::MoreResultsAfterLimit);
    assert_eq!(after(5).await, MoreResultsType::NoMoreResults);
    assert_eq!(after(6).await, MoreResultsType::NoMoreResults);
    assert_eq!(after(0).await, MoreResultsType::MoreResultsAfterLimit);
}

pub(crate) async fn an_offset_says_what_it_skipped(world: &World) {
    five(world).await;

    let some = world
        .run(wire::Query {
            offset: 2,
            ..query("Task").limit(2)
        })
        .await
        .expect("it is answered");
    let none = world
        .run(wire::Query {
            offset: 9,
            ..query("Task")
        })
        .await
        .expect("it is answered");

    assert_eq!((names(&some).as_str(), some.skipped_results), ("c d", 2));
    assert_eq!((names(&none).as_str(), none.skipped_results), ("", 5));
}

pub(crate) async fn pages_by_cursor_cover_everything_once(world: &World) {
    five(world).await;

    assert_eq!(pages(world, query("Task").limit(2)).await, ["a b", "c d", "e"]);
    assert_eq!(
        pages(world, query("Task").order("v").limit(3)).await,
        ["a c b", "d e"]
    );
    assert_eq!(
        pages(world, query("Task").order("v").order("-w").limit(3)).await,
        ["c a d", "b e"]
    );
}

pub(crate) async fn pages_by_cursor_run_backward_too(world: &World) {
    five(world).await;

    assert_eq!(
        pages(world, query("Task").order("-__key__").limit(2)).await,
        ["e d", "c b", "a"]
    );
    assert_eq!(
        pages(world, query("Task").order("-v").limit(2)).await,
        ["e d", "b c", "a"]
    );
}

pub(crate) async fn an_end_cursor_ends_with_its_result(world: &World) {
    five(world).await;
    let page = world.run(query("Task").limit(3)).await.expect("it is answered");
    let cursors: Vec<Vec<u8>> = page
        .entity_results
        .into_iter()
        .map(|result| result.cursor)
        .collect();

    let upto = wire::Query {
        end_cursor: cursors[2].clone(),
        ..query("Task")
    };
    let between = wire::Query {
        start_cursor: cursors[0].clone(),
        end_cursor: cursors[2].clone(),
        ..query("Task")
    };

    assert_eq!(page.end_cursor, cursors[2]);
    assert_eq!(world.names(upto).await, "a b c");
    assert_eq!(world.names(between).await, "b c");
}

async fn pages(world: &World, query: wire::Query) -> Vec<String> {
    let mut pages = Vec::new();
    let mut query = query;
    loop {
        let page = world.run(query.clone()).await.expect("it is answered");
        pages.push(names(&page));
        if page.more_results() == MoreResultsType::NoMoreResults {
            return pages;
        }
        assert!(!page.end_cursor.is_empty());
        query.start_cursor = page.end_cursor;
    }
}
