//! Each operand kind, option and clobber, as in `asm!`: each function comes three
//! times, with `alternative!` and with the `asm!` of either variant. No two are alike, or
//! the optimiser makes them one.

#![no_std]
#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn)]

use alt_runtime::{alternative, cap::Cap};
use core::arch::asm;

const LSE: Cap = Cap::new(3, true);

/// What `sym` operands name.
#[unsafe(no_mangle)]
pub extern "C" fn callee() {}

static DATUM: u64 = 7;

macro_rules! triplet {
    (
        $name:ident($($args:tt)*) $(-> $ret:ty)? { $($before:tt)* }
        [$($default:tt)*] [$($arm:tt)*] [$($operands:tt)*] $($result:expr)?
    ) => {
        triplet!(@ stringify!($name), $name($($args)*) $(-> $ret)?, {
            $($before)*
            alternative!($($default)*, LSE => $($arm)*, $($operands)*);
            $($result)?
        });
        /// The variants, by `asm!` alone.
        pub mod $name {
            use super::*;
            triplet!(@ concat!(stringify!($name), ".default"), default($($args)*) $(-> $ret)?, {
                $($before)*
                asm!($($default)*, $($operands)*);
                $($result)?
            });
            triplet!(@ concat!(stringify!($name), ".arm"), arm($($args)*) $(-> $ret)?, {
                $($before)*
                asm!($($arm)*, $($operands)*);
                $($result)?
            });
        }
    };
    (@ $symbol:expr, $name:ident($($args:tt)*) $(-> $ret:ty)?, $body:block) => {
        /// # Safety
        /// None: never called.
        #[unsafe(export_name = $symbol)]
        #[allow(unreachable_code, unused_variables)]
        pub unsafe extern "C" fn $name($($args)*) $(-> $ret)? {
            // SAFETY: never called.
            unsafe { $body }
        }
    };
}

triplet!(input(a: u64, b: u32) {}
    ["msr tpidr_el0, {a}", "msr tpidrro_el0, {b:x}"] ["msr tpidr_el0, {b:x} // {a}"]
    [a = in(reg) a, b = in(reg) b]);
triplet!(output() -> u64 { let x; }
    ["mrs {x}, cntvct_el0"] ["mrs {x}, cntpct_el0"] [x = out(reg) x] x);
triplet!(late_output(a: u64) -> u64 { let x; }
    ["add {x}, {a}, 1"] ["sub {x}, {a}, 1"] [a = in(reg) a, x = lateout(reg) x] x);
triplet!(in_out(mut x: u64) -> u64 {}
    ["neg {x}, {x}"] ["mvn {x}, {x}"] [x = inout(reg) x] x);
triplet!(in_to_out(a: u64) -> u64 { let x; }
    ["neg {x}, {x}", "nop"] ["mvn {x}, {x}"] [x = inout(reg) a + 1 => x] x);
triplet!(in_late_out(mut x: u64, y: u64) -> u64 {}
    ["add {x}, {x}, {y}"] ["sub {x}, {x}, {y}"] [x = inlateout(reg) x, y = in(reg) y] x);
triplet!(in_to_late_out(a: u64, y: u64) -> u64 { let x; }
    ["and {x}, {x}, {y}"] ["orr {x}, {x}, {y}"] [x = inlateout(reg) a => x, y = in(reg) y] x);
triplet!(clobbered(a: u64) {}
    ["mov {t}, {a}", "mov {u}, {t}", "msr tpidr_el0, {u}"] ["msr tpidr_el0, {a} // {t} {u}"]
    [a = inout(reg) a => _, t = out(reg) _, u = lateout(reg) _]);
triplet!(positional(a: u64, b: u64) -> u64 { let x; }
    ["add {}, {}, {}"] ["sub {0}, {1}, {2}"] [out(reg) x, in(reg) a, in(reg) b] x);
triplet!(positional_and_named(a: u64, b: u64) -> u64 { let x; }
    ["add {0}, {a}, x9"] ["sub {0}, {a}, x9"] [lateout(reg) x, a = in(reg) a, in("x9") b] x);
triplet!(explicit(a: u64, b: u64) -> u64 { let x: u64; }
    ["eor x1, x1, x0", "add x1, x1, x2"] [".arch_extension lse", "ldadd x0, x1, [x2]"]
    [in("x0") a, inout("x1") b => x, inlateout("x2") 0u64 => _, lateout("x3") _] x);
triplet!(widths(a: u32, b: u8) -> u32 { let x; }
    ["add {x:w}, {a:w}, {b:w}"] ["sub {x:w}, {a:w}, {b:w}"]
    [x = out(reg) x, a = in(reg) a, b = in(reg) b as u32] x);
triplet!(floats(a: f64, b: f64) -> f64 { let x; }
    ["fadd {x:d}, {a:d}, {b:d}"] ["fsub {x:d}, {a:d}, {b:d}"]
    [x = lateout(vreg) x, a = in(vreg) a, b = in(vreg) b] x);
triplet!(constants() -> u64 { const N: u64 = 40; let x; }
    ["mov {x}, {n}", "add {x}, {x}, {}"] ["mov {x}, {n} + {0}"]
    [const 2, x = out(reg) x, n = const N + 1] x);
triplet!(symbols() -> u64 { let x: u64; }
    ["bl {f}", "adrp x0, {d}", "add x0, x0, :lo12:{d}"] ["adrp x0, {d}", "b {f}"]
    [f = sym callee, d = sym DATUM, out("x0") x, clobber_abi("C")] x);
triplet!(calls(a: u64) -> u64 { let x; }
    ["blr x8"] ["br x8"] [in("x8") callee as *const (), inout("x0") a => x, clobber_abi("C")] x);
triplet!(read_only(p: *const u64) -> u64 { let x; }
    ["ldr {x}, [{p}]"] ["ldar {x}, [{p}]"]
    [p = in(reg) p, x = lateout(reg) x, options(nostack, readonly, preserves_flags)] x);
triplet!(no_memory(a: u64) -> u64 { let x; }
    ["rbit {x}, {a}"] ["rev {x}, {a}"]
    [a = in(reg) a, x = lateout(reg) x, options(nomem, nostack), options(preserves_flags)] x);
triplet!(never_returns(a: u64) -> ! {}
    ["smc #0", "b ."] ["hvc #0", "b ."] [in("x0") a, options(noreturn)]);
triplet!(raw() {}
    ["nop // }{", "nop"] ["yield // {x}"] [options(raw, nomem)]);
triplet!(escaped() {}
    ["nop // {{}}"] ["yield // {{"] [options(nomem)]);
triplet!(concatenated(a: u64) {}
    [concat!("msr tpidr_", "el0, {a}"), "nop"] ["nop", concat!("msr tpidr", "_el0, {a}")]
    [a = in(reg) a]);
triplet!(many_lines(mut a: u64) -> u64 {}
    ["2: sub {a}, {a}, 1\n cbnz {a}, 2b\n", "nop; nop"] ["2:", "sub {a}, {a}, 1; cbnz {a}, 2b"]
    [a = inout(reg) a] a);
triplet!(keyword_names(r#in: u64) -> u64 { let x; }
    ["add {out}, {in}, 1"] ["sub {out}, {in}, 1"] [in = in(reg) r#in, out = out(reg) x] x);
triplet!(to_label(a: u64) -> u64 {}
    ["cbz {a}, {zero}"] ["cbnz {a}, {zero}"] [a = in(reg) a, zero = label { return 1 }] 2);
triplet!(options_first(a: u64) {}
    ["msr tpidr_el0, {a}"] ["nop // {a}"] [options(nomem), a = in(reg) a]);
