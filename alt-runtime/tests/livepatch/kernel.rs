//! A kernel on the host: its text is a buffer, its CPUs and threads are what the test says.

use std::alloc::{self, alloc, dealloc};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use alt_runtime::cap::{Cap, CapInfo, CapSet, CapTable};
use alt_runtime::livepatch::format::{HookKind, Id};
use alt_runtime::livepatch::{
    Block, BuildId, Frame, Hook, Kernel, Layout, PayloadMemory, Rights, RunningImage, Stack,
    StackSearch, Stacks, StoppedCpus, Who,
};
use alt_runtime::patch::{Decision, WritableAlias};
use alt_runtime::region::{Table, Words};
use alt_runtime::rendezvous::{Rendezvous, StopError, Stopped};
use alt_runtime::{Callback, CallbackError, Insn, Maintenance, Site};
use test_support::payload::Payload;

/// Where the text of the image runs.
pub const TEXT: u64 = 0xffff_8000_0800_0000;
/// Words of the text.
pub const LEN: usize = 1024;
/// Where payloads run, unless the test says otherwise.
pub const PAYLOADS: u64 = TEXT + 0x100_0000;
/// Where the callbacks are.
pub const CALLBACKS: u64 = TEXT + 0x8_0000;
/// The build id's note: before the text.
pub const ANCHOR: u64 = TEXT - 0x100;
pub const IMAGE: Id = [0xab; 20];

/// Bytes of a function: function `n` is at `TEXT + n * FUNCTION`.
pub const FUNCTION: u32 = 0x40;

/// `ret`
pub const RET: u32 = 0xd65f_03c0;
/// `bti c`
pub const BTI_C: u32 = 0xd503_245f;
pub const NOP: u32 = 0xd503_201f;

/// `mov w0, #value`
pub const fn mov(value: u32) -> u32 {
    0x5280_0000 | value << 5
}

/// The offset of function `n` from the anchor, and its size.
pub const fn old(n: u32) -> (i32, u32) {
    ((TEXT - ANCHOR) as i32 + (n * FUNCTION) as i32, FUNCTION)
}

/// The address of function `n`.
pub const fn address(n: u32) -> u64 {
    TEXT + (n * FUNCTION) as u64
}

/// A payload that makes function `n`, for each `n`, return `value`.
pub fn patch(id: u8, functions: &[u32], value: u32) -> Payload {
    let mut payload = Payload::new(id, IMAGE);
    for n in functions {
        let name = format!("kernel::function_{n}");
        payload.function(&name, old(*n), &[mov(*n)], &[mov(value), RET]);
    }
    payload
}

/// The branch from the entry of function `n` to an address.
pub fn branch(n: u32, to: u64) -> u32 {
    Insn::branch(address(n), to).unwrap().0
}

pub static CAPS: CapTable = alt_runtime::cap_table!(&INFOS);
const INFOS: [CapInfo; 1] = [CapInfo::new(Cap::new(0, true), "A")];

fn forty_two(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words[0] = Insn(mov(42));
    Ok(())
}
static CALLBACK: [Callback; 1] = [Callback::new("FORTY_TWO", forty_two)];

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Allocate,
    Protect,
    Free,
    Stop,
    Release,
    Commit,
    Hook(u8, HookKind),
}

pub type Log = Rc<RefCell<Vec<Event>>>;

