//! Callbacks for the sites of the hypervisor, which need values that only boot knows. The hypervisor
//! only names them: they run at EL1, in the kernel's pass.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback};
use spin::Once;

use super::layout;
use super::variant;
use crate::cpucaps::ALWAYS_SYSTEM;
use crate::features::runtime_const::load_constant;

/// CTR_EL0, sanitised over all CPUs.
static CACHE_TYPE: AtomicU64 = AtomicU64::new(0);
/// For each variant its text and the address of `enter`. It is stored here because a callback, which
/// runs in the pass, must not refer to text that is patched.
static VECTORS: Once<[(Range<u64>, u64); 2]> = Once::new();

/// Prepares the values of the callbacks. To be called once, before the pass.
pub fn prepare() {
    layout::choose_tag();
    VECTORS.call_once(|| {
        [&variant::NVHE, &variant::VHE]
            .map(|variant| (variant.text_words(), variant.bounds().enter as u64))
    });
}

/// Sets the sanitised CTR_EL0. To be called before the last pass.
pub fn set_cache_type(value: u64) {
    CACHE_TYPE.store(value, Ordering::Relaxed);
}

callback! {
    /// Five instructions that convert a kernel address to a hypervisor address.
    #[unsafe(no_mangle)]
    pub static HYP_ADDRESS = address;
    /// Four instructions that load the distance between the two.
    #[unsafe(no_mangle)]
    static HYP_OFFSET = offset;
    /// Four instructions that load the final CTR_EL0.
    #[unsafe(no_mangle)]
    static HYP_CACHE_TYPE = cache_type;
    /// Four instructions that branch from the vectors to `enter`, at any distance.
    #[unsafe(no_mangle)]
    static HYP_VECTOR = vector;
}

fn address(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let [mask, down, low, high, up] = words else {
        return Err(CallbackError::Failed("the site is AND, ROR, ADD, ADD, ROR"));
    };
    let (rd, rn) = (mask.rd(), mask.rn());
    let tag = layout::tag() as u32;
    *mask = Insn::and_immediate(rd, rn, (1 << layout::BITS) - 1)?;
    *down = Insn::ror(rd, rd, layout::BITS)?;
    *low = Insn::add_immediate(rd, rd, tag & 0xfff, 0)?;
    *high = Insn::add_immediate(rd, rd, tag >> 12, 12)?;
    *up = Insn::ror(rd, rd, 64 - layout::BITS)?;
    Ok(())
}

fn offset(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    load_constant(words, layout::offset())
}

fn cache_type(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    load_constant(words, CACHE_TYPE.load(Ordering::Relaxed))
}

/// BR X0 (Arm ARM C6.2).
const BR_X0: Insn = Insn(0xd61f_0000);

fn vector(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let [low, middle, high, branch] = words else {
        return Err(CallbackError::Failed("the site is B and three NOP"));
    };
    let variants = VECTORS.get().map_or(&[][..], |variants| &variants[..]);
    let own = variants
        .iter()
        .find(|(text, _)| text.contains(&site.address()));
    let Some((_, enter)) = own else {
        return Err(CallbackError::Failed(
            "the site is in no variant of the hypervisor",
        ));
    };
    let target = layout::to_hyp(*enter);
    // An address has 48 bits.
    *low = Insn::movz(0, target as u16, 0)?;
    *middle = Insn::movk(0, (target >> 16) as u16, 16)?;
    *high = Insn::movk(0, (target >> 32) as u16, 32)?;
    *branch = BR_X0;
    Ok(())
}

/// Converts a kernel address to the hypervisor's, like [`layout::to_hyp`], with the tag in the
/// instructions. Before the pass, the result is `address & 1`.
pub fn kernel_to_hyp(address: u64) -> u64 {
    let hyp;
    // SAFETY: the instructions compute one register.
    unsafe {
        alternative_cb!(
            "and {address}, {address}, #1",
            "ror {address}, {address}, #1",
            "add {address}, {address}, #0",
            "add {address}, {address}, #0, lsl #12",
            "ror {address}, {address}, #63",
            ALWAYS_SYSTEM => HYP_ADDRESS,
            address = inout(reg) address => hyp,
            options(nomem, nostack, preserves_flags),
        );
    }
    hyp
}
