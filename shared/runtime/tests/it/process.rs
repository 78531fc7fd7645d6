//! How a process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::{Config, ExitCode, process};

#[test]
fn a_process_ends_when_its_tasks_have() {
    let settled = Arc::new(AtomicBool::new(false));
    let witness = settled.clone();

    let code = process::run(Config::default(), |process| async move {
        process.tasks.spawn({
            let stop = process.stop.clone();
            async move {
                stop.requested().await;
                tokio::task::yield_now().await;
                witness.store(true, Ordering::SeqCst);
            }
        });
        ExitCode::Unavailable
    });

    assert_eq!(code, ExitCode::Unavailable);
    assert!(settled.load(Ordering::SeqCst));
}

#[test]
fn a_process_that_is_to_end_at_once_waits_for_nothing() {
    let code = process::run(Config::default(), |process| async move {
        process.tasks.spawn(std::future::pending::<()>());
        process.stop.request_at_once();
        std::future::pending().await
    });

    assert_eq!(code, ExitCode::TryAgain);
}

#[test]
fn exit_codes_are_those_that_schedulers_know() {
    let codes = [
        ExitCode::Done,
        ExitCode::Usage,
        ExitCode::Unavailable,
        ExitCode::Fault,
        ExitCode::TryAgain,
    ];

    assert_eq!(codes.map(ExitCode::code), [0, 64, 69, 70, 75]);
}
