//! Cache maintenance that QEMU has executed: each instruction, with its operand.
//!
//! QEMU executes one instruction at a time and logs the registers before it, for the
//! addresses given to `-dfilter`: those of all DC, IC and DSB in the image.

use qemu_tests::Image;
use std::fmt::Write;

/// The kind of an instruction of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheOp {
    /// Data cache maintenance by address.
    Dc(u64),
    /// Instruction cache maintenance.
    Ic,
    /// A barrier that waits for it.
    Dsb,
}

/// The kind of an instruction, and the register that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperandKind {
    Dc(u32),
    Ic,
    Dsb,
}

/// SYS with CRn = 7 (Arm ARM C5.1.3): CRm 1 and 5 are IC, 6 and 10 to 14 DC. DSB is in
/// C6.2.
fn kind(word: u32) -> Option<OperandKind> {
    if word & 0xfff8_f000 == 0xd508_7000 {
        return match word >> 8 & 0xf {
            1 | 5 => Some(OperandKind::Ic),
            6 | 10..=14 => Some(OperandKind::Dc(word & 0x1f)),
            _ => None,
        };
    }
    (word & 0xffff_f0ff == 0xd503_309f).then_some(OperandKind::Dsb)
}

/// The instructions of interest in an image, by address.
fn instructions(image: &Image) -> impl Iterator<Item = (u64, OperandKind)> + '_ {
    image
        .sections()
        .iter()
        .filter(|section| section.executable)
        .flat_map(|section| {
            let (words, _) = section.bytes.as_chunks::<4>();
            (section.range.start..).step_by(4).zip(words)
        })
        .filter_map(|(address, word)| Some((address, kind(u32::from_le_bytes(*word))?)))
        // The boot code of the guest invalidates caches as well, but is not part of a pass.
        .filter(|&(address, _)| {
            let place = image.place(address);
            place.is_none_or(|place| !place.symbol.starts_with("aarch64_rt::"))
        })
}

/// The value for `-dfilter`.
pub(crate) fn filter(image: &Image) -> String {
    let mut filter = String::new();
    for (address, _) in instructions(image) {
        let comma = if filter.is_empty() { "" } else { "," };
        let _ = write!(filter, "{comma}{address:#x}+4");
    }
    filter
}

/// Reads QEMU's log.
pub(crate) fn read(image: &Image, log: &str) -> Result<Vec<CacheOp>, String> {
    let known: Vec<_> = instructions(image).collect();
    log.split(" PC=")
        .skip(1)
        // A time slice of QEMU's may end before the instruction, which is logged again.
        .filter(|state| !state.contains("Stopped execution of TB chain before"))
        .map(|state| {
            let (pc, registers) = state.split_once(' ').unwrap_or((state, ""));
            let wrong = || format!("QEMU logged a state that cannot be read: PC={pc}");
            let pc = u64::from_str_radix(pc, 16).map_err(|_| wrong())?;
            let at = known.binary_search_by_key(&pc, |&(address, _)| address);
            Ok(match known[at.map_err(|_| wrong())?].1 {
                OperandKind::Ic => CacheOp::Ic,
                OperandKind::Dsb => CacheOp::Dsb,
                OperandKind::Dc(register) => {
                    CacheOp::Dc(value(registers, register).ok_or_else(wrong)?)
                }
            })
        })
        .collect()
}

/// The value of a register: `X07=0000000044001000`.
fn value(registers: &str, number: u32) -> Option<u64> {
    let (_, rest) = registers.split_once(&format!("X{number:02}="))?;
    u64::from_str_radix(rest.get(..16)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The words are from GNU as.
    #[test]
    fn maintenance_is_told_from_other_system_instructions() {
        for (word, expected) in [
            (0xd50b_7b2b, Some(OperandKind::Dc(11))), // dc cvau, x11
            (0xd50b_7e21, Some(OperandKind::Dc(1))),  // dc civac, x1
            (0xd508_711f, Some(OperandKind::Ic)),     // ic ialluis
            (0xd50b_752b, Some(OperandKind::Ic)),     // ic ivau, x11
            (0xd503_3b9f, Some(OperandKind::Dsb)),    // dsb ish
            (0xd503_3fdf, None),                      // isb
            (0xd508_831f, None),                      // tlbi vmalle1is
            (0xd50b_7421, None),                      // dc zva, x1
            (0xd508_7800, None),                      // at s1e1r, x0
            (0xd503_201f, None),                      // nop
        ] {
            assert_eq!(kind(word), expected, "{word:#x}");
        }
    }

    #[test]
    fn registers_are_read_from_the_dump() {
        let dump = "X00=00000000440011c0 X01=0000000000000001\nX02=ffff800000000000";
        assert_eq!(value(dump, 0), Some(0x4400_11c0));
        assert_eq!(value(dump, 2), Some(0xffff_8000_0000_0000));
        assert_eq!(value(dump, 3), None);
    }
}
