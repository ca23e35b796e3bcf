//! Estimates of the size of an arm in the layout that the image does not use.

use alt_runtime::Insn;
use alt_runtime::insn::Form;

use crate::code::Reference;
use crate::image::Image;
use crate::records::{Arm, Kind, Site};

/// One arm in one layout.
pub(super) struct Cost {
    /// Whether its records are branch records.
    pub branch: bool,
    /// The size of its records in bytes.
    pub table: u64,
    /// The size of its instructions in bytes.
    pub replacement: u64,
    /// Whether they are in the text, after the function.
    pub in_text: bool,
}

/// The cost in the layout of Linux: a record for each arm, and a replacement in the text that is as long as
/// the site, except for NOPs, which share one callback. Linux has no conditions of several terms;
/// such a condition counts like one cpucap.
pub(super) fn linux(site: &Site<'_>, arm: &Arm<'_>) -> Cost {
    let replacement = match arm.record().kind {
        Kind::Branch { likely: false, .. } | Kind::Code { .. } => site.len().into(),
        Kind::Branch { likely: true, .. } | Kind::Callback { .. } | Kind::Nops => 0,
    };
    Cost {
        branch: false,
        table: 12,
        replacement,
        in_text: true,
    }
}

/// The cost in our layout: 8 bytes for a branch, else 12 bytes and the instructions without trailing NOPs,
/// which the patcher adds.
pub(super) fn ours(image: &Image, site: &Site<'_>, arm: &Arm<'_>) -> Cost {
    let mut cost = Cost {
        branch: is_branch(image, site),
        table: 12,
        replacement: 0,
        in_text: false,
    };
    if cost.branch {
        cost.table = 8;
    } else if let Kind::Code { address, len } = arm.record().kind {
        let words = words(image, address, len);
        let padding = words.iter().rev().take_while(|word| is_nop(**word)).count();
        let end = words.len() - padding;
        let used = words.get(..end).unwrap_or_default();
        cost.replacement = 4 * used.len() as u64;
        cost.in_text = leaves_by_short_reach(address, used);
    }
    cost
}

/// Whether a site belongs to `cpu_has_cap!`, or could in Linux: a B that is patched to a NOP, or
/// the reverse, within 128 KiB.
pub(super) fn is_branch(image: &Image, site: &Site<'_>) -> bool {
    let (record, [_]) = (site.first(), site.records()) else {
        return false;
    };
    let new = match record.kind {
        Kind::Branch { .. } => return true,
        Kind::Callback { .. } => return false,
        Kind::Nops => Some((record.site, Insn::NOP.0)),
        Kind::Code { address, .. } => image.word(address).map(|word| (address, word)),
    };
    let old = image.word(record.site).map(|word| (record.site, word));
    let (4, Some(old), Some(new)) = (record.site_len, old, new) else {
        return false;
    };
    let near = |(at, word): (u64, u32)| {
        let branch = Reference::of(at, word).filter(|reference| reference.form == Form::B);
        branch.is_some_and(|branch| {
            let distance = branch.target.wrapping_sub(record.site) as i64;
            i16::try_from(distance / 4).is_ok()
        })
    };
    (is_nop(old.1) && near(new)) || (near(old) && is_nop(new.1))
}

fn words(image: &Image, address: u64, len: u32) -> Vec<u32> {
    let bytes = image.bytes(address, len as usize).unwrap_or_default();
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn is_nop(word: u32) -> bool {
    word == Insn::NOP.0
}

/// Whether an instruction has an external target that may be out of range of `alt_replacements`. Our
/// macros keep such an arm near its function.
fn leaves_by_short_reach(start: u64, words: &[u32]) -> bool {
    let end = start + 4 * words.len() as u64;
    // Words first: without words, the address may be the last one and overflow.
    let references = words.iter().zip((start..).step_by(4));
    let mut references = references.filter_map(|(word, at)| Reference::of(at, *word));
    references.any(|reference| {
        let far = matches!(reference.form, Form::B | Form::Bl | Form::Adrp);
        !far && !(start..=end).contains(&reference.target)
    })
}
