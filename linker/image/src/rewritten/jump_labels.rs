//! Branches on static keys.
//!
//! `__jump_table` has entries of 16 bytes: `s32` branch − address of this field, `s32` target −
//! address of this field, `s64` key (`include/linux/jump_label.h`). The branch is a NOP or a B to the
//! target (`arch/arm64/kernel/jump_label.c`). Which of them depends on the key at the time of the
//! dump, so both are legal.

use alt_runtime::Insn;

use super::{Legal, Means, Rewritten};
use crate::image::Image;

pub(super) fn add(places: &mut Rewritten, image: &Image) {
    let bounds = image.between("__start___jump_table", "__stop___jump_table");
    let section = || Some(image.section("__jump_table")?.range.clone());
    let Some(range) = bounds.or_else(section) else {
        return;
    };
    for entry in range.step_by(16) {
        let relative = |at: u64| {
            let offset = image.u32_at(at)? as i32;
            Some(at.wrapping_add_signed(offset.into()))
        };
        let (Some(code), Some(target)) = (relative(entry), relative(entry + 4)) else {
            continue;
        };
        let mut words = vec![Insn::NOP.0];
        words.extend(Insn::branch(code, target).ok().map(|branch| branch.0));
        places.add(image, code, Means::JumpLabel, Legal::Words(words));
    }
}
