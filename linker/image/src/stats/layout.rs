//! What an arm takes in a layout that its image does not have.

use alt_runtime::Insn;
use alt_runtime::insn::Form;

use crate::code::Reference;
use crate::image::Image;
use crate::records::{Arm, Kind, Site};

/// One arm in one layout.
pub(super) struct Cost {
    /// Its records are among those of branches.
    pub branch: bool,
    /// Bytes of its records.
    pub table: u64,
    /// Bytes of its instructions.
    pub replacement: u64,
    /// They stand in the text, beside the function.
    pub in_text: bool,
}

/// In Linux's layout: a record for each arm, and a replacement in the text that is as long as
/// the site, except for NOPs, which share one callback. Linux has no conditions of several terms;
/// one such counts as if it were a cpucap.
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

/// In ours: 8 bytes for a branch, else 12 and the instructions without the NOPs at their end,
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

/// Whether a site is one of ours for `cpu_has_cap!`, or one of Linux's that could be: a B that
/// becomes a NOP, or the other way round, within 128 KiB.
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

/// Whether an instruction refers to something outside that may be too far from
/// `alt_replacements`: then our macros keep the arm near its function.
fn leaves_by_short_reach(start: u64, words: &[u32]) -> bool {
    let end = start + 4 * words.len() as u64;
    // The words first: where there are none, the address may be the last one.
    let references = words.iter().zip((start..).step_by(4));
    let mut references = references.filter_map(|(word, at)| Reference::of(at, *word));
    references.any(|reference| {
        let far = matches!(reference.form, Form::B | Form::Bl | Form::Adrp);
        !far && !(start..=end).contains(&reference.target)
    })
}
