//! The `noroshi` command. See [`noroshi::cli`].

/// A push passes through Datastore's messages half a dozen times, in hundreds of small
/// allocations that end on other threads than they began on. The C library's allocator takes a
/// third of all processor time for that; and what it gets back it keeps, more and more of it the
/// longer a campaign is, where jemalloc has a thread that returns it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    noroshi::cli::run(std::env::args_os()).into()
}
