//! Runtime constants: values that are known early in the boot, as immediates of instructions.
//!
//! From Linux 6.11 (`arch/arm64/include/asm/runtime-const.h`), a section for each variable has the
//! places, as `s32` place − address of this field:
//!
//! * `runtime_ptr_VARIABLE`: MOVZ and three MOVKs, each with 16 bits of the value in bits 20:5 (Arm ARM
//!   C4.1.93, "Data Processing -- Immediate").
//! * `runtime_shift_VARIABLE`: LSR of 32 bits by the value, in bits 21:16 (an alias of UBFM; the same
//!   section).
//!
//! The variable keeps the value, so memory says which words are right.

use super::{Legal, Means, Rewritten};
use crate::image::Image;

/// What a place is made of.
#[derive(Clone, Copy)]
enum Form {
    Pointer,
    Shift,
}

impl Form {
    /// The number of instructions.
    fn len(self) -> u64 {
        match self {
            Self::Pointer => 4,
            Self::Shift => 1,
        }
    }

    /// An instruction with its part of the value.
    fn with(self, index: u64, word: u32, value: u64) -> u32 {
        match self {
            Self::Pointer => word & !(0xffff << 5) | ((value >> (16 * index)) as u32 & 0xffff) << 5,
            Self::Shift => word & !(0x3f << 16) | (value as u32 & 0x3f) << 16,
        }
    }
}

pub(super) fn add(places: &mut Rewritten, image: &Image, doubleword: impl Fn(u64) -> Option<u64>) {
    for section in image.sections() {
        let pointer = section.name.strip_prefix("runtime_ptr_");
        let pointer = pointer.map(|variable| (variable, Form::Pointer));
        let shift = || Some((section.name.strip_prefix("runtime_shift_")?, Form::Shift));
        let Some((variable, form)) = pointer.or_else(shift) else {
            continue;
        };
        let value = image.symbol(variable).and_then(&doubleword);
        let value = value.map(|value| match form {
            Form::Pointer => value,
            Form::Shift => value & 0xffff_ffff,
        });
        // Before the kernel has set the variable, the places are as linked.
        let value = value.filter(|value| *value != 0);
        for row in section.range.clone().step_by(4) {
            let Some(offset) = image.u32_at(row) else {
                continue;
            };
            let place = row.wrapping_add_signed((offset as i32).into());
            for index in 0..form.len() {
                let at = place.wrapping_add(4 * index);
                let Some(word) = image.word(at) else { continue };
                let legal = match value {
                    Some(value) => Legal::Must(vec![form.with(index, word, value)]),
                    None => Legal::Words(Vec::new()),
                };
                places.add(image, at, Means::Constant, legal);
            }
        }
    }
}
