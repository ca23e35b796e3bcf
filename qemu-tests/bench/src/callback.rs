//! The callback of the table's sites.

use alt_runtime::{CallbackError, Insn, Site, callback};

callback! {
    /// As Linux's for hypervisor addresses: five instructions, by the registers that the
    /// site has.
    #[unsafe(no_mangle)]
    pub static BENCH_CALLBACK = hyp_address;
}

fn hyp_address(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    let (Some(first), [mask, down, low, high, up]) = (site.words().first(), words) else {
        return Err(CallbackError::Failed("the site has not five instructions"));
    };
    let (rd, rn) = (first.rd(), first.rn());
    *mask = Insn::and_immediate(rd, rn, (1 << 39) - 1)?;
    *down = Insn::ror(rd, rd, 39)?;
    *low = Insn::add_immediate(rd, rd, 0x123, 0)?;
    *high = Insn::add_immediate(rd, rd, 0x456, 12)?;
    *up = Insn::ror(rd, rd, 25)?;
    Ok(())
}
