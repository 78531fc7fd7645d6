//! Rules between settings.
//!
//! The order of a delivery's times is what keeps two senders from one chunk: a gateway's timeout +
//! settle margin < budget < lease − skew, and lease < the queue's deadline.

use std::time::Duration;

use super::duration::format;
use super::{Config, DatabaseUrl, Endpoint, Fault, Provider, Queue};
use crate::telemetry;

/// A day less than Cloud Tasks allows, for clocks that differ.
const MAX_LOOK_AHEAD: Duration = Duration::from_secs(29 * 86_400);

/// Whether `config` may be run, else every rule that it breaks.
pub(super) fn check(config: &Config) -> Result<(), Vec<Fault>> {
    let rules = [
        times, gateways, permits, queue, passes, files, feedback, guard, people,
    ];
    let faults: Vec<_> = rules.into_iter().flat_map(|rule| rule(config)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn times(config: &Config) -> Vec<Fault> {
    let sender = &config.sender;
    let (slowest, timeout) = slowest(&config.provider);
    let send = timeout + sender.settle_margin;
    let usable = sender.lease.saturating_sub(sender.skew);
    let deadline = config.queue.deadline;
    let minute = Duration::from_secs(60);
    [
        (sender.budget <= send).then(|| {
            let sum = format(send);
            Fault::new(
                "sender.budget",
                format!("must be longer than [{slowest}] timeout + settle_margin ({sum})"),
            )
        }),
        (sender.budget >= usable).then(|| {
            Fault::new(
                "sender.budget",
                format!("must be shorter than lease − skew ({})", format(usable)),
            )
        }),
        (sender.lease >= deadline).then(|| {
            Fault::new(
                "sender.lease",
                format!("must be shorter than [queue] deadline ({})", format(deadline)),
            )
        }),
        (deadline < minute / 4 || deadline > 30 * minute).then(|| {
            Fault::new(
                "queue.deadline",
                "must be between \"15s\" and \"30m\", the limits of Cloud Tasks",
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Of the gateways that there are, the one whose answer may take longest, and how long.
fn slowest(provider: &Provider) -> (&'static str, Duration) {
    let Provider {
        fcm, apns, web_push, ..
    } = provider;
    let all = provider.is_embedded();
    let web_push_is_there = web_push.key.is_some() || web_push.stand_in.is_some();
    let gateways = [
        ("provider.fcm", fcm.timeout, !fcm.endpoint.is_embedded()),
        ("provider.apns", apns.timeout, !apns.endpoint.is_embedded()),
        ("provider.web_push", web_push.timeout, web_push_is_there),
    ];
    let there = gateways.into_iter().filter(|(_, _, is_there)| all || *is_there);
    // The first, of those that take as long.
    let slowest = there.rev().max_by_key(|(_, timeout, _)| *timeout);
    // If nothing is embedded, something is there.
    slowest.map_or(("provider.fcm", fcm.timeout), |(gateway, timeout, _)| {
        (gateway, timeout)
    })
}

/// Who sends through Apple or to browsers says who it is.
fn gateways(config: &Config) -> Vec<Fault> {
    let Provider { apns, web_push, .. } = &config.provider;
    let to_apple = matches!(&apns.endpoint, Endpoint::At(url) if !url.as_str().starts_with("http://"));
    let needs = "must be set when `endpoint` is Apple's";
    let mut faults = [
        ("provider.apns.key", to_apple && apns.key.is_none(), needs),
        ("provider.apns.key_id", to_apple && apns.key_id.is_empty(), needs),
        (
            "provider.apns.team_id",
            to_apple && apns.team_id.is_empty(),
            needs,
        ),
        (
            "provider.web_push.subject",
            web_push.key.is_some() && web_push.subject.is_none(),
            "must be set when `key` is: push services refuse who cannot be reached",
        ),
    ]
    .into_iter()
    .filter(|(_, wrong, _)| *wrong)
    .map(|(setting, _, rule)| Fault::new(setting, rule))
    .collect::<Vec<_>>();
    if web_push
        .stand_in
        .as_ref()
        .is_some_and(|url| !url.as_str().starts_with("http://"))
    {
        faults.push(Fault::new(
            "provider.web_push.stand_in",
            "must be an http:// URL: real subscriptions name their push services themselves",
        ));
    }
    faults
}

/// A pause answers within a second: it waits for the permits that are out, and 100 ms.
fn permits(config: &Config) -> Vec<Fault> {
    let sender = &config.sender;
    let longest = Duration::from_millis(800);
    [
        (sender.permit > longest).then(|| {
            Fault::new(
                "sender.permit",
                "must be at most \"800ms\", or a pause could not answer within a second",
            )
        }),
        (sender.permit_poll * 2 > sender.permit).then(|| {
            Fault::new(
                "sender.permit_poll",
                "must be at most half of permit, or a slow answer stops all sending",
            )
        }),
        sender
            .permit_poll
            .is_zero()
            .then(|| Fault::new("sender.permit_poll", "must be above zero")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn queue(config: &Config) -> Vec<Fault> {
    let queue = &config.queue;
    if queue.fast == queue.bulk {
        return vec![Fault::new(
            "queue.bulk",
            "must differ from fast: small sends would wait behind large ones",
        )];
    }
    match &queue.endpoint {
        Endpoint::Embedded => Vec::new(),
        Endpoint::At(_) => {
            let given = [
                ("queue.location", queue.location != Queue::default().location),
                ("queue.handler", queue.handler.is_some()),
                ("queue.service_account", queue.service_account.is_some()),
            ];
            given
                .into_iter()
                .filter(|(_, given)| !given)
                .map(|(setting, _)| Fault::new(setting, "must be set when `endpoint` is not \"embedded:\""))
                .collect()
        }
    }
}

fn passes(config: &Config) -> Vec<Fault> {
    let mut faults: Vec<_> = [
        ("import.interval", config.import.interval),
        ("fan_out.interval", config.fan_out.interval),
        ("dispatch.interval", config.dispatch.interval),
        ("reconcile.interval", config.reconcile.interval),
        ("prune.interval", config.prune.interval),
        ("feedback.interval", config.feedback.interval),
        ("feedback.timeout", config.feedback.timeout),
        ("dispatch.pick_up", config.dispatch.pick_up),
        ("provider.fcm.timeout", config.provider.fcm.timeout),
        ("provider.apns.timeout", config.provider.apns.timeout),
        ("provider.web_push.timeout", config.provider.web_push.timeout),
        ("retry.base", config.retry.base),
    ]
    .into_iter()
    .filter(|(_, duration)| duration.is_zero())
    .map(|(setting, _)| Fault::new(setting, "must be above zero"))
    .collect();
    if !(4_096..=1 << 28).contains(&config.import.partition_bytes.get()) {
        faults.push(Fault::new(
            "import.partition_bytes",
            "must be between 4096, which is more than any row takes, and 268435456",
        ));
    }
    if config.import.lease < Duration::from_millis(500) {
        faults.push(Fault::new(
            "import.lease",
            "must be at least \"500ms\", or a process under load loses what it works on",
        ));
    }
    if !(2..=500).contains(&config.fan_out.mutations.get()) {
        faults.push(Fault::new(
            "fan_out.mutations",
            "must be between 2 (the marker and one push) and 500",
        ));
    }
    if config.fan_out.lease < Duration::from_millis(500) {
        faults.push(Fault::new(
            "fan_out.lease",
            "must be at least \"500ms\", or a process under load loses what it works on",
        ));
    }
    if config.dispatch.look_ahead > MAX_LOOK_AHEAD {
        faults.push(Fault::new(
            "dispatch.look_ahead",
            "must be at most \"29d\": Cloud Tasks takes no task that is more than 30 days ahead",
        ));
    }
    if config.dispatch.pick_up_max < config.dispatch.pick_up {
        faults.push(Fault::new(
            "dispatch.pick_up_max",
            "must not be shorter than pick_up",
        ));
    }
    if config.retry.cap < config.retry.base {
        faults.push(Fault::new("retry.cap", "must not be shorter than base"));
    }
    if config.prune.keep < Duration::from_secs(3_600) {
        faults.push(Fault::new("prune.keep", "must be at least \"1h\""));
    }
    faults
}

fn files(config: &Config) -> Vec<Fault> {
    let files = &config.files;
    let is_local = files.database.as_ref().is_some_and(DatabaseUrl::is_embedded);
    [
        (is_local && !config.database.url.is_embedded()).then(|| {
            Fault::new(
                "files.database",
                "must not be \"embedded:\" when [database] url is not: other machines could not read it",
            )
        }),
        (files.keep_reports < Duration::from_secs(60))
            .then(|| Fault::new("files.keep_reports", "must be at least \"1m\"")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn feedback(config: &Config) -> Vec<Fault> {
    let feedback = &config.feedback;
    if feedback.webhook.is_some() && feedback.secret.is_none() {
        return vec![Fault::new(
            "feedback.secret",
            "must be set when webhook is: nobody could tell who posts",
        )];
    }
    Vec::new()
}

fn guard(config: &Config) -> Vec<Fault> {
    let guard = &config.guard;
    let seconds = Duration::as_secs_f64;
    let bands = [
        (
            "replica_lag",
            seconds(&guard.replica_lag_slow_from),
            seconds(&guard.replica_lag_hold_at),
        ),
        (
            "threads_running",
            f64::from(guard.threads_running_slow_from.get()),
            f64::from(guard.threads_running_hold_at.get()),
        ),
        (
            "statement",
            seconds(&guard.statement_slow_from),
            seconds(&guard.statement_hold_at),
        ),
        (
            "datastore_errors",
            f64::from(guard.datastore_errors_slow_from.get()),
            f64::from(guard.datastore_errors_hold_at.get()),
        ),
    ];
    let mut faults = Vec::new();
    for (signal, slow_from, hold_at) in bands {
        if slow_from <= 0.0 {
            faults.push(Fault::new(
                format!("guard.{signal}_slow_from"),
                "must be above zero",
            ));
        }
        if hold_at <= slow_from {
            let rule = format!("must be more than {signal}_slow_from");
            faults.push(Fault::new(format!("guard.{signal}_hold_at"), rule));
        }
    }
    if guard.datastore_errors_hold_at.get() > 100 {
        faults.push(Fault::new(
            "guard.datastore_errors_hold_at",
            "must be at most 100: it is a part of a hundred",
        ));
    }
    if guard.interval < Duration::from_millis(100) {
        faults.push(Fault::new("guard.interval", "must be at least \"100ms\""));
    }
    if guard.replica_lag_slow_from < guard.interval {
        faults.push(Fault::new(
            "guard.replica_lag_slow_from",
            "must not be shorter than interval: lag is known to the last beat",
        ));
    }
    let is_mysql = config.database.url.server().is_some();
    if !guard.replicas.is_empty() && !is_mysql {
        faults.push(Fault::new(
            "guard.replicas",
            "must be empty when [database] url is not \"mysql://…\": nothing else has replicas",
        ));
    }
    if guard.replicas.iter().any(|url| url.server().is_none()) {
        faults.push(Fault::new(
            "guard.replicas",
            "must each be \"mysql://…\", or a reference to one",
        ));
    }
    faults
}

fn people(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    if config.admin.token.is_none() && !config.database.url.is_embedded() {
        faults.push(Fault::new(
            "admin.token",
            "must be set when [database] url is not \"embedded:\"",
        ));
    }
    if telemetry::targets(&config.log.level).is_none() {
        faults.push(Fault::new(
            "log.level",
            "must be a level with exceptions by module, as in \"info,sqlx=warn\"",
        ));
    }
    faults
}
