//! Send times in every zone there is, around every transition of three decades.

use std::time::Duration;

use campaign::{DEFAULT_LIFETIME, Expiry, IfPast, Schedule, SendAt, SendTime, time_to_live};
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use serde_json::json;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn local(time: NaiveDateTime, if_past: IfPast) -> Schedule {
    Schedule {
        at: SendAt::Local {
            time,
            time_zone: Tz::Asia__Tokyo,
            if_past,
        },
        expires: None,
    }
}

fn local_at(time: &str, if_past: IfPast) -> Schedule {
    local(time.parse().unwrap(), if_past)
}

fn due(schedule: &Schedule, zone: Tz, started_at: &str) -> String {
    match schedule.send_time(Some(zone), instant(started_at)) {
        SendTime::At(at) => at.to_rfc3339(),
        SendTime::LocalTimePast => "past".to_owned(),
    }
}

#[test]
fn recipients_without_a_zone_have_the_campaigns() {
    let schedule = local_at("2026-12-24T09:00:00", IfPast::Skip);
    let started_at = instant("2026-12-20T00:00:00Z");

    assert_eq!(
        schedule.send_time(None, started_at),
        SendTime::At(instant("2026-12-24T00:00:00Z"))
    );
    assert_eq!(
        due(&schedule, Tz::America__New_York, "2026-12-20T00:00:00Z"),
        "2026-12-24T14:00:00+00:00"
    );
}

#[test]
fn a_skipped_hour_becomes_the_first_instant_after_it_and_a_double_hour_the_earlier() {
    let start = "2026-01-01T00:00:00Z";
    let gap = local_at("2026-03-08T02:30:00", IfPast::Skip);
    let overlap = local_at("2026-11-01T01:30:00", IfPast::Skip);

    assert_eq!(
        due(&gap, Tz::America__New_York, start),
        "2026-03-08T07:00:00+00:00"
    );
    assert_eq!(
        due(&overlap, Tz::America__New_York, start),
        "2026-11-01T05:30:00+00:00"
    );
}

#[test]
fn a_whole_day_that_a_zone_skipped_becomes_the_next() {
    // Samoa crossed the date line: it had no 30 December 2011.
    let schedule = local_at("2011-12-30T12:00:00", IfPast::Skip);

    assert_eq!(
        due(&schedule, Tz::Pacific__Apia, "2011-01-01T00:00:00Z"),
        "2011-12-30T10:00:00+00:00"
    );
}

#[test]
fn a_time_past_at_the_start_is_skipped_or_sent_now_or_the_next_day() {
    let due = |if_past| {
        let schedule = local_at("2026-12-24T09:00:00", if_past);
        due(&schedule, Tz::Asia__Tokyo, "2026-12-25T01:00:00Z")
    };

    assert_eq!(due(IfPast::Skip), "past");
    assert_eq!(due(IfPast::Now), "2026-12-25T01:00:00+00:00");
    assert_eq!(
        due(IfPast::NextDay),
        "2026-12-26T00:00:00+00:00",
        "9:00 of the 25th is past too"
    );
}

#[test]
fn a_time_that_is_now_is_not_past() {
    let schedule = local_at("2026-12-24T09:00:00", IfPast::Skip);

    assert_eq!(
        due(&schedule, Tz::Asia__Tokyo, "2026-12-24T00:00:00Z"),
        "2026-12-24T00:00:00+00:00"
    );
}

#[test]
fn an_instant_that_is_past_is_now() {
    let schedule = Schedule {
        at: SendAt::Instant(instant("2026-12-24T00:00:00Z")),
        expires: None,
    };

    assert_eq!(
        due(&schedule, Tz::UTC, "2026-12-01T00:00:00Z"),
        "2026-12-24T00:00:00+00:00"
    );
    assert_eq!(
        due(&schedule, Tz::UTC, "2026-12-25T00:00:00Z"),
        "2026-12-25T00:00:00+00:00"
    );
}

