//! The build script that README.md shows.

fn main() -> std::io::Result<()> {
    alt_linker::provide_scripts()
}
