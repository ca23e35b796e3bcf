//! The symbols of the kernel that modules may use.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, callback};

/// The constant that the callback loads in sites of modules.
pub const TAG: u16 = 0x7a6;

/// The value that was reported last.
static REPORTED: AtomicU64 = AtomicU64::new(0);

/// The address of an exported symbol.
pub fn find(symbol: &str) -> Option<u64> {
    match symbol {
        "demo_report" => Some(demo_report as *const () as u64),
        "demo_module_tag" => Some(&raw const MODULE_TAG as u64),
        _ => None,
    }
}

/// Stores a value that a module reports and returns its complement.
#[unsafe(no_mangle)]
extern "C" fn demo_report(value: u64) -> u64 {
    REPORTED.store(value, Ordering::Relaxed);
    !value
}

/// The value that a module has reported last.
pub fn reported() -> u64 {
    REPORTED.load(Ordering::Relaxed)
}

fn tag(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let ([old], [new]) = (site.words(), words) else {
        return Err(CallbackError::Failed("the site is one MOVZ"));
    };
    *new = Insn::movz(old.rd(), TAG, 0)?;
    Ok(())
}

callback! {
    /// Makes a site of one MOVZ load [`TAG`].
    #[unsafe(export_name = "demo_module_tag")]
    static MODULE_TAG = tag;
}
