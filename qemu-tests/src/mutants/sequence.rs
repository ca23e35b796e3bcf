//! The order of the steps of the routines in the file.

use super::routine::{Pattern, Routine};
use super::words::*;
use crate::Image;

/// Checks the order of the steps in the file, which neither the monitor nor a run on QEMU can
/// observe. The steps are in the file in the order in which they are executed. Each branch over a
/// step depends on CTR_EL0, or on the exception level at which the kernel was entered.
///
/// # Errors
/// The instruction that is found in place of the expected one.
pub fn sequence(image: &Image) -> Result<(), String> {
    let steps = |name, patterns: &[Pattern]| -> Result<Vec<&'static str>, String> {
        let routine = Routine::find(image, name).map_err(|why| why.to_string())?;
        let name = |word| patterns.iter().find(|pattern| pattern.matches(word));
        let steps = routine.words().filter_map(name).map(|pattern| pattern.name);
        Ok(steps.collect())
    };
    let enter = [BTI_C, MASK_DAIF, MASK_ALLINT];
    let leave = [RESTORE_ALLINT, RESTORE_DAIF];
    let kinds = [
        &enter[..],
        &leave,
        &[DC_CVAU, DC_CIVAC, IC_IVAU, IC_IALLUIS, DSB_ISH, ISB],
    ]
    .concat();
    // A landing pad; no interrupt between the first step and the last.
    let masked = |steps: &[Pattern]| [&enter[..], steps, &leave].concat();
    // A turn of the loop takes four words, and the last line follows it; if the words do not read
    // back, all lines are cleaned again.
    let commit = masked(
        &[
            &[DC_CVAU; 5][..],
            &[DC_CIVAC; 5],
            &[DC_CIVAC],
            &[DSB_ISH, IC_IALLUIS, IC_IVAU, DSB_ISH, ISB],
        ]
        .concat(),
    );
    // The branch between the load of the generation and ISB makes the model order the two.
    // Stores before STLR are visible with the generation.
    let wait = masked(&[FRAME, STACK, LDAR, IS_EVEN, STLR, LDAR, WAITS_ON, ISB]);
    let waits = [FRAME, STACK, LDAR, STLR, IS_EVEN, WAITS_ON, ISB];
    let waits = [&enter[..], &leave, &waits].concat();
    let starts = [SCTLR, TLBI_VMALLE1, TLBI_ALLE2, IC_IALLU, DSB_NSH, ISB];
    // First translations, then the MMU, then the instruction cache.
    let with_mmu = |tlbi| [tlbi, DSB_NSH, ISB, SCTLR, ISB, IC_IALLU, DSB_NSH, ISB];
    // Down from EL2, where HCR_EL2 and ICC_SRE_EL2 have to be in force, and on from there.
    let start = [&[ISB, ISB, SCTLR, ISB][..], &with_mmu(TLBI_VMALLE1)].concat();
    // The last two follow ERET.
    let nvhe = [&[ISB][..], &with_mmu(TLBI_ALLE2), &[DSB_NSH, ISB]].concat();
    let vhe = [&[ISB][..], &nvhe].concat();
    let expected: [(&'static str, &[Pattern], &[Pattern]); 5] = [
        (COMMIT, &kinds, &commit),
        (WAIT, &waits, &wait),
        (START, &starts, &start),
        (START_NVHE, &starts, &nvhe),
        (START_VHE, &starts, &vhe),
    ];
    for (name, kinds, expected) in expected {
        let found = steps(name, kinds)?;
        let expected: Vec<_> = expected.iter().map(|pattern| pattern.name).collect();
        if found != expected {
            return Err(format!(
                "{name}: {}; expected: {}",
                found.join(", "),
                expected.join(", ")
            ));
        }
    }
    Ok(())
}
