//! One dispatch pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("dispatch", jobs::dispatch::run)
}
