//! The parts of a campaign's way, and by which frames they are known.

/// What belongs to no part: the kernel and tokio between two tasks, start and end.
pub(super) const REST: &str = "everything else";

/// A part, and pieces of the names of its functions.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// Whether it is of the way of a chunk through the sender.
    pub(super) is_of_a_chunk: bool,
    frames: &'static [&'static str],
}

const fn of_a_chunk(name: &'static str, frames: &'static [&'static str]) -> Part {
    Part {
        name,
        is_of_a_chunk: true,
        frames,
    }
}

const fn beside(name: &'static str, frames: &'static [&'static str]) -> Part {
    Part {
        name,
        is_of_a_chunk: false,
        frames,
    }
}

/// All of them. Whoever comes first has a sample that several could have: what is called stands
/// before what calls it.
pub(super) const PARTS: [Part; 18] = [
    beside("gateway, embedded", &["emulator::sink"]),
    beside("Datastore, embedded", &["emulator::datastore"]),
    beside("queue, embedded", &["emulator::tasks"]),
    of_a_chunk("grants", &["sender::grants", "rendezvous::"]),
    of_a_chunk(
        "send: quota, message, gateway's connections",
        &[
            "sender::send::",
            "sender::passage",
            "provider::",
            "governor::",
            "campaign::template",
            "minijinja",
        ],
    ),
    of_a_chunk("lease", &["push_store::lease"]),
    of_a_chunk("settle", &["Attempt::send_and_settle", "Attempt::give_back"]),
    of_a_chunk("totals", &["sender::totals"]),
    of_a_chunk("task, lookups, sort", &["sender::", "task_queue::"]),
    beside("import", &["jobs::import", "audience::"]),
    beside("fan-out", &["jobs::fan_out"]),
    beside("dispatch", &["jobs::dispatch"]),
    beside("reconcile", &["jobs::reconcile"]),
    beside("SQLite's threads, for all of them", &["sqlx_sqlite", "sqlite3"]),
    beside(
        "clients' connections to Datastore and queue",
        &[
            "h2::client",
            "hyper::client",
            "h2::proto::streams::streams",
            "tonic::transport::channel",
        ],
    ),
    beside(
        "servers' connections",
        &["h2::server", "hyper::server", "hyper_util::server", "axum::"],
    ),
    beside("passes, between them", &["runtime::job"]),
    beside("the demo: devices, comparison", &["noroshi::commands"]),
];

/// The part that a sample with these frames belongs to, by its place.
pub(super) fn of(frames: &[String]) -> Option<usize> {
    let has = |piece: &&str| frames.iter().any(|frame| frame.contains(*piece));
    PARTS.iter().position(|part| part.frames.iter().any(has))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(frames: &[&str]) -> &'static str {
        let frames: Vec<_> = frames.iter().map(|frame| (*frame).to_owned()).collect();
        of(&frames).map_or(REST, |part| PARTS[part].name)
    }

    #[test]
    fn what_is_called_has_the_sample_and_not_what_calls_it() {
        let caller = "sender::deliver::Sender::deliver::{{closure}}";

        assert_eq!(name_of(&["malloc", caller]), "task, lookups, sort");
        assert_eq!(
            name_of(&["malloc", "sender::grants::grant::{{closure}}", caller]),
            "grants"
        );
        assert_eq!(name_of(&["push_store::lease::{{closure}}", caller]), "lease");
        assert_eq!(name_of(&["futex_wait", "start_thread"]), REST);
    }
}
