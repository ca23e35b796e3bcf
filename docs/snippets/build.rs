//! The build script that docs/integration.md shows.

fn main() -> std::io::Result<()> {
    alt_linker::provide_scripts()
}
