//! docs/reach.md.

fn build_script() -> Result<(), alt_linker::reach::ReachError> {
    let report = alt_linker::reach::check(["entry.o"], &Default::default())?;
    drop(report);
    Ok(())
}