#[test]
fn expiry_is_an_instant_or_a_time_after_the_send_time() {
    let send_time = instant("2026-12-24T00:00:00Z");
    let expires_at = |expires| {
        let schedule = Schedule {
            expires,
            ..Schedule::NOW
        };
        schedule.expires_at(send_time)
    };

    assert_eq!(expires_at(None), send_time + DEFAULT_LIFETIME);
    assert_eq!(
        expires_at(Some(Expiry::After(Duration::from_secs(60)))),
        instant("2026-12-24T00:01:00Z")
    );
    let at = instant("2026-12-24T06:00:00Z");
    assert_eq!(expires_at(Some(Expiry::At(at))), at);
    assert_eq!(
        expires_at(Some(Expiry::After(Duration::MAX))),
        DateTime::<Utc>::MAX_UTC
    );
}

#[test]
fn a_gateway_keeps_a_push_until_its_expiry_at_most() {
    let now = instant("2026-12-24T00:00:00Z");
    let expires_at = now + Duration::from_secs(100);
    let ttl = |seconds| Some(Duration::from_secs(seconds));

    assert_eq!(time_to_live(None, expires_at, now), ttl(100));
    assert_eq!(time_to_live(ttl(60), expires_at, now), ttl(60));
    assert_eq!(time_to_live(ttl(600), expires_at, now), ttl(100));
    assert_eq!(
        time_to_live(ttl(600), now, now),
        None,
        "at its expiry a push is too late"
    );
}

#[test]
fn a_schedule_is_plain_json() {
    let schedule: Schedule = serde_json::from_value(json!({
        "at": {"local": {"time": "2026-12-24T09:00:00", "time_zone": "Asia/Tokyo", "if_past": "next_day"}},
        "expires": {"after_seconds": 7200},
    }))
    .unwrap();

    assert_eq!(
        schedule,
        Schedule {
            expires: Some(Expiry::After(Duration::from_secs(7_200))),
            ..local_at("2026-12-24T09:00:00", IfPast::NextDay)
        }
    );
    assert_eq!(json!(Schedule::NOW), json!({"at": "now"}));
    let unknown = json!({"at": "now", "expire": null});
    assert!(
        serde_json::from_value::<Schedule>(unknown).is_err(),
        "a slip of the pen is told"
    );
}

#[test]
fn a_schedule_by_which_nothing_could_be_sent_names_the_field() {
    let refusal = |schedule| {
        let schedule: Schedule = serde_json::from_value(schedule).unwrap();
        schedule.validate().map_err(|error| error.to_string())
    };
    let instant = "2026-12-24T00:00:00Z";

    assert_eq!(
        refusal(json!({"at": "now", "expires": {"after_seconds": 1}})),
        Ok(())
    );
    assert_eq!(
        refusal(json!({"at": "now", "expires": {"after_seconds": 0}})),
        Err("expires.after_seconds: must be from 1 to 2419200 (4 weeks)".to_owned())
    );
    assert_eq!(
        refusal(json!({"at": {"instant": instant}, "expires": {"at": instant}})),
        Err("expires.at: must be later than the first send time".to_owned())
    );
    assert_eq!(
        refusal(json!({"at": {"instant": "+12026-12-24T00:00:00Z"}})),
        Err("at.instant: must be of the years 1000 to 9998".to_owned())
    );
}

#[test]
fn around_every_transition_of_every_zone_the_send_time_is_right() {
    let start = instant("1970-01-02T00:00:00Z");
    let mut transitions = 0;

    for zone in TZ_VARIANTS {
        for transition in transitions_of(zone) {
            transitions += 1;
            assert_right_around(zone, transition, start);
        }
    }

    assert!(
        transitions > 10_000,
        "{transitions} transitions are too few to be all"
    );
}

/// Every second at which the zone's offset changed from 2010 to 2040.
fn transitions_of(zone: Tz) -> Vec<DateTime<Utc>> {
    let week = TimeDelta::days(7);
    let end = instant("2040-01-01T00:00:00Z");
    let mut found = Vec::new();
    let mut from = instant("2010-01-01T00:00:00Z");
    while from < end {
        let to = from + week;
        if offset(zone, from) != offset(zone, to) {
            found.push(first_with_offset_of(zone, from, to));
        }
        from = to;
    }
    found
}

