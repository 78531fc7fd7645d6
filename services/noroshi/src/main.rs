//! The `noroshi` command. See [`noroshi::cli`].

/// A push passes through Datastore's messages half a dozen times, in hundreds of small
/// allocations that end on other threads than they began on. The C library's allocator takes a
/// third of all processor time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    noroshi::cli::run(std::env::args_os()).into()
}