/// The kernel.
pub struct Fake {
    text: *mut u32,
    blocks: Vec<(Block, alloc::Layout)>,
    pub layouts: Vec<Layout>,
    /// The next payload's address.
    pub next: u64,
    /// What is added to the pointer of a block.
    pub misaligned: usize,
    pub has_cap: bool,
    pub log: Log,
    /// Hooks that refuse, by payload and kind, and how.
    pub refusing: Vec<(u8, HookKind, u32)>,
    pub no_memory: bool,
    pub cannot_protect: bool,
    pub cannot_open: bool,
    /// The alias shows what is written at these addresses only.
    pub alias: Alias,
    pub missing: Option<usize>,
    pub cpus: Vec<(usize, Frame)>,
    pub this_cpu: Frame,
    pub threads: Vec<(u64, Frame)>,
    pub stacks: Vec<(Who, u64, Vec<u64>)>,
    pub shadow_stacks: Vec<(Who, Vec<u64>)>,
    pub search: StackSearch,
    pub bottom: Option<u64>,
    /// A rendezvous with threads that act as CPUs, with their numbers.
    pub rendezvous: Option<(&'static Rendezvous<4>, Vec<usize>)>,
}

/// What the writable alias is.
#[derive(Clone, PartialEq, Eq)]
pub enum Alias {
    /// The text.
    Right,
    /// Other memory, except for the words at these addresses, which will be the given ones.
    Wrong(Vec<(u64, u32)>),
}

impl Fake {
    pub fn new() -> Self {
        let layout = alloc::Layout::array::<u32>(LEN).unwrap();
        // SAFETY: the layout is not empty; every word is written before it is read.
        let text = unsafe {
            let text = alloc(layout).cast::<u32>();
            for index in 0..LEN {
                text.add(index).write(RET);
            }
            text
        };
        let fake = Self {
            text,
            blocks: Vec::new(),
            layouts: Vec::new(),
            next: PAYLOADS,
            misaligned: 0,
            has_cap: true,
            log: Log::default(),
            refusing: Vec::new(),
            no_memory: false,
            cannot_protect: false,
            cannot_open: false,
            alias: Alias::Right,
            missing: None,
            cpus: Vec::new(),
            this_cpu: Frame::default(),
            threads: Vec::new(),
            stacks: Vec::new(),
            shadow_stacks: Vec::new(),
            search: StackSearch::FrameRecords,
            bottom: None,
            rendezvous: None,
        };
        for n in 0..(LEN as u32 * 4 / FUNCTION) {
            fake.set(address(n), mov(n));
        }
        fake
    }

    fn word(&self, at: u64) -> &AtomicU32 {
        let index = (at - TEXT) as usize / 4;
        assert!(index < LEN);
        // SAFETY: inside; the text is accessed by atomics only.
        unsafe { AtomicU32::from_ptr(self.text.add(index)) }
    }

    /// The word of the image at an address.
    pub fn get(&self, at: u64) -> u32 {
        self.word(at).load(Ordering::Relaxed)
    }

    pub fn set(&self, at: u64, word: u32) {
        self.word(at).store(word, Ordering::Relaxed);
    }

    /// All words of the image.
    pub fn text(&self) -> Vec<u32> {
        (0..LEN as u64).map(|n| self.get(TEXT + 4 * n)).collect()
    }

    /// The bytes of a payload's memory at an address.
    pub fn memory(&self, at: u64, len: usize) -> Vec<u8> {
        let inside = |block: &&(Block, alloc::Layout)| {
            at >= block.0.address && at - block.0.address + len as u64 <= block.1.size() as u64
        };
        let (block, _) = self.blocks.iter().find(inside).expect("no such memory");
        let start = block.pointer.wrapping_add((at - block.address) as usize);
        // SAFETY: inside, and nothing writes now.
        unsafe { std::slice::from_raw_parts(start, len) }.to_vec()
    }

    /// A word of a payload's memory.
    pub fn payload_word(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.memory(at, 4).try_into().unwrap())
    }

    /// Number of blocks that are not freed.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The hooks that were called, in order.
    pub fn hooks(&self) -> Vec<(u8, HookKind)> {
        let log = self.log.borrow();
        let hook = |event: &Event| match event {
            Event::Hook(id, kind) => Some((*id, *kind)),
            _ => None,
        };
        log.iter().filter_map(hook).collect()
    }

