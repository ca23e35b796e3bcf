//! The host side of the hypervisor: code that this image carries for EL2.
//!
//! Two variants are linked in. Boot takes the one for HCR_EL2.E2H as the CPU has it, corrects its
//! pointers, patches it with the kernel's own text and table, and gives the other one back.
//! Where the kernel was entered at EL1 both go.

mod call;
pub mod callbacks;
mod give_back;
mod install;
mod layout;
mod map;
mod pointers;
mod proofs;
mod shared;
pub mod stub;
mod variant;

use alt_runtime::boot::Finalised;
use alt_runtime::patch::{Census, Count};
use alt_runtime::region::Region;
use defmt::{error, info};
use spin::Once;

use crate::kernel::Failed;
pub use install::on_this_cpu;
pub use layout::to_hyp;
pub use proofs::{counted, exercise, exercise_this_cpu};
use variant::Variant;
pub use variant::all_text;

/// The variant in use, once it is ready to be installed.
static CHOSEN: Once<&'static Variant> = Once::new();

/// Chooses a variant, and makes it ready but for the patching. To be called once, by the boot CPU,
/// before any other runs.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn prepare(with_vhe: bool) -> Result<(), Failed> {
    if !install::is_possible() {
        info!("hyp none (entered at EL1)");
        return Ok(());
    }
    let variant = if with_vhe {
        &variant::VHE
    } else {
        &variant::NVHE
    };
    variant.clear_bss();
    pointers::correct(variant)?;
    map::build(variant);
    install::prepare(variant);
    CHOSEN.call_once(|| variant);
    Ok(())
}

/// Logs what the pass has done to the variant in use.
pub fn log_sites(region: &Region<'_>, finalised: &Finalised) -> Result<(), Failed> {
    let Some(variant) = CHOSEN.get() else {
        return Ok(());
    };
    let part = region.within(variant.text_words());
    let Ok(census) = Census::new(&part, finalised.decision()) else {
        error!("hyp the records of the hypervisor cannot be read");
        return Err(Failed);
    };
    let Count { sites, patched } = census.total();
    info!("hyp sites={=u32} patched={=u32}", sites, patched);
    Ok(())
}

/// Gives back what is not in use; to be called once, after the last pass.
pub fn give_back(finalised: &Finalised) {
    for variant in [&variant::NVHE, &variant::VHE] {
        if CHOSEN.get().is_none_or(|chosen| chosen.e2h != variant.e2h) {
            give_back::variant(variant, finalised.maintenance());
        }
    }
}
