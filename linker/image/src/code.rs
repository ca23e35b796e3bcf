//! The instructions of an image that refer to other places.

use alt_runtime::insn::{Class, Form, Insn};

use crate::image::Image;

/// A PC-relative instruction: a branch, a call, an address computation, a load of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The address of the instruction.
    pub from: u64,
    /// The target address; for an ADRP, the page.
    pub target: u64,
    /// The kind of instruction.
    pub form: Form,
}

impl Reference {
    /// The reference of `word` at `from`, if it is PC-relative.
    pub fn of(from: u64, word: u32) -> Option<Self> {
        match Insn(word).classify() {
            Class::Relative(relative) => Some(Self {
                from,
                target: relative.target(from),
                form: relative.form,
            }),
            _ => None,
        }
    }

    /// Whether it is a branch or a call.
    pub fn is_branch(&self) -> bool {
        !matches!(
            self.form,
            Form::Adr
                | Form::Adrp
                | Form::Ldr
                | Form::Ldrsw
                | Form::Prfm
                | Form::LdrSimd
                | Form::Retasppc
                | Form::Autisppc
        )
    }
}

/// All references in the executable sections of an image.
#[derive(Clone, Debug)]
pub struct Code {
    /// In the order of the addresses of the instructions.
    references: Vec<Reference>,
    /// Indices of the branches among them, by target.
    by_target: Vec<u32>,
}

impl Code {
    /// Decodes the text of an image, except data by the mapping symbols.
    pub fn new(image: &Image) -> Self {
        let references: Vec<_> = image
            .executable()
            .flat_map(|section| image.instructions(section))
            .filter_map(|(address, word)| Reference::of(address, word))
            .collect();
        let branches = (0u32..).zip(&references);
        let mut by_target: Vec<u32> = branches
            .filter(|(_, reference)| reference.is_branch())
            .map(|(index, _)| index)
            .collect();
        by_target.sort_by_key(|index| references[*index as usize].target);
        Self {
            references,
            by_target,
        }
    }

    /// All references, by the address of the instruction.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The references of the instructions in a range of addresses.
    pub fn from(&self, range: std::ops::Range<u64>) -> &[Reference] {
        let bound = |address| self.references.partition_point(|r| r.from < address);
        let (from, to) = (bound(range.start), bound(range.end));
        self.references.get(from..to).unwrap_or_default()
    }

    /// The branches to a range of addresses, by target.
    pub fn branches_to(&self, range: std::ops::Range<u64>) -> impl Iterator<Item = &Reference> {
        let target = |index: &u32| self.references[*index as usize].target;
        let from = self
            .by_target
            .partition_point(|index| target(index) < range.start);
        self.by_target[from..]
            .iter()
            .map(|index| &self.references[*index as usize])
            .take_while(move |reference| reference.target < range.end)
    }
}
