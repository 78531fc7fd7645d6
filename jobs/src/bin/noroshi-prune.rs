//! One prune pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("prune", jobs::prune::run)
}
