//! Traps of sessions, collations, packets and placeholders.

use database::device::{self, DeviceKind, Registration};
use database::{Db, Error, Settings, create_database, drop_database, opt_out, sql};

use crate::engine::{Engine, World, on_every_engine, on_mysql};
use crate::write::{noon, seconds, write};

on_every_engine! {
    users_that_differ_in_case_are_two
    an_insert_of_many_rows_of_maximum_size_fits_the_packet
    an_insert_of_many_rows_keeps_to_the_placeholders
    a_read_outside_a_transaction_cannot_write
    a_url_of_neither_engine_is_unsuitable
    settings_keep_their_password_to_themselves
}

on_mysql! {
    a_database_whose_collation_ignores_case_is_refused
    every_session_is_made_alike
    a_database_that_is_not_there_is_unsuitable
    a_server_that_is_not_there_is_unreachable
}

async fn users_that_differ_in_case_are_two(world: World) {
    write!(world.db, |tx| opt_out::insert(tx, "K1", noon()));

    let among = opt_out::list_among(&world.db, &["k1", "K1", "Ｋ1", "K\u{0301}1"])
        .await
        .unwrap();

    assert_eq!(among.into_iter().collect::<Vec<_>>(), ["K1"]);
    write!(world.db, |tx| opt_out::insert(tx, "k1", noon() + seconds(1)));
    assert_eq!(opt_out::find(&world.db, "K1").await.unwrap(), Some(noon()));
}

async fn an_insert_of_many_rows_of_maximum_size_fits_the_packet(world: World) {
    let devices: Vec<_> = (0..500).map(|number| registration(number, 65_535)).collect();

    write!(world.db, |tx| device::register(tx, &devices, noon()));

    assert_eq!(device::count(&world.db).await.unwrap(), 500);
}

async fn an_insert_of_many_rows_keeps_to_the_placeholders(world: World) {
    let devices: Vec<_> = (0..10_000).map(|number| registration(number, 20)).collect();

    write!(world.db, |tx| device::register(tx, &devices, noon()));

    assert_eq!(device::count(&world.db).await.unwrap(), 10_000);
}

async fn a_read_outside_a_transaction_cannot_write(world: World) {
    let written = sql("DELETE FROM opt_out").fetch_all(&world.db).await;

    // On MySQL such a statement would run in autocommit; nothing in the crate has one.
    assert_eq!(written.is_err(), world.engine == Engine::Sqlite);
}

async fn a_database_whose_collation_ignores_case_is_refused(world: World) {
    let name = format!("{}_ci", world.settings.url.rsplit('/').next().unwrap());
    let settings = Settings::new(format!("{}_ci", world.settings.url));
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
    write!(world.db, |tx| sql(create.leak()).execute(tx));

    let refused = Db::connect(&settings).await;
    create_database(&settings).await.unwrap();
    drop_database(&settings).await.unwrap();

    let Err(Error::Unsuitable(cause)) = refused else {
        panic!("{refused:?}")
    };
    assert!(cause.to_string().contains("utf8mb4_general_ci"), "{cause}");
}

async fn every_session_is_made_alike(world: World) {
    let settings = "SELECT @@time_zone AS zone, @@wait_timeout AS idle, @@innodb_lock_wait_timeout AS lock_wait, \
                    @@sql_mode AS mode, @@collation_connection AS collation";
    let row = sql(settings).fetch_one(&world.db).await.unwrap();

    assert_eq!(row.get::<String>("zone").unwrap(), "+00:00");
    assert_eq!(row.get::<i64>("idle").unwrap(), 60);
    assert_eq!(row.get::<i64>("lock_wait").unwrap(), 2);
    assert!(row.get::<String>("mode").unwrap().contains("STRICT_ALL_TABLES"));
    assert_eq!(row.get::<String>("collation").unwrap(), "utf8mb4_bin");
}

async fn a_url_of_neither_engine_is_unsuitable(_: World) {
    for url in ["postgres://localhost/noroshi", "noroshi.db", ""] {
        let refused = Db::connect(&Settings::new(url)).await;

        assert!(matches!(refused, Err(Error::Unsuitable(_))), "{url}: {refused:?}");
    }
}

async fn settings_keep_their_password_to_themselves(_: World) {
    let settings = Settings::new("mysql://root:hunter2@127.0.0.1/noroshi");

    assert!(!format!("{settings:?}").contains("hunter2"));
}

async fn a_database_that_is_not_there_is_unsuitable(world: World) {
    let settings = Settings::new(format!("{}_missing", world.settings.url));

    let refused = Db::connect(&settings).await;

    assert!(matches!(refused, Err(Error::Unsuitable(_))), "{refused:?}");
}

async fn a_server_that_is_not_there_is_unreachable(_: World) {
    let settings = Settings {
        // Discard; nobody listens.
        connect_within: std::time::Duration::from_millis(300),
        ..Settings::new("mysql://root@127.0.0.1:9/noroshi")
    };

    let refused = Db::connect(&settings).await;

    assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
}

fn registration(number: usize, length: usize) -> Registration {
    Registration {
        user_id: format!("u{number}"),
        kind: DeviceKind::WebPush,
        address: format!("{number:0length$}"),
        extra: None,
        expires_at: None,
    }
}
