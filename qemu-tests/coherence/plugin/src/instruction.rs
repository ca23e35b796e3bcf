//! What is known of an instruction once it is translated.

use coherence::Op;

use crate::memory::Written;
use crate::regions::Marks;

/// An instruction that has been translated. It lives as long as QEMU.
pub struct Instruction {
    pub address: u64,
    /// `None` where nothing is watched.
    pub physical: Option<u64>,
    pub op: Option<Op>,
    pub word: u32,
    /// Whether it is in a routine that answers for its words.
    pub is_promised: bool,
    /// Where it counts.
    pub regions: Marks,
    /// The words of its page.
    pub written: &'static Written,
}

impl Instruction {
    /// Whether executing it means nothing, unless the CPU pays attention to every instruction.
    pub fn is_plain(&self) -> bool {
        self.op.is_none()
            && !self.is_promised
            && !self.is_written()
            && self.regions.is_empty()
            && !self.may_be_vector()
    }

    /// Whether it has been stored by the guest.
    pub fn is_written(&self) -> bool {
        self.physical
            .is_some_and(|physical| self.written.contains(physical))
    }

    /// The field of a system register's encoding that tells the registers of the exception
    /// levels apart.
    pub fn op1(&self) -> usize {
        (self.word >> 16 & 7) as usize
    }

    /// Whether an exception can lead here: the 16 entries are 128 bytes each.
    pub fn may_be_vector(&self) -> bool {
        self.address.is_multiple_of(0x80)
    }
}
