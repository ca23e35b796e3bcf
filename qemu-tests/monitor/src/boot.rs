//! The first instructions of each CPU, and the entry to and exit from the monitor.

use core::arch::global_asm;
use core::panic::PanicInfo;

use el2_monitor::layout::{MAX_CPUS, Reason};

use crate::frame::Frame;
use crate::{cpu, state, trap};

/// Bytes of stack for each CPU.
const STACK: usize = 32 << 10;

#[repr(C, align(4096))]
struct Stacks([[u8; STACK]; MAX_CPUS]);

#[unsafe(no_mangle)]
static mut monitor_stacks: Stacks = Stacks([[0; STACK]; MAX_CPUS]);

/// Blocks of 1 GiB, one to one: devices, and memory (Arm ARM D8.3.1).
#[repr(C, align(4096))]
struct Map([u64; 512]);

#[unsafe(no_mangle)]
static monitor_map: Map = Map({
    const BLOCK: u64 = 1 | 1 << 10 | 3 << 8;
    let mut map = [0; 512];
    map[0] = BLOCK | 1 << 54;
    map[1] = 0x4000_0000 | BLOCK | 1 << 2;
    map
});

global_asm!(
    ".pushsection .text.entry, \"ax\"",
    ".global monitor_entry",
    "monitor_entry: mov x0, xzr",
    // X0 is the number of the CPU.
    ".global monitor_secondary",
    "monitor_secondary:",
    "adrp x1, monitor_vectors",
    "add x1, x1, :lo12:monitor_vectors",
    "msr vbar_el2, x1",
    "msr tpidr_el2, x0",
    "adrp x1, monitor_stacks",
    "add x1, x1, :lo12:monitor_stacks",
    "add x2, x0, #1",
    "mov x3, #{stack}",
    "madd x1, x2, x3, x1",
    "mov sp, x1",
    // The monitor's own map: memory is Normal Write-Back, so that exclusives and unaligned
    // accesses work (Arm ARM B2.7.2).
    "mov x1, #0xff00",
    "msr mair_el2, x1",
    "ldr x1, =0x80823519",
    "msr tcr_el2, x1",
    "adrp x1, monitor_map",
    "msr ttbr0_el2, x1",
    "msr hcr_el2, xzr",
    // FP and SIMD are the guest's, and the monitor's compiler uses them as well.
    "mov x1, #0x22ff",
    "msr cptr_el2, x1",
    "isb",
    "tlbi alle2",
    "dsb sy",
    "ldr x1, =0x30c51835",
    "msr sctlr_el2, x1",
    "isb",
    "b monitor_main",

    // All general and vector registers.
    ".macro SAVE",
    "sub sp, sp, #800",
    "stp x0, x1, [sp]",
    ".irp n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28",
    "PAIR stp, x, \\n, 8, 0",
    ".endr",
    "mrs x0, elr_el2",
    "stp x30, x0, [sp, #240]",
    "mrs x0, spsr_el2",
    "mrs x1, fpcr",
    "stp x0, x1, [sp, #256]",
    "mrs x0, fpsr",
    "str x0, [sp, #272]",
    ".irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30",
    "PAIR stp, q, \\n, 16, 288",
    ".endr",
    ".endm",
    ".altmacro",
    ".macro PAIR op, kind, n, size, base",
    "PAIRS \\op, \\kind, \\n, %(\\n+1), %(\\n*\\size+\\base)",
    ".endm",
    ".macro PAIRS op, kind, a, b, at",
    "\\op \\kind\\a, \\kind\\b, [sp, #\\at]",
    ".endm",
    ".noaltmacro",

    ".balign 2048",
    "monitor_vectors:",
    ".irp from, 0,1,2,3,4,5,6,7",
    ".balign 128",
    "b monitor_stray",
    ".endr",
    // From AArch64 below.
    ".balign 128",
    "b monitor_lower",
    ".irp from, 9,10,11,12,13,14,15",
    ".balign 128",
    "b monitor_stray",
    ".endr",
    ".balign 128",
    "monitor_lower:",
    ".altmacro",
    "SAVE",
    ".noaltmacro",
    "mov x0, sp",
    "bl monitor_trap",
    "mov x0, sp",
    "b monitor_leave",
    "monitor_stray: b monitor_exception",

    // X0 is the frame.
    ".global monitor_leave",
    "monitor_leave:",
    "mov sp, x0",
    ".altmacro",
    ".irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30",
    "PAIR ldp, q, \\n, 16, 288",
    ".endr",
    "ldr x0, [sp, #272]",
    "msr fpsr, x0",
    "ldp x0, x1, [sp, #256]",
    "msr spsr_el2, x0",
    "msr fpcr, x1",
    "ldp x30, x0, [sp, #240]",
    "msr elr_el2, x0",
    ".irp n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28",
    "PAIR ldp, x, \\n, 8, 0",
    ".endr",
    ".noaltmacro",
    "ldp x0, x1, [sp]",
    "add sp, sp, #800",
    "eret",
    ".popsection",
    stack = const STACK,
);

unsafe extern "C" {
    /// Continues the guest.
    fn monitor_leave(frame: *mut Frame) -> !;
}

#[unsafe(no_mangle)]
extern "C" fn monitor_main(cpu: usize) -> ! {
    let mut frame = match cpu::start(cpu) {
        Ok(frame) => frame,
        Err(reason) => state::give_up(reason, 0),
    };
    // SAFETY: the frame is on this stack, which is left for good.
    unsafe { monitor_leave(&raw mut frame) }
}

#[unsafe(no_mangle)]
extern "C" fn monitor_trap(frame: &mut Frame) {
    trap::handle(frame);
}

/// An exception that the monitor itself caused, or of a kind that is never routed to it.
#[unsafe(no_mangle)]
extern "C" fn monitor_exception() -> ! {
    state::give_up(Reason::Exception, crate::registers::read!("elr_el2"))
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, |location| location.line());
    state::give_up(Reason::Panic, line.into())
}
