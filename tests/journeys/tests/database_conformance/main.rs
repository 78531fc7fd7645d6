mod smoke {
    #[tokio::test]
    async fn smoke() {
        let dir = tempfile::tempdir().unwrap();
        let settings = database::Settings::new(format!("sqlite:{}", dir.path().join("a.db").display()));
        let db = database::Db::connect(&settings).await.unwrap();
        database::migrate::run(&db).await.unwrap();
        println!("{:?}", database::migrate::status(&db).await.unwrap());
        let mut tx = db.begin().await.unwrap();
        database::control::set_stop(&mut tx, database::control::GlobalStop::On).await.unwrap();
        tx.commit().await.repeatable().unwrap();
        println!("{:?}", database::control::state(&db).await.unwrap());
        if let Some(url) = journeys::engines::mysql_url() {
            let settings = database::Settings::new(url + "/smoke");
            let db = database::Db::connect(&settings).await.unwrap();
            database::migrate::run(&db).await.unwrap();
            println!("{:?}", database::migrate::status(&db).await.unwrap());
            let mut tx = db.begin().await.unwrap();
            database::control::set_stop(&mut tx, database::control::GlobalStop::On).await.unwrap();
            tx.commit().await.repeatable().unwrap();
            println!("{:?}", database::control::state(&db).await.unwrap());
        }
    }
}
