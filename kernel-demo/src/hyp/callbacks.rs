//! What the hypervisor's text needs and only boot knows, computed by callbacks: they run at EL1,
//! in the kernel's pass, and the hypervisor only names them.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, callback};
use spin::Once;

use super::layout;
use super::variant;

/// CTR_EL0 over all CPUs.
static CACHE_TYPE: AtomicU64 = AtomicU64::new(0);
/// For each variant, where its vectors are and where they go. Not asked for in the pass: what runs
/// there must not even name text that it patches.
static VECTORS: Once<[(Range<u64>, u64); 2]> = Once::new();

/// Finds out what the callbacks need. To be called once, before the pass.
pub fn prepare() {
    layout::choose_tag();
    VECTORS.call_once(|| {
        [&variant::NVHE, &variant::VHE]
            .map(|variant| (variant.text_words(), variant.bounds().enter as u64))
    });
}

/// Says what CTR_EL0 is over all CPUs. To be called before the last pass.
pub fn set_cache_type(value: u64) {
    CACHE_TYPE.store(value, Ordering::Relaxed);
}

callback! {
    /// The five instructions that turn a kernel address into a hypervisor address.
    #[unsafe(no_mangle)]
    pub static HYP_ADDRESS = address;
    /// The distance between the two, in four instructions.
    #[unsafe(no_mangle)]
    static HYP_OFFSET = offset;
    /// The final CTR_EL0, in four instructions.
    #[unsafe(no_mangle)]
    static HYP_CACHE_TYPE = cache_type;
    /// The way from the vectors to their handler, in four instructions, wherever it is.
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
    constant(words, layout::offset())
}

fn cache_type(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    constant(words, CACHE_TYPE.load(Ordering::Relaxed))
}

/// Fills a site of MOVZ and three MOVK, so that it loads a value.
pub fn constant(words: &mut [Insn], value: u64) -> Result<(), CallbackError> {
    let rd = words.first().map_or(0, |word| word.rd());
    let constant = Insn::load_constant64(rd, value)?;
    if words.len() != constant.len() {
        return Err(CallbackError::Failed("the site is MOVZ and three MOVK"));
    }
    words.copy_from_slice(&constant);
    Ok(())
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
