//! docs/reach.md.

fn build_script() -> Result<(), alt_linker::branch_range::BranchRangeError> {
    let report = alt_linker::branch_range::check(["entry.o"], &Default::default())?;
    drop(report);
    Ok(())
}
