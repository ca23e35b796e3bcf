//! Runtime constants: values that are known early in the boot, as immediates of instructions.
//!
//! From Linux 6.11 (`arch/arm64/include/asm/runtime-const.h`), a section for each variable has the
//! places, as `s32` place − address of this field:
//!
//! * `runtime_ptr_VARIABLE`: MOVZ and three MOVKs, each with 16 bits of the value in bits 20:5 (Arm ARM
//!   C4.1.93, "Data Processing -- Immediate").
//! * `runtime_shift_VARIABLE`: LSR of 32 bits by the value, in bits 21:16 (an alias of UBFM; the same
//!   section).
//! * `runtime_mask_VARIABLE` (Linux 7): UBFX of 32 bits from bit 0, as many bits as the value has, which is
//!   2ⁿ - 1; n - 1 is in bits 15:10 (an alias of UBFM; the same section).
//!
//! The variable in the dump has the value, which decides the words. Some constants of Linux 7 have no
//! variable; then all places must have the value that most of them have.

use std::collections::BTreeMap;

use super::{Legal, Means, Rewritten};
use crate::image::Image;

/// The form of a place.
#[derive(Clone, Copy)]
enum Form {
    Pointer,
    Shift,
    Mask,
}

/// The forms by the start of a section's name.
const FORMS: [(&str, Form); 3] = [
    ("runtime_ptr_", Form::Pointer),
    ("runtime_shift_", Form::Shift),
    ("runtime_mask_", Form::Mask),
];

impl Form {
    /// The number of instructions.
    fn len(self) -> u64 {
        match self {
            Self::Pointer => 4,
            Self::Shift | Self::Mask => 1,
        }
    }

    /// An instruction with its part of the value.
    fn with(self, index: u64, word: u32, value: u64) -> u32 {
        match self {
            Self::Pointer => word & !(0xffff << 5) | ((value >> (16 * index)) as u32 & 0xffff) << 5,
            Self::Shift => word & !(0x3f << 16) | (value as u32 & 0x3f) << 16,
            Self::Mask => {
                let bits = u64::BITS - value.leading_zeros();
                word & !(0x3f << 10) | (bits.saturating_sub(1) & 0x3f) << 10
            }
        }
    }

    /// The value of a place in memory.
    fn value(self, place: u64, doubleword: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        let part = |index: u64| {
            let word = doubleword(place.wrapping_add(4 * index))?;
            Some(match self {
                Self::Pointer => (word >> 5 & 0xffff) << (16 * index),
                Self::Shift => word >> 16 & 0x3f,
                // Bits 63 to n + 1 of 64 are shifted out.
                Self::Mask => u64::MAX >> (63 - (word >> 10 & 0x3f)),
            })
        };
        (0..self.len()).map(part).sum()
    }
}

/// The value that most places have.
fn most_common(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(_, count): &(u64, usize)| *count);
    most.map(|(value, _)| value)
}

pub(super) fn add(places: &mut Rewritten, image: &Image, doubleword: impl Fn(u64) -> Option<u64>) {
    for section in image.sections() {
        let form_of = |(prefix, form)| Some((section.name.strip_prefix(prefix)?, form));
        let Some((variable, form)) = FORMS.into_iter().find_map(form_of) else {
            continue;
        };
        let rows = section.range.clone().step_by(4);
        let places_of = rows.filter_map(|row| {
            let offset = image.u32_at(row)? as i32;
            Some(row.wrapping_add_signed(offset.into()))
        });
        let places_of: Vec<u64> = places_of.collect();
        let value = match image.symbol(variable) {
            // Before the kernel has set the variable, the places are as linked.
            Some(at) => doubleword(at)
                .map(|value| match form {
                    Form::Pointer => value,
                    Form::Shift | Form::Mask => value & 0xffff_ffff,
                })
                .filter(|value| *value != 0),
            None => {
                let values = places_of.iter();
                most_common(values.filter_map(|place| form.value(*place, &doubleword)))
            }
        };
        for place in places_of {
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
