//! The kernel as the loader of alt-runtime sees it.

use core::ops::Range;

use alt_runtime::boot::Finalised;
use alt_runtime::livepatch::{
    Block, BuildId, Hook, Kernel, Layout, PayloadMemory, RunningImage, Stack, Stacks, Who,
};
use alt_runtime::patch::{Decision, WritableAlias};
use alt_runtime::region::Table;
use alt_runtime::rendezvous::{Frame, StopError};
use alt_runtime::{Callback, Maintenance, region::Words};
use defmt::info;

use super::backtrace;
use super::cpus::Cpus;
use super::memory::{Memory, MemoryError};
use crate::hyp;
use crate::platform::alias::Alias;
use crate::platform::{exceptions, image};

/// This kernel, after its last pass.
pub struct Host {
    system: &'static Finalised,
    image: RunningImage,
    memory: Memory,
    cpus: Cpus,
}

/// The kernel as the loader requires it; `None` if the image has no build id.
pub fn start(system: &'static Finalised) -> Option<Host> {
    exceptions::set_backtrace(backtrace::log);
    // SAFETY: read-only data, which is mapped.
    let build_id = unsafe { BuildId::of_image() }?;
    // The hypervisor's text is after the kernel's. A payload does not replace its functions.
    let text = image::resident_text().start..hyp::variant::all_text().start;
    // SAFETY: the text is mapped as long as the kernel runs.
    let words =
        unsafe { Words::from_raw(text.start as u64, text.start as *const u32, text.len() / 4) };
    let image = RunningImage {
        text: words.into(),
        callbacks: callbacks(),
        build_id,
    };
    Some(Host {
        system,
        image,
        memory: Memory::new(),
        cpus: Cpus,
    })
}

/// The callbacks, which are resident.
fn callbacks() -> Table<'static, Callback> {
    unsafe extern "C" {
        static __start_alt_callbacks: u8;
        static __stop_alt_callbacks: u8;
    }
    let (start, stop) = (
        (&raw const __start_alt_callbacks).cast::<Callback>(),
        (&raw const __stop_alt_callbacks).cast::<Callback>(),
    );
    let len = (stop.addr() - start.addr()) / size_of::<Callback>();
    // SAFETY: the linker bounds the section, which nothing writes to.
    Table::new(start.addr() as u64, unsafe {
        core::slice::from_raw_parts(start, len)
    })
}

// SAFETY: as for `Memory`.
unsafe impl PayloadMemory for Host {
    type MemoryError = MemoryError;

    const PAGE: u64 = Memory::PAGE;

    fn allocate(&mut self, layout: &Layout, near: Range<u64>) -> Result<Block, MemoryError> {
        self.memory.allocate(layout, near)
    }

    fn protect(&mut self, block: &Block, layout: &Layout) -> Result<(), MemoryError> {
        self.memory.protect(block, layout)
    }

    fn free(&mut self, block: Block, layout: &Layout) {
        self.memory.free(block, layout);
    }
}

// SAFETY: as for `Cpus`.
unsafe impl Stacks for Host {
    type Stopped = <Cpus as Stacks>::Stopped;

    fn stop(&mut self) -> Result<Self::Stopped, StopError> {
        self.cpus.stop()
    }

    fn this_cpu(&self) -> (usize, Frame) {
        self.cpus.this_cpu()
    }

    fn sleeping(&self, visit: &mut dyn FnMut(u64, Frame)) {
        self.cpus.sleeping(visit);
    }

    fn stack(&self, who: Who, address: u64) -> Option<Stack<'_>> {
        self.cpus.stack(who, address)
    }

    fn is_bottom(&self, return_address: u64) -> bool {
        self.cpus.is_bottom(return_address)
    }
}

// SAFETY: the last pass is over, and there is no further one; the maintenance is that of all CPUs;
// this kernel does not preempt.
unsafe impl Kernel for Host {
    type AliasError = &'static str;

    fn image(&self) -> RunningImage {
        self.image
    }

    fn decision(&self) -> Decision<'_> {
        self.system.decision()
    }

    fn maintenance(&self) -> Maintenance {
        self.system.maintenance()
    }

    fn alias(&mut self) -> impl WritableAlias<Error = Self::AliasError> {
        Alias
    }

    unsafe fn call(&mut self, hook: Hook<'_>) -> u32 {
        // SAFETY: the loader's promise: a function of a payload that it has loaded.
        let function: extern "C" fn() -> u32 =
            unsafe { core::mem::transmute(hook.address as *const ()) };
        let result = function();
        info!(
            "livepatch hook {} of {=str}: {=u32}",
            defmt::Debug2Format(&hook.kind),
            hook.name,
            result
        );
        result
    }
}
