//! What EL1 may not do with the memory of EL2.

use defmt::{error, info};

use crate::hyp::variant::{self, Variant};
use crate::kernel::Failed;
use crate::{exceptions, memory};

/// The text is neither written nor executed at EL1; what was given back is not even read.
pub fn check(chosen: &Variant) -> Result<(), Failed> {
    let text = chosen.bounds().text;
    if memory::executable_pages(text.clone()) != 0 {
        error!("hyp text is executable at EL1");
        return Err(Failed);
    }
    let first = text.start as *mut u32;
    // SAFETY: the write faults, or it puts back what is there.
    let write = unsafe { exceptions::try_write(first, first.read_volatile()) };
    refused("writing its text", first as u64, write)?;
    let enter = chosen.bounds().enter as u64;
    // SAFETY: the fetch faults.
    let fetch = unsafe { exceptions::try_execute(enter) };
    refused("executing its text", enter, fetch)?;
    for other in [&variant::NVHE, &variant::VHE] {
        if other.name != chosen.name {
            let first = other.bounds().text.start as *const u32;
            // SAFETY: one load, which faults.
            let read = exceptions::try_load(|| unsafe { first.read_volatile() });
            refused(
                "reading what was given back",
                first as u64,
                read.map(|_| ()),
            )?;
        }
    }
    Ok(())
}

fn refused(what: &str, address: u64, result: Result<(), exceptions::Fault>) -> Result<(), Failed> {
    match result {
        Err(fault) => {
            info!(
                "hyp protected ok {=str} at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                what, address, fault.syndrome
            );
            Ok(())
        }
        Ok(()) => {
            error!("hyp {=str} at {=u64:#x} succeeds", what, address);
            Err(Failed)
        }
    }
}
