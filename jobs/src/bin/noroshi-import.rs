//! One import pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("import", jobs::import::run)
}
