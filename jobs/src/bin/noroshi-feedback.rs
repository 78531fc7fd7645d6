//! One feedback pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("feedback", jobs::feedback::run)
}
