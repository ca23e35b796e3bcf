//! Properties of an instruction that are known when it is translated.

use coherence::Op;

use crate::memory::Written;
use crate::regions::Marks;

/// An instruction that has been translated. It lives as long as QEMU.
pub struct Instruction {
    pub address: u64,
    /// `None` if its page is not watched.
    pub physical: Option<u64>,
    pub op: Option<Op>,
    pub word: u32,
    /// Whether it is in a routine that must make its words visible.
    pub is_promised: bool,
    /// The regions that count it.
    pub regions: Marks,
    /// The words of its page.
    pub written: &'static Written,
}

impl Instruction {
    /// Whether its execution need not be observed, unless every instruction of the CPU is.
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

    /// Whether it is a vector, at which an exception can arrive: the 16 vectors are 128 bytes each.
    pub fn may_be_vector(&self) -> bool {
        self.address.is_multiple_of(0x80)
    }
}