    fn note(&self, event: Event) {
        self.log.borrow_mut().push(event);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        for (block, layout) in self.blocks.drain(..) {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(block.pointer.wrapping_sub(self.misaligned), layout) };
        }
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.text.cast(), alloc::Layout::array::<u32>(LEN).unwrap()) };
    }
}

// SAFETY: each block is memory of its own until it is freed.
unsafe impl PayloadMemory for Fake {
    type MemoryError = &'static str;

    const PAGE: u64 = 4096;

    fn allocate(&mut self, layout: &Layout, near: Range<u64>) -> Result<Block, &'static str> {
        self.note(Event::Allocate);
        assert_eq!(near, TEXT..TEXT + 4 * LEN as u64);
        if self.no_memory {
            return Err("no memory");
        }
        let size = layout.size() as usize;
        let memory = alloc::Layout::from_size_align(size + self.misaligned, 4096).unwrap();
        // SAFETY: not empty.
        let pointer = unsafe { alloc(memory) };
        // Not zeros, as memory that was used before.
        // SAFETY: just allocated.
        unsafe { pointer.write_bytes(0xa5, memory.size()) };
        let block = Block {
            address: self.next,
            pointer: pointer.wrapping_add(self.misaligned),
        };
        self.next += layout.size().next_multiple_of(0x1_0000);
        self.blocks.push((block, memory));
        Ok(block)
    }

    fn protect(&mut self, _: &Block, layout: &Layout) -> Result<(), &'static str> {
        self.note(Event::Protect);
        let mut end = 0;
        for part in layout.parts() {
            assert!(part.range.start >= end && part.range.start.is_multiple_of(Self::PAGE));
            end = part.range.end.next_multiple_of(Self::PAGE);
        }
        let executable = |part: &&alt_runtime::livepatch::Part| part.rights == Rights::ReadExecute;
        assert_eq!(layout.parts().filter(executable).count(), 1);
        self.layouts.push(layout.clone());
        match self.cannot_protect {
            true => Err("cannot protect"),
            false => Ok(()),
        }
    }

    fn free(&mut self, block: Block, layout: &Layout) {
        self.note(Event::Free);
        let index = self.blocks.iter().position(|(it, _)| *it == block);
        let (block, memory) = self.blocks.remove(index.expect("freed twice"));
        assert_eq!(memory.size() - self.misaligned, layout.size() as usize);
        // SAFETY: allocated with this layout.
        unsafe { dealloc(block.pointer.wrapping_sub(self.misaligned), memory) };
    }
}

/// The other CPUs, stopped.
pub enum Held {
    Fake(Vec<(usize, Frame)>, Log),
    Threads(Stopped<'static, 4>),
}

impl StoppedCpus for Held {
    fn frames(&self) -> impl Iterator<Item = (usize, Frame)> {
        match self {
            Self::Fake(frames, _) => frames.clone(),
            Self::Threads(stopped) => stopped.frames().collect(),
        }
        .into_iter()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Fake(_, log) = self {
            log.borrow_mut().push(Event::Release);
        }
    }
}

// SAFETY: nothing executes the text.
unsafe impl Stacks for Fake {
    type Stopped = Held;

    fn stop(&mut self) -> Result<Held, StopError> {
        self.note(Event::Stop);
        if let Some(cpu) = self.missing {
            return Err(StopError::Missing { cpu });
        }
        match &self.rendezvous {
            Some((rendezvous, cpus)) => {
                let begin = std::time::Instant::now();
                let now = || begin.elapsed().as_millis() as u64;
                let stopped = rendezvous.stop_all(cpus.clone(), || (), now, 60_000)?;
                Ok(Held::Threads(stopped))
            }
            None => Ok(Held::Fake(self.cpus.clone(), self.log.clone())),
        }
    }

    fn this_cpu(&self) -> (usize, Frame) {
        (0, self.this_cpu)
    }

    fn sleeping(&self, visit: &mut dyn FnMut(u64, Frame)) {
        for (thread, frame) in &self.threads {
            visit(*thread, *frame);
        }
    }

