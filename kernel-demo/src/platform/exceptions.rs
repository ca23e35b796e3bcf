//! Exceptions taken from EL1, and the exception table: instructions that may fault, and where to
//! continue then.

use aarch64_cpu::registers::{ELR_EL1, ESR_EL1, FAR_EL1, Readable};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef};
use alt_runtime::rendezvous::Frame;
use defmt::error;
use spin::Once;

use super::interrupts;
use super::outcome::Outcome;

/// Logs the calls in progress.
static BACKTRACE: Once<fn(Frame)> = Once::new();

/// Has `log` called with the registers when an exception ends the kernel.
pub fn set_backtrace(log: fn(Frame)) {
    BACKTRACE.call_once(|| log);
}

struct Handlers;
aarch64_rt::exception_handlers!(Handlers);

impl ExceptionHandlers for Handlers {
    extern "C" fn irq_current(_: RegisterStateRef) {
        interrupts::handle();
    }

    extern "C" fn sync_current(mut state: RegisterStateRef) {
        let faulting = match ESR_EL1.read_as_enum(ESR_EL1::EC) {
            Some(ESR_EL1::EC::Value::DataAbortCurrentEL) => Some(state.elr),
            // A call to an address that is not executable: the BLR is the instruction in front of
            // the return address. aarch64-rt's field `sp` holds x30.
            Some(ESR_EL1::EC::Value::InstrAbortCurrentEL) => {
                Some((state.sp as usize).wrapping_sub(4))
            }
            _ => None,
        };
        if let Some(fixup) = faulting.and_then(fixup) {
            // SAFETY: the instruction has an entry, so the code there expects the fault.
            unsafe { state.get_mut().elr = fixup };
            return;
        }
        error!(
            "exception at {=u64:#x}: ESR_EL1={=u64:#x} FAR_EL1={=u64:#x}",
            ELR_EL1.get(),
            ESR_EL1.get(),
            FAR_EL1.get()
        );
        if let Some(backtrace) = BACKTRACE.get() {
            // The registers are on the stack of the interrupted code.
            let sp = (&raw const *state as u64) + size_of_val(&*state) as u64;
            backtrace(Frame {
                pc: state.elr as u64,
                // aarch64-rt's field `sp` holds x30.
                lr: state.sp,
                fp: state.fp,
                sp,
            });
        }
        Outcome::default().fail()
    }
}

/// An entry of the exception table: two addresses, each relative to the field that holds it.
#[repr(C)]
struct Entry {
    /// The instruction that may fault, at its address in the text.
    instruction: i32,
    /// Where to continue.
    fixup: i32,
}

// `kernel.ld` defines the bounds. Defaults and arms of alternatives have entries alike: an entry of
// a variant that is not in the text names an instruction that does not fault, or agrees with the
// entry of the variant that is.
unsafe extern "C" {
    static __start_ex_table: [Entry; 0];
    static __stop_ex_table: [Entry; 0];
}

/// The address at which to continue after a fault of the instruction at `pc`.
fn fixup(pc: usize) -> Option<usize> {
    let (mut entry, end) = (
        (&raw const __start_ex_table).cast::<Entry>(),
        (&raw const __stop_ex_table).cast::<Entry>(),
    );
    while entry < end {
        // SAFETY: the table is between the bounds, and nothing writes to it.
        let Entry { instruction, fixup } = unsafe { entry.read() };
        let address =
            |field: *const i32, distance: i32| field.addr().wrapping_add_signed(distance as isize);
        // SAFETY: the fields of that entry.
        let fields = unsafe { (&raw const (*entry).instruction, &raw const (*entry).fixup) };
        if address(fields.0, instruction) == pc {
            return Some(address(fields.1, fixup));
        }
        entry = entry.wrapping_add(1);
    }
    None
}
