//! Fan-out into a store whose key ranges are cold.

use std::time::Duration;

use jobs::fan_out;
use runtime::config::RampUp;

use crate::world::World;

const USERS: u32 = 3_000;

/// Of a chunk of a hundred pushes.
const MUTATIONS: u32 = 101;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_ramp_of_a_cold_store() {
    let world = World::with(|config| {
        config.fan_out.mutations = MUTATIONS.try_into().unwrap();
        config.fan_out.ramp_up = RampUp::Always;
    })
    .await;
    let rows = (0..USERS).map(|user| format!("u{user}\n"));
    let file = format!("user_id\n{}", rows.collect::<String>());
    let audience = world.upload(file.as_bytes()).await;
    jobs::import::run(&world.backends).await.unwrap();
    let campaign = world.start_campaign(audience).await;
    let numbers = (0..USERS / 100).collect::<Vec<_>>();
    let passes = [(); 2].map(|()| {
        let process = world.process_with(|_| {});
        let tasks = process.process.tasks.clone();
        tasks.spawn(async move { fan_out::run(&process).await.unwrap() })
    });

    let mut elapsed = Duration::ZERO;
    loop {
        let store = &world.backends.push_store;
        let missing = store.list_unexpanded(campaign, &numbers).await.unwrap().len();
        let written = (numbers.len() - missing) as f64 * f64::from(MUTATIONS);
        let allowed = 500.0 * (elapsed.as_secs_f64() + 1.0);
        assert!(written <= allowed, "{written} of {allowed} after {elapsed:?}");
        if missing == 0 {
            break;
        }
        let step = Duration::from_millis(50);
        elapsed += step;
        world.hand.advance(step);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    let mut chunks = 0;
    for pass in passes {
        chunks += pass.await.unwrap().chunks;
    }
    assert_eq!(chunks, USERS / 100);
    assert!(elapsed >= Duration::from_secs(5), "{elapsed:?}");
}