    fn stack(&self, who: Who, address: u64) -> Option<Stack<'_>> {
        let mut stacks = self.stacks.iter().filter(|(owner, ..)| *owner == who);
        stacks.find_map(|(_, start, words)| {
            let stack = Stack::new(*start, words);
            stack.range().contains(&address).then_some(stack)
        })
    }

    fn shadow_stack(&self, who: Who) -> Option<Stack<'_>> {
        let mut stacks = self.shadow_stacks.iter();
        let (_, words) = stacks.find(|(owner, _)| *owner == who)?;
        Some(Stack::new(0x10_0000, words))
    }

    fn search(&self, _: Who) -> StackSearch {
        self.search
    }

    fn is_bottom(&self, return_address: u64) -> bool {
        self.bottom == Some(return_address)
    }
}

/// The alias of the text, or of a copy.
pub struct FakeAlias {
    text: *mut u32,
    log: Log,
    cannot_open: bool,
    alias: Alias,
    copy: Vec<u32>,
}

// SAFETY: the pointer is to the text, or to other memory of the same size in a test of the read-back.
unsafe impl WritableAlias for FakeAlias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, &'static str> {
        assert_eq!(text.start, TEXT);
        if self.cannot_open {
            return Err("cannot open");
        }
        self.log.borrow_mut().push(Event::Commit);
        let Alias::Wrong(right) = &self.alias else {
            return Ok(self.text);
        };
        // A mapping with one page of the text and one other page. In the page of the text, a write is
        // visible at once, so the words to be written are there already.
        self.copy = (0..LEN)
            // SAFETY: inside.
            .map(|index| unsafe { self.text.add(index).read() })
            .collect();
        for (at, word) in right {
            // SAFETY: inside.
            unsafe { self.text.add((at - TEXT) as usize / 4).write(*word) };
        }
        Ok(self.copy.as_mut_ptr())
    }

    fn close(&mut self) {
        if let Alias::Wrong(right) = &self.alias {
            for (at, _) in right {
                let index = (at - TEXT) as usize / 4;
                // SAFETY: inside.
                unsafe { self.text.add(index).write(self.copy[index]) };
            }
            // What has been restored, the whole mapping shows.
            for index in 0..LEN {
                // SAFETY: inside.
                assert_eq!(unsafe { self.text.add(index).read() }, self.copy[index]);
            }
        }
    }
}

// SAFETY: nothing executes the text, and only the loader changes it, apart from the test.
unsafe impl Kernel for Fake {
    type AliasError = &'static str;

    fn image(&self) -> RunningImage {
        // SAFETY: the text lives as long as the kernel, which outlives each operation.
        let words = unsafe { Words::from_raw(TEXT, self.text, LEN) };
        RunningImage {
            text: words.into(),
            callbacks: Table::new(CALLBACKS, &CALLBACK),
            build_id: BuildId {
                anchor: ANCHOR,
                id: IMAGE,
            },
        }
    }

    fn decision(&self) -> Decision<'_> {
        Decision {
            table: &CAPS,
            present: match self.has_cap {
                true => &CapSet::ALL,
                false => &CapSet::EMPTY,
            },
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

    fn alias(&mut self) -> impl WritableAlias<Error = &'static str> {
        FakeAlias {
            text: self.text,
            log: self.log.clone(),
            cannot_open: self.cannot_open,
            alias: self.alias.clone(),
            copy: Vec::new(),
        }
    }

    unsafe fn call(&mut self, hook: Hook<'_>) -> u32 {
        let id = hook.payload[0];
        assert!(!hook.name.is_empty());
        self.note(Event::Hook(id, hook.kind));
        let mut refusing = self.refusing.iter();
        refusing
            .find(|(payload, kind, _)| (*payload, *kind) == (id, hook.kind))
            .map_or(0, |(_, _, code)| *code)
    }
}
