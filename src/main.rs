//! The `tagrelay` binary: parses the command line and runs one command.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    tagrelay::cli::run()
}
