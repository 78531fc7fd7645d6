//! One report pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("report", jobs::report::run)
}
