//! One reconcile pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("reconcile", jobs::reconcile::run)
}
