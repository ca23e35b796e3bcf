//! Reading the ID registers of this CPU.

use core::arch::asm;

use alt_cpu::{Register, for_each_register};

use crate::cap::IdRegs;

macro_rules! read_all {
    ($($register:ident ($op0:literal, $op1:literal, $crn:literal, $crm:literal, $op2:literal)
        $(if $if_register:ident.$if_field:ident >= $least:literal)? {
        $($fields:tt)*
    })*) => {
        impl IdRegs {
            /// Reads the ID registers of the CPU that executes this, and the exception level that
            /// it executes at: to be called at the level at which the kernel runs.
            ///
            /// The caller sees to it that it stays on one CPU meanwhile. Registers that the CPU
            /// does not implement are zero: so reads every unallocated encoding of the ID space,
            /// op0 = 3, op1 = 0, CRn = 0, CRm = 4 to 7 (Arm ARM DDI 0487, "Principles of the ID
            /// scheme"), and registers outside of it are read only where a field says that they
            /// [exist](Register::exists_if). Of `HCR_EL2`, which holds more than facts about the
            /// CPU, the named bits are kept. Registers are named by encoding since assemblers
            /// learn new names late.
            pub fn read() -> Self {
                let mut regs = Self::new();
                $({
                    let register = Register::$register;
                    if regs.has(register) {
                        let value: u64;
                        // SAFETY: the register exists, and reading it at EL1 or above has no side
                        // effect.
                        unsafe {
                            asm!(
                                concat!(
                                    "mrs {}, S", $op0, "_", $op1, "_C", $crn, "_C", $crm, "_", $op2
                                ),
                                out(reg) value,
                                options(nomem, nostack, preserves_flags),
                            );
                        }
                        let of_kernel = const { Register::$register.is_kernel_state() };
                        let bits = match of_kernel {
                            true => const { Register::$register.known_bits() },
                            false => u64::MAX,
                        };
                        regs.set(register, value & bits);
                    }
                })*
                regs
            }
        }
    };
}

for_each_register!(read_all);
