//! One fan-out pass, for cron.

fn main() -> std::process::ExitCode {
    jobs::main("fan-out", jobs::fan_out::run)
}
