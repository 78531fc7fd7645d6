//! What is put in comes out, on every engine.

use chrono::{TimeZone, Utc};
use database::idempotency::{self, Answered};
use database::{Error, opt_out, sql};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    microseconds_round_trip
    nanoseconds_are_cut_and_not_rounded
    the_order_of_instants_is_the_order_of_time
    text_of_every_plane_round_trips
    json_is_given_back_as_text
    null_is_not_read_into_a_type_without_it
    an_unknown_word_in_a_column_is_a_fault
    an_empty_list_matches_nothing
}

async fn microseconds_round_trip(world: World) {
    write!(world.db, |tx| opt_out::insert(tx, "u1", noon()));

    let since = opt_out::find(&world.db, "u1").await.unwrap();

    assert_eq!(since, Some(noon()));
}

async fn nanoseconds_are_cut_and_not_rounded(world: World) {
    let cut =
        Utc.with_ymd_and_hms(2026, 12, 31, 23, 59, 59).unwrap() + chrono::Duration::microseconds(999_999);
    let given = cut + chrono::Duration::nanoseconds(999);
    write!(world.db, |tx| opt_out::insert(tx, "u1", given));

    let since = opt_out::find(&world.db, "u1").await.unwrap();

    assert_eq!(since, Some(cut));
}

async fn the_order_of_instants_is_the_order_of_time(world: World) {
    let whole = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    let instants = [
        Utc.with_ymd_and_hms(1000, 1, 1, 0, 0, 0).unwrap(),
        whole,
        whole + chrono::Duration::microseconds(1),
        whole + chrono::Duration::milliseconds(10),
        whole + seconds(1),
        Utc.with_ymd_and_hms(9999, 12, 31, 0, 0, 0).unwrap(),
    ];
    for (number, instant) in instants.iter().enumerate().rev() {
        write!(world.db, |tx| opt_out::insert(
            tx,
            &format!("u{number}"),
            *instant
        ));
    }

    let rows = sql("SELECT since FROM opt_out ORDER BY since")
        .fetch_all(&world.db)
        .await
        .unwrap();

    let stored: Vec<chrono::DateTime<Utc>> = rows.iter().map(|row| row.get("since").unwrap()).collect();
    assert_eq!(stored, instants);
}

async fn text_of_every_plane_round_trips(world: World) {
    let user = "Ω狼煙🔥e\u{301}'\"\\;--";
    write!(world.db, |tx| opt_out::insert(tx, user, noon()));

    let users = opt_out::list_among(&world.db, &[user, "other"]).await.unwrap();

    assert_eq!(users.into_iter().collect::<Vec<_>>(), [user]);
}

async fn json_is_given_back_as_text(world: World) {
    let answered = Answered {
        request_hash: [1; 32],
        status: 201,
        response: r#"{"id": "7"}"#.to_owned(),
    };
    let insertion = write!(world.db, |tx| idempotency::insert(
        tx,
        "s",
        &[0; 32],
        &answered,
        noon()
    ));

    let found = idempotency::find(&world.db, "s", &[0; 32]).await.unwrap();

    assert_eq!(insertion, database::Insertion::New);
    assert_eq!(found, Some(answered));
}

async fn null_is_not_read_into_a_type_without_it(world: World) {
    let row = sql("SELECT MIN(since) AS since FROM opt_out")
        .fetch_one(&world.db)
        .await
        .unwrap();

    assert!(matches!(
        row.get::<chrono::DateTime<Utc>>("since"),
        Err(Error::Fault(_))
    ));
    assert_eq!(row.get::<Option<chrono::DateTime<Utc>>>("since").unwrap(), None);
}

async fn an_unknown_word_in_a_column_is_a_fault(world: World) {
    let insert = "INSERT INTO erasure (user_id, state, requested_at) VALUES ('u1', 'later', ?)";
    write!(world.db, |tx| sql(insert).bind(noon()).execute(tx));

    let found = database::erasure::find(&world.db, "u1").await;

    assert!(matches!(found, Err(Error::Fault(_))), "{found:?}");
}

async fn an_empty_list_matches_nothing(world: World) {
    write!(world.db, |tx| opt_out::insert(tx, "u1", noon()));

    let users = opt_out::list_among(&world.db, &[]).await.unwrap();

    assert!(users.is_empty());
}
