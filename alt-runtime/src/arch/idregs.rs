//! Reading the ID registers of this CPU.

use core::arch::asm;

use alt_idregs::{Register, for_each_register};

use crate::cap::IdRegs;

macro_rules! read_all {
    ($($register:ident ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal) {
        $($fields:tt)*
    })*) => {
        impl IdRegs {
            /// Reads the ID registers of the CPU that executes this.
            ///
            /// The caller sees to it that it stays on one CPU meanwhile. Registers that the CPU
            /// does not implement read as zero: so does every unallocated encoding of the ID
            /// space, op0 = 3, op1 = 0, CRn = 0, CRm = 4 to 7 (Arm ARM DDI 0487, "Principles of
            /// the ID scheme"), so that no register needs a test for its existence. They are
            /// named by encoding since assemblers learn new names late.
            pub fn read() -> Self {
                let mut regs = Self::new();
                $({
                    let value: u64;
                    // SAFETY: reading an ID register at EL1 or above has no side effect.
                    unsafe {
                        asm!(
                            concat!(
                                "mrs {}, S", $op0, "_", $op1, "_C", $crn, "_C", $crm, "_", $op2
                            ),
                            out(reg) value,
                            options(nomem, nostack, preserves_flags),
                        );
                    }
                    regs.set(Register::$register, value);
                })*
                regs
            }
        }
    };
}

for_each_register!(read_all);
