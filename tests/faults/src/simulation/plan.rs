//! The campaign's frozen facts, computed by the product's own rules.

use std::time::Duration;

use campaign::{Expiry, IfPast, Schedule, SendAt, SendTime, TimerKey, TimerShards};
use chrono::TimeDelta;
use chrono_tz::Tz;

use super::settings::Send;
use super::world::{World, instant};

/// Chunks are of these zones in turn: a quarter of an hour apart.
const ZONES: [Tz; 2] = [Tz::Asia__Kathmandu, Tz::Asia__Kolkata];

pub(super) fn chunk_count(world: &World) -> u32 {
    u32::try_from(world.settings.chunks.len()).unwrap_or(u32::MAX)
}

pub(super) fn user_count(world: &World) -> usize {
    world.settings.chunks.iter().sum()
}

/// The users of a chunk, by place.
pub(super) fn users(world: &World, chunk: u32) -> impl Iterator<Item = usize> {
    let sizes = &world.settings.chunks;
    let chunk = usize::try_from(chunk).unwrap_or(usize::MAX);
    let first = sizes[..chunk].iter().sum::<usize>();
    first..first + sizes[chunk]
}

pub(super) fn schedule(world: &World) -> Schedule {
    let started_at = instant(0);
    let at = match world.settings.send {
        Send::Now => SendAt::Now,
        Send::In(after) => SendAt::Instant(instant(after)),
        Send::Local(after) => SendAt::Local {
            time: (started_at + TimeDelta::milliseconds(after))
                .with_timezone(&ZONES[0])
                .naive_local(),
            time_zone: ZONES[0],
            if_past: if after % 2_000 == 0 {
                IfPast::Skip
            } else {
                IfPast::Now
            },
        },
    };
    let lifetime = Duration::from_millis(world.settings.lifetime);
    Schedule {
        at,
        expires: Some(Expiry::After(lifetime)),
    }
}

pub(super) fn send_time(world: &World, chunk: u32) -> SendTime {
    let zone = ZONES[usize::try_from(chunk).unwrap_or(0) % ZONES.len()];
    schedule(world).send_time(Some(zone), instant(0))
}

fn timers(world: &World) -> TimerShards {
    TimerShards::for_audience(user_count(world) as u64)
}

pub(super) fn timer(world: &World, chunk: u32) -> TimerKey {
    timers(world).key(world.campaign, chunk)
}

pub(super) fn timer_keys(world: &World) -> Vec<TimerKey> {
    timers(world).keys(world.campaign).collect()
}
