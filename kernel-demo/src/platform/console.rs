//! The console: defmt frames over the UART, from any CPU and from interrupt handlers; panics.

use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{DAIF, MPIDR_EL1, Readable, Writeable};
use arm_pl011_uart::{
    DataBits, LineConfig, PL011Registers, Parity, StopBits, Uart, UniqueMmioPointer,
};
use critical_section::RawRestoreState;

use super::board::{UART, UART_CLOCK};
use super::outcome::Outcome;

struct Logger {
    encoder: UnsafeCell<defmt::Encoder>,
    uart: UnsafeCell<Option<Uart<'static>>>,
    restore: UnsafeCell<Option<critical_section::RestoreState>>,
}

// SAFETY: the cells are used only between `acquire` and `release`, in a critical section.
unsafe impl Sync for Logger {}

static LOGGER: Logger = Logger {
    encoder: UnsafeCell::new(defmt::Encoder::new()),
    uart: UnsafeCell::new(None),
    restore: UnsafeCell::new(None),
};

/// Sets the UART up. Log frames sent before this are dropped.
pub fn init() {
    let base = NonNull::new(UART as *mut PL011Registers).expect("not null");
    // SAFETY: the UART is mapped as device memory, and this is its only owner.
    let mut uart = Uart::new(unsafe { UniqueMmioPointer::new(base) });
    let line = LineConfig {
        data_bits: DataBits::Bits8,
        parity: Parity::None,
        stop_bits: StopBits::One,
    };
    uart.enable(line, 115_200, UART_CLOCK)
        .expect("a valid baud rate");
    critical_section::with(|_| {
        // SAFETY: in a critical section.
        unsafe { *LOGGER.uart.get() = Some(uart) };
    });
}

fn send(bytes: &[u8]) {
    // SAFETY: defmt calls this between `acquire` and `release`.
    if let Some(uart) = unsafe { &mut *LOGGER.uart.get() } {
        for byte in bytes {
            while uart.is_tx_fifo_full() {}
            uart.write_word(*byte);
        }
    }
}

#[defmt::global_logger]
struct Global;

// SAFETY: the critical section excludes other CPUs and interrupts, and defmt does not nest frames.
unsafe impl defmt::Logger for Global {
    fn acquire() {
        // SAFETY: `release` releases it; defmt calls that exactly once afterwards.
        let restore = unsafe { critical_section::acquire() };
        // SAFETY: in a critical section.
        unsafe {
            *LOGGER.restore.get() = Some(restore);
            (*LOGGER.encoder.get()).start_frame(send);
        }
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: in the critical section of `acquire`, which ends here.
        unsafe {
            (*LOGGER.encoder.get()).end_frame(send);
            if let Some(restore) = (*LOGGER.restore.get()).take() {
                critical_section::release(restore);
            }
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: in the critical section of `acquire`.
        unsafe { (*LOGGER.encoder.get()).write(bytes, send) };
    }
}

/// The CPU in the critical section: its affinity + 1, or 0 for no CPU.
static OWNER: AtomicU64 = AtomicU64::new(0);
/// Flag in a restore state: the CPU was in the section already.
const NESTED: u64 = 1 << 63;

struct CriticalSection;
critical_section::set_impl!(CriticalSection);

// SAFETY: interrupts are masked and the owner word admits one CPU at a time.
unsafe impl critical_section::Impl for CriticalSection {
    unsafe fn acquire() -> RawRestoreState {
        let daif = DAIF.get();
        DAIF.write(DAIF::D::Masked + DAIF::A::Masked + DAIF::I::Masked + DAIF::F::Masked);
        let me = (MPIDR_EL1.get() & 0xff_00ff_ffff) + 1;
        if OWNER.load(Ordering::Relaxed) == me {
            return daif | NESTED;
        }
        while OWNER
            .compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            core::hint::spin_loop();
        }
        daif
    }

    unsafe fn release(restore: RawRestoreState) {
        if restore & NESTED == 0 {
            OWNER.store(0, Ordering::Release);
            DAIF.set(restore);
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    defmt::error!("panic: {}", defmt::Display2Format(info));
    Outcome::default().fail()
}
