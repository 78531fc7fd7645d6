//! The `noroshi` command. See [`noroshi::cli`].

fn main() -> std::process::ExitCode {
    noroshi::cli::run(std::env::args_os()).into()
}
