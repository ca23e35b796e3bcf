//! A livepatch payload: loaded, applied, reverted and unloaded in a kernel that executes nothing.

use std::alloc::{Layout as Memory, alloc, dealloc};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use alt_runtime::Maintenance;
use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::livepatch::{
    Block, BuildId, Frame, Hook, Kernel, Layout, Livepatch, PayloadMemory, RunningImage, Stack,
    Stacks, StoppedCpus, Who,
};
use alt_runtime::patch::{Decision, WritableAlias};
use alt_runtime::region::{Table, Words};
use alt_runtime::rendezvous::StopError;

/// The image of the seeds: where its text and its build id are, and which that is.
const TEXT: u64 = 0xffff_8000_0800_0000;
const LEN: usize = 1024;
const BUILD_ID: BuildId = BuildId {
    anchor: TEXT - 0x100,
    id: [0xab; 20],
};

/// A payload that takes more is refused: an input is to cost no more memory than it is long.
const MOST: u64 = 1 << 20;

static CAPS: CapTable = alt_runtime::cap_table!(&[CapInfo::new(Cap::new(0, true), "A")]);

/// Reads data that may be a payload.
pub fn payload(data: &[u8]) {
    let (livepatch, mut kernel) = (Livepatch::<1>::new(), NoCpu::new());
    // SAFETY: nothing executes it.
    let loaded = unsafe { livepatch.load(&mut kernel, data) };
    assert_eq!(loaded.is_ok(), kernel.block.is_some());
    let id = match loaded {
        Ok(id) => id,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says something");
            return;
        }
    };
    livepatch.list(|status| assert!(!status.name.is_empty()));
    let text = kernel.words();
    match livepatch.apply(&mut kernel, &id) {
        Ok(_) => {
            let reverted = livepatch.revert(&mut kernel, &id);
            assert!(reverted.is_ok(), "{reverted:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
    }
    assert_eq!(kernel.words(), text, "the text is as before");
    assert_eq!(livepatch.unload(&mut kernel, &id), Ok(()));
    assert!(kernel.block.is_none(), "nothing is kept");
}

/// A kernel whose text is a buffer.
struct NoCpu {
    text: *mut u32,
    block: Option<(Block, Memory)>,
}

fn text_memory() -> Memory {
    Memory::array::<u32>(LEN).expect("small")
}

impl NoCpu {
    fn new() -> Self {
        // SAFETY: not empty.
        let text = unsafe { alloc(text_memory()) }.cast::<u32>();
        for index in 0..LEN as u32 {
            // `mov w0, #n` at the entry of function n, of 64 bytes, and `ret`.
            let word = match index % 16 {
                0 => 0x5280_0000 | (index / 16) << 5,
                _ => 0xd65f_03c0,
            };
            // SAFETY: inside.
            unsafe { text.add(index as usize).write(word) };
        }
        Self { text, block: None }
    }

    fn words(&self) -> Vec<u32> {
        let word = |index| {
            // SAFETY: inside, and accessed as atomics.
            unsafe { AtomicU32::from_ptr(self.text.add(index)) }.load(Ordering::Relaxed)
        };
        (0..LEN).map(word).collect()
    }
}

impl Drop for NoCpu {
    fn drop(&mut self) {
        // SAFETY: allocated like this.
        unsafe { dealloc(self.text.cast(), text_memory()) };
        if let Some((block, memory)) = self.block.take() {
            // SAFETY: as above.
            unsafe { dealloc(block.pointer, memory) };
        }
    }
}

// SAFETY: the block is memory of its own until it is freed.
unsafe impl PayloadMemory for NoCpu {
    type MemoryError = &'static str;

    const PAGE: u64 = 4096;

    fn allocate(&mut self, layout: &Layout, near: Range<u64>) -> Result<Block, &'static str> {
        if layout.size() > MOST {
            return Err("too large");
        }
        let memory = Memory::from_size_align(layout.size() as usize, 4096).expect("small");
        // SAFETY: not empty, since a payload has text.
        let pointer = unsafe { alloc(memory) };
        let address = near.end.next_multiple_of(Layout::ALIGN);
        let block = Block { address, pointer };
        assert!(self.block.replace((block, memory)).is_none());
        Ok(block)
    }

    fn protect(&mut self, _: &Block, _: &Layout) -> Result<(), &'static str> {
        Ok(())
    }

    fn free(&mut self, block: Block, _: &Layout) {
        let (found, memory) = self.block.take().expect("freed twice");
        assert_eq!(found, block);
        // SAFETY: allocated like this.
        unsafe { dealloc(block.pointer, memory) };
    }
}

/// No other CPUs.
struct Alone;

impl StoppedCpus for Alone {
    fn frames(&self) -> impl Iterator<Item = (usize, Frame)> {
        core::iter::empty()
    }
}

// SAFETY: nothing executes the text.
unsafe impl Stacks for NoCpu {
    type Stopped = Alone;

    fn stop(&mut self) -> Result<Alone, StopError> {
        Ok(Alone)
    }

    fn this_cpu(&self) -> (usize, Frame) {
        (0, Frame::default())
    }

    fn sleeping(&self, _: &mut dyn FnMut(u64, Frame)) {}

    fn stack(&self, _: Who, _: u64) -> Option<Stack<'_>> {
        None
    }
}

/// The text itself.
struct Same(*mut u32);

// SAFETY: the pointer is to the text.
unsafe impl WritableAlias for Same {
    type Error = Infallible;

    fn open(&mut self, _: Range<u64>) -> Result<*mut u32, Infallible> {
        Ok(self.0)
    }

    fn close(&mut self) {}
}

// SAFETY: nothing executes the text, and only the loader changes it.
unsafe impl Kernel for NoCpu {
    type AliasError = Infallible;

    fn image(&self) -> RunningImage {
        // SAFETY: the text lives as long as the kernel, which outlives each operation.
        let words = unsafe { Words::from_raw(TEXT, self.text, LEN) };
        RunningImage {
            text: words.into(),
            callbacks: Table::new(0, &[]),
            build_id: BUILD_ID,
        }
    }

    fn decision(&self) -> Decision<'_> {
        Decision {
            table: &CAPS,
            present: &CapSet::ALL,
            decided: &CapSet::ALL,
        }
    }

    fn maintenance(&self) -> Maintenance {
        Maintenance {
            data_line: 64,
            instruction_line: 64,
            no_clean: false,
            no_invalidate: false,
            invalidate_all: false,
            clean_to_coherency: false,
        }
    }

    fn alias(&mut self) -> impl WritableAlias<Error = Infallible> {
        Same(self.text)
    }

    unsafe fn call(&mut self, _: Hook<'_>) -> u32 {
        0
    }
}
