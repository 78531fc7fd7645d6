//! How fast campaigns go.

use campaign::CampaignId;
use database::campaign_pace::{self as paces, Fastest, Pace, Sample};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    the_last_pace_of_a_campaign_stays
    the_most_is_that_of_campaigns_that_were_looked_at_since
}

fn pace(at: i64, expanded: u64, fastest: (Option<u64>, Option<u64>)) -> Pace {
    let sample = |at: i64, expanded| Sample {
        at: noon() + seconds(at),
        expanded,
        settled: expanded / 2,
    };
    Pace {
        before: sample(at - 30, expanded / 3),
        taken: sample(at, expanded),
        fastest: Fastest {
            expansion: fastest.0,
            delivery: fastest.1,
        },
    }
}

async fn the_last_pace_of_a_campaign_stays(world: World) {
    let (id, other) = (CampaignId::allocate(), CampaignId::allocate());
    let (first, second) = (pace(0, 30, (None, None)), pace(30, 90, (Some(2), None)));

    write!(world.db, |tx| paces::replace(tx, id, &first));
    let before = paces::find(&world.db, id).await.unwrap();
    write!(world.db, |tx| paces::replace(tx, id, &second));
    let after = paces::find(&world.db, id).await.unwrap();
    let unknown = paces::find(&world.db, other).await.unwrap();
    write!(world.db, |tx| paces::delete(tx, id));
    let forgotten = paces::find(&world.db, id).await.unwrap();

    assert_eq!((before, after), (Some(first), Some(second)));
    assert_eq!((unknown, forgotten), (None, None));
}

async fn the_most_is_that_of_campaigns_that_were_looked_at_since(world: World) {
    let none = paces::find_fastest(&world.db, noon() + seconds(3_600))
        .await
        .unwrap();
    for pace in [
        pace(3_600, 30, (Some(900), None)),
        pace(3_700, 30, (Some(800), Some(70))),
        pace(3_599, 30, (Some(5_000), Some(5_000))),
    ] {
        write!(world.db, |tx| paces::replace(tx, CampaignId::allocate(), &pace));
    }

    let fastest = paces::find_fastest(&world.db, noon() + seconds(3_600))
        .await
        .unwrap();

    assert_eq!(none, Fastest::default());
    assert_eq!((fastest.expansion, fastest.delivery), (Some(900), Some(70)));
}
