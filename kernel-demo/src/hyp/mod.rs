//! The host of the hypervisor: the kernel's support for the EL2 code in its image (`hyp/`).
//!
//! The image contains two variants. Boot chooses the one for the CPU's HCR_EL2.E2H, corrects its
//! pointers, patches it in the kernel's own pass, with the kernel's own tables, and frees the other
//! one. A kernel that was entered at EL1 frees both.

pub mod call;
pub mod callbacks;
mod install;
pub mod layout;
mod map;
mod pointers;
mod stub;
pub mod variant;

use alt_runtime::boot::Finalised;
use alt_runtime::patch::{Census, Count};
use alt_runtime::region::Region;
use defmt::{error, info};
use spin::Once;

use crate::platform::outcome::Failed;
pub use install::install_on_this_cpu;
use variant::Variant;

/// The variant in use, once it is ready for patching.
static CHOSEN: Once<&'static Variant> = Once::new();

/// The variant in use; `None` where the kernel was entered at EL1.
pub fn variant() -> Option<&'static Variant> {
    CHOSEN.get().copied()
}

/// Chooses a variant and prepares everything but its patching. To be called once, by the boot CPU,
/// before other CPUs run.
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
    install::log_address(variant);
    CHOSEN.call_once(|| variant);
    Ok(())
}

/// Logs the number of sites that the passes have patched in the variant in use.
pub fn log_sites(region: &Region<'_>, finalised: &Finalised) -> Result<(), Failed> {
    let Some(variant) = CHOSEN.get() else {
        return Ok(());
    };
    let mut census = Census::EMPTY;
    let counted = census.count(region, finalised.decision(), variant.text_words());
    if counted.is_err() {
        error!("hyp the records of the hypervisor cannot be read");
        return Err(Failed);
    }
    let Count { sites, patched } = census.total();
    info!("hyp sites={=u32} patched={=u32}", sites, patched);
    Ok(())
}

/// Frees the variants that are not in use. To be called once, after the last pass.
pub fn free_unused(finalised: &Finalised) {
    for variant in [&variant::NVHE, &variant::VHE] {
        if CHOSEN.get().is_none_or(|chosen| chosen.e2h != variant.e2h) {
            variant.free(finalised.maintenance());
        }
    }
}