fn first_with_offset_of(zone: Tz, mut before: DateTime<Utc>, mut after: DateTime<Utc>) -> DateTime<Utc> {
    let new = offset(zone, after);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset(zone, middle) == new {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(
        zone.offset_from_utc_datetime(&at.naive_utc())
            .fix()
            .local_minus_utc()
            .into(),
    )
}

fn assert_right_around(zone: Tz, transition: DateTime<Utc>, start: DateTime<Utc>) {
    let second = TimeDelta::seconds(1);
    let (before, after) = (offset(zone, transition - second), offset(zone, transition));
    let edges = [transition + before, transition + after];
    let (low, high) = (edges[0].min(edges[1]), edges[0].max(edges[1]));
    let places = [
        low - second,
        low,
        low + TimeDelta::seconds((high - low).num_seconds() / 2),
        high - second,
        high,
        high + second,
    ];

    let mut last = start;
    for clock in places.map(|edge| edge.naive_utc()) {
        let SendTime::At(sent) = local(clock, IfPast::Skip).send_time(Some(zone), start) else {
            panic!("{zone}: nothing is past before 1971");
        };
        let shows = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        // The two instants that can show it, worked out without the library's local-time search.
        let earliest = [before, after]
            .map(|offset| (clock - offset).and_utc())
            .into_iter()
            .filter(|at| shows(*at) == clock)
            .min();
        match earliest {
            Some(earliest) => assert_eq!(sent, earliest, "{zone} {clock}"),
            None => assert_eq!(sent, transition, "{zone} {clock} is in a gap"),
        }
        assert!(
            sent >= last,
            "{zone} {clock}: a later time on the clock is not sent earlier"
        );
        last = sent;
    }
}

fn zones() -> impl Strategy<Value = Tz> {
    (0..TZ_VARIANTS.len()).prop_map(|position| TZ_VARIANTS[position])
}

fn clocks() -> impl Strategy<Value = NaiveDateTime> {
    let seconds = instant("2020-01-01T00:00:00Z").timestamp()..instant("2036-01-01T00:00:00Z").timestamp();
    seconds.prop_map(|second| DateTime::from_timestamp(second, 0).unwrap().naive_utc())
}

proptest! {
    #[test]
    fn nobody_is_due_before_the_campaign_starts(zone in zones(), clock in clocks()) {
        let schedule = local(clock, IfPast::Skip);
        let starts_at = schedule.starts_at().unwrap();

        let SendTime::At(at) = schedule.send_time(Some(zone), starts_at) else {
            panic!("started in time, nobody's time is past");
        };

        prop_assert!(at >= starts_at);
        prop_assert!(at - starts_at <= TimeDelta::hours(27), "26 hours from zone to zone, and a gap");
    }

    #[test]
    fn the_next_day_is_the_same_time_of_day_within_a_day_or_so(
        zone in zones(),
        clock in clocks(),
        late in 1..40_000_000_i64,
    ) {
        let schedule = local(clock, IfPast::NextDay);
        let SendTime::At(on_time) = schedule.send_time(Some(zone), DateTime::UNIX_EPOCH) else {
            panic!("nothing is past in 1970");
        };
        let started_at = on_time + TimeDelta::seconds(late);

        let SendTime::At(at) = schedule.send_time(Some(zone), started_at) else {
            panic!("the next day is not past");
        };

        prop_assert!(at >= started_at);
        prop_assert!(at - started_at <= TimeDelta::hours(25) + TimeDelta::minutes(1));
        let shown = at.with_timezone(&zone).naive_local();
        let is_after_gap = zone.from_local_datetime(&shown.date().and_time(clock.time())).earliest().is_none();
        prop_assert!(shown.time() == clock.time() || is_after_gap);
    }
}
