//! The calls in progress: where the CPUs and the sleeping threads have their stacks.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

use crate::rendezvous::{Frame, StopError, Stopped};

/// Whose calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Who {
    /// The code that the CPU with this number executes.
    Cpu(usize),
    /// A thread that no CPU executes, by the kernel's own number.
    Thread(u64),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu(cpu) => write!(f, "CPU {cpu}"),
            Self::Thread(thread) => write!(f, "thread {thread}"),
        }
    }
}

/// The memory of a stack: words of 8 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    address: u64,
    start: *const u64,
    len: usize,
    memory: PhantomData<&'a [u64]>,
}

impl<'a> Stack<'a> {
    /// The words of `memory`, which is at `address`, a multiple of 8.
    pub const fn new(address: u64, memory: &'a [u64]) -> Self {
        Self {
            address,
            start: memory.as_ptr(),
            len: memory.len(),
            memory: PhantomData,
        }
    }

    /// `len` words at `start`, which are at `address`, a multiple of 8.
    ///
    /// # Safety
    /// The words are mapped readable for `'a`, and `start` is a multiple of 8. They may be those of
    /// the stack in use.
    pub const unsafe fn from_raw(address: u64, start: *const u64, len: usize) -> Self {
        Self {
            address,
            start,
            len,
            memory: PhantomData,
        }
    }

    /// The addresses of the words.
    pub const fn range(&self) -> Range<u64> {
        self.address..self.address.wrapping_add(8 * self.len as u64)
    }

    /// The word at `address`; `None` outside, or if it is not a multiple of 8 from the first one.
    pub fn get(&self, address: u64) -> Option<u64> {
        let index = address.wrapping_sub(self.address).rotate_right(3);
        if index >= self.len as u64 {
            return None;
        }
        // SAFETY: `index` is inside. Volatile, since it may be a word of the stack in use.
        Some(unsafe { self.start.add(index as usize).read_volatile() })
    }

    /// The words at or after `address`, in this order.
    pub(super) fn words_from(&self, address: u64) -> impl Iterator<Item = u64> + use<'a> {
        let stack = *self;
        let skip = address.saturating_sub(self.address).div_ceil(8);
        let addresses = (skip..self.len as u64).map(move |index| stack.address + 8 * index);
        addresses.filter_map(move |address| stack.get(address))
    }
}

/// How to find the return addresses on a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackSearch {
    /// By the chain of frame records, which is exact if the kernel, with what it links, is compiled
    /// with `-C force-frame-pointers=yes`.
    FrameRecords,
    /// Every word from the stack pointer to the end of that stack. Finds all return addresses
    /// without frame records, and old ones that are not in use any more.
    EveryWord,
    /// By the shadow call stack alone, which is exact.
    ShadowStack,
}

/// Stops the other CPUs, and provides the stacks.
///
/// # Safety
/// - From the return of [`stop`](Self::stop) until the value is dropped, each other CPU that is
///   online waits in a [rendezvous](crate::rendezvous), and [`StoppedCpus::frames`] has a frame for
///   it. A CPU that comes online later executes an ISB, after its MMU is on, before it executes a
///   function of the image.
/// - [`sleeping`](Self::sleeping) visits every thread that is neither on this CPU nor on one of
///   the frames, and has executed anything.
/// - [`stack`](Self::stack) returns stacks whose words are those of the stack in use.
pub unsafe trait Stacks {
    /// The other CPUs while they are stopped.
    type Stopped: StoppedCpus;

    /// Stops all other CPUs, with a time-out: see
    /// [`Rendezvous::stop_all`](crate::rendezvous::Rendezvous::stop_all).
    ///
    /// # Errors
    /// A CPU is missing, or the CPUs are stopped already.
    fn stop(&mut self) -> Result<Self::Stopped, StopError>;

    /// Number and registers of this CPU, usually by [`here`].
    fn this_cpu(&self) -> (usize, Frame);

    /// Visits each thread that is not running, by number and registers. If a thread was interrupted,
    /// also with the registers at the interruption: code that is interrupted may not have stored its
    /// return address yet. Empty for a kernel without threads.
    fn sleeping(&self, visit: &mut dyn FnMut(u64, Frame));

    /// The stack of `who` that contains `address`; `None` if no stack of `who` does.
    fn stack(&self, who: Who, address: u64) -> Option<Stack<'_>>;

    /// The part of the shadow call stack of `who` that is in use; `None` without one. Its words
    /// are return addresses, which are checked in addition to those on the stack: lowest first.
    fn shadow_stack(&self, _who: Who) -> Option<Stack<'_>> {
        None
    }

    /// How the stacks of `who` are searched.
    fn search(&self, _who: Who) -> StackSearch {
        StackSearch::FrameRecords
    }

    /// Whether a frame record with this return address is the last one of a stack, although it does
    /// not name 0 as the next one: the address is in code that runs before anything has set x29.
    fn is_bottom(&self, _return_address: u64) -> bool {
        false
    }

    /// The address in a word on the stack, without its pointer authentication code.
    ///
    /// By default, XPACLRI on the target (a NOP without FEAT_PAuth), and a sign extension from bit
    /// 55 of addresses of 48 bits on a host.
    fn return_address(&self, word: u64) -> u64 {
        strip(word)
    }
}

/// The other CPUs while they are stopped. They continue when the value is dropped.
pub trait StoppedCpus {
    /// Number and registers of each.
    fn frames(&self) -> impl Iterator<Item = (usize, Frame)>;
}

impl<const N: usize> StoppedCpus for Stopped<'_, N> {
    fn frames(&self) -> impl Iterator<Item = (usize, Frame)> {
        self.frames()
    }
}

/// The registers of this CPU, as they are in the caller. On a host, all are 0.
// Inlined, so that the return address is in the caller.
#[inline(always)]
pub fn here() -> Frame {
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    {
        let mut registers = [0; 3];
        registers_of_caller(&mut registers);
        let [fp, lr, sp] = registers;
        Frame {
            // The caller continues at the address to which it was returned.
            pc: lr,
            lr,
            fp,
            sp,
        }
    }
    #[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
    Frame::default()
}

/// Stores x29, x30 and the stack pointer.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[unsafe(naked)]
extern "C" fn registers_of_caller(registers: &mut [u64; 3]) {
    core::arch::naked_asm!(
        "bti c",
        "stp x29, x30, [x0]",
        "mov x1, sp",
        "str x1, [x0, #16]",
        "ret",
    )
}

/// A word without its pointer authentication code.
fn strip(word: u64) -> u64 {
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    {
        let mut address = word;
        // SAFETY: changes x30 only. XPACLRI is HINT #7 (Arm ARM C6.2.401).
        unsafe {
            core::arch::asm!(
                "mov x30, {0}",
                "hint #7",
                "mov {0}, x30",
                inout(reg) address,
                out("x30") _,
                options(nomem, nostack, preserves_flags),
            );
        }
        address
    }
    #[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
    match word >> 55 & 1 {
        1 => word | !((1 << 48) - 1),
        _ => word & ((1 << 48) - 1),
    }
}
