//! One erase pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("erase", jobs::erase::run)
}
