#![no_std]
use alt_runtime::cap::Cap;
use alt_runtime::cpu_has_cap;

const LSE: Cap = Cap::new(0, true);

#[unsafe(no_mangle)]
pub fn function() -> u32 {
    if cpu_has_cap!(unlikely LSE) {
        return 1;
    }
    // More than 128 KiB.
    unsafe { core::arch::asm!(".rept 40000", "nop", ".endr") };
    0
}
