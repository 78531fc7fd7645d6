//! How fast a campaign goes, written down every half minute.
//!
//! Two moments and what was done at each: whoever asks, in whatever process, can tell the rate of
//! the last minute, and a restart loses nothing. It is for people; nothing is decided by it.

use chrono::TimeDelta;
use database::campaign::Campaign;
use database::campaign_pace::{self, Fastest, Pace, Sample};
use database::chunk_tally;
use runtime::Backends;

use crate::error::Error;

/// Time between two moments at least: chunks are counted when they are done, a few thousand pushes
/// at once.
const APART: TimeDelta = TimeDelta::seconds(30);

/// Where nobody has looked for this long, or the campaign was paused, the rate in between says
/// nothing.
const TOO_FAR_APART: TimeDelta = TimeDelta::minutes(3);

/// Takes note of what is done by now, unless that was done a moment ago.
pub(super) async fn sample(backends: &Backends, campaign: &Campaign) -> Result<(), Error> {
    let (db, now) = (&backends.db, backends.process.clock.now());
    let pace = campaign_pace::find(db, campaign.id).await?;
    if pace.is_some_and(|pace| now - pace.taken.at < APART) {
        return Ok(());
    }
    let total = chunk_tally::total(db, campaign.id).await?;
    let sample = Sample {
        at: now,
        expanded: total.expanded,
        settled: total.tally.settled(),
    };
    let pace = after(pace, sample, campaign.audience_size);
    let mut tx = db.begin().await?;
    campaign_pace::replace(&mut tx, campaign.id, &pace).await?;
    Ok(tx.commit().await.repeatable()?)
}

/// The pace with one more moment in it.
fn after(pace: Option<Pace>, sample: Sample, audience: u64) -> Pace {
    let fastest = pace.map(|pace| pace.fastest).unwrap_or_default();
    match pace.map(|pace| pace.taken) {
        Some(before) if sample.at - before.at <= TOO_FAR_APART => Pace {
            before,
            taken: sample,
            fastest: faster(fastest, before, sample, audience),
        },
        Some(_) | None => Pace {
            before: sample,
            taken: sample,
            fastest,
        },
    }
}

/// What was the most, with what was done between two moments. That counts only where there was
/// work all along: it had begun before the first, and was not done at the last.
fn faster(fastest: Fastest, before: Sample, taken: Sample, audience: u64) -> Fastest {
    let seconds = (taken.at - before.at).as_seconds_f64();
    let rate = |before: u64, taken: u64| (taken.saturating_sub(before) as f64 / seconds) as u64;
    let mut fastest = fastest;
    if before.expanded > 0 && taken.expanded < audience {
        fastest.expansion = fastest.expansion.max(Some(rate(before.expanded, taken.expanded)));
    }
    if before.settled > 0 && taken.settled < taken.expanded {
        fastest.delivery = fastest.delivery.max(Some(rate(before.settled, taken.settled)));
    }
    fastest
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn sample(second: i64, expanded: u64, settled: u64) -> Sample {
        let noon: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().unwrap();
        Sample {
            at: noon + TimeDelta::seconds(second),
            expanded,
            settled,
        }
    }

    fn pace_of(samples: &[Sample], audience: u64) -> Pace {
        let pace = samples
            .iter()
            .fold(None, |pace, sample| Some(after(pace, *sample, audience)));
        pace.unwrap()
    }

    #[test]
    fn the_last_two_moments_are_kept_and_the_most_between_any_two() {
        let samples = [
            sample(0, 1_000, 0),
            sample(30, 61_000, 10_000),
            sample(60, 91_000, 40_000),
        ];

        let pace = pace_of(&samples, 1_000_000);

        assert_eq!((pace.before, pace.taken), (samples[1], samples[2]));
        assert_eq!(pace.fastest.expansion, Some(2_000));
        assert_eq!(pace.fastest.delivery, Some(1_000));
    }

    #[test]
    fn a_span_in_which_the_work_began_or_ended_tells_no_rate() {
        let begun = pace_of(&[sample(0, 0, 0), sample(30, 60_000, 0)], 100_000);
        let ended = pace_of(&[sample(0, 60_000, 0), sample(30, 100_000, 100_000)], 100_000);

        assert_eq!(
            (begun.fastest, ended.fastest),
            (Fastest::default(), Fastest::default())
        );
    }

    #[test]
    fn after_a_pause_it_begins_anew_and_keeps_the_most() {
        let samples = [
            sample(0, 1_000, 1),
            sample(30, 61_000, 1),
            sample(3_600, 70_000, 1),
        ];

        let pace = pace_of(&samples, 100_000);

        assert_eq!((pace.before, pace.taken), (samples[2], samples[2]));
        assert_eq!(pace.fastest.expansion, Some(2_000));
    }
}
