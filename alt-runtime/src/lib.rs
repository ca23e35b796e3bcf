//! Boot-time code patching by CPU capability for arm64 kernels written in Rust.
//!
//! A kernel states, at the place that it concerns, which instructions to use if the CPU has a
//! capability; the macros record these *sites* in tables of the image. At boot, one pass detects the
//! capabilities from the ID registers and rewrites all sites, so that they cost nothing afterwards.
//!
//! ```
//! // The cpucaps of the kernel, from a file beside Cargo.toml: constants and a table.
//! mod cpucaps {
//!     alt_runtime::cpucaps!("cpucaps.toml");
//! }
//!
//! use alt_runtime::{alternative, cpu_has_cap};
//! use cpucaps::{LSE, SB};
//!
//! /// A speculation barrier: `sb` on CPUs that have it, else `dsb nsh; isb`.
//! fn speculation_barrier() {
//!     // SAFETY: both sequences are speculation barriers; neither accesses memory or registers.
//!     unsafe {
//!         alternative!(
//!             "dsb nsh",
//!             "isb",
//!             SB => ".arch_extension sb", "sb",
//!             host => {}, // runs in tests on a host
//!             options(nostack, preserves_flags),
//!         )
//!     }
//! }
//!
//! /// A branch on a cpucap: one instruction, which loads no flag from memory.
//! fn has_atomics() -> bool {
//!     cpu_has_cap!(likely LSE)
//! }
//!
//! # speculation_barrier();
//! # assert!(!has_atomics());
//! ```
//!
//! The boot CPU patches the text before it starts any other CPU:
//!
//! ```
//! # #[cfg(target_os = "none")]
//! # mod kernel {
//! # mod cpucaps { alt_runtime::cpucaps!("cpucaps.toml"); }
//! use alt_runtime::boot::System;
//! use alt_runtime::patch::LinearAlias;
//! use alt_runtime::{Image, Room, text};
//!
//! static SYSTEM: System = System::new(&cpucaps::TABLE);
//! /// Room for the plan: one entry for each instruction of each site.
//! static ROOM: Room<64> = Room::new();
//!
//! /// Patches the text. To be called on the boot CPU, before others start.
//! pub fn apply() {
//!     let room = ROOM.take().unwrap_or_default();
//!     // SAFETY: the linker script bounds the text by these symbols; the tables are mapped.
//!     let mut image = unsafe { Image::new(text!(text_begin, text_end)) }.with_room(room);
//!     // SAFETY: the text is always mapped writable, at its own address.
//!     let mut alias = unsafe { LinearAlias::new(0) };
//!     // SAFETY: no other CPU is ever started.
//!     unsafe { SYSTEM.boot("", &mut image, &mut alias, print) };
//! }
//! # }
//! ```
//!
//! # Phases
//!
//! [`boot::System`] does all of the following in one static. The types of [`boot`] are for kernels
//! that do something in between.
//!
//! 1. *Detect*: [`Detected::new`](boot::Detected::new) evaluates the table of cpucaps on the boot
//!    CPU's ID registers.
//! 2. *Plan*: [`patch::Plan::new`] checks every record and computes every new word. It writes nothing.
//! 3. *Commit*: [`patch::Plan::commit`] writes the words through a writable alias of the text, and
//!    cleans and invalidates the caches.
//! 4. *Verify*: the commit reads each word back through the executable mapping, and restores all of
//!    them if one differs.
//!
//! A pass covers everything on one CPU ([`Detected::patch`](boot::Detected::patch)), or two passes
//! share the sites: cpucaps of boot scope first, the others when all CPUs are online and
//! [stopped](rendezvous).
//!
//! # After boot
//!
//! [`Image`], [`boot::Detected`], [`Booted::finalise`](boot::Booted::finalise) and the methods of
//! [`boot::System`] that patch are for boot only. Linker-script fragments of `alt-linker` place their code in
//! the init region: `init-boot.x`, and for a kernel that starts no CPU or patches nothing after boot
//! `init-detect.x` and `init-patch.x`. A kernel that frees the region does not call them any more.
//!
//! Each entry point has a bound of its stack, stated there; `cargo xtask sizes` checks it in linked kernels.
//!
//! # Modules
//!
//! | module           | content |
//! |------------------|---------|
//! | [`boot`]         | the phases as types, and all of them in one static |
//! | [`cap`]          | cpucaps: numbers, sets, detection from the ID registers, overrides, policies |
//! | [`patch`]        | plan, commit, verify |
//! | [`region`]       | the text and tables of one image |
//! | [`record`]       | the layouts of the tables |
//! | [`finished`]     | the layout of a table that a host tool has finished |
//! | [`rendezvous`]   | stops the other CPUs during a pass |
//! | [`mod@callback`] | functions that compute the instructions of a site |
//! | [`atomics`]      | outline atomics: helpers that the pass turns into LSE instructions |
//! | [`insn`]         | A64 instructions: encode, classify, move to another address |
//! | [`livepatch`]    | replaces functions of a running kernel |
//! | [`pointers`]     | relocates pointers of code that runs at another address |
//! | `shadow_call_stack` | a shadow call stack for CPUs without pointer authentication |
//!
//! The words *site*, *default*, *arm*, *record*, *room*, *plan* and the others are defined in
//! `ARCHITECTURE.md` of the repository.
//!
//! # Features
//!
//! - `raw-tables`, on by default: the pass over records as the linker leaves them. Modules and livepatch need
//!   it.
//! - `finished-tables`, on by default: the pass over the table of an image that a host tool has [`finished`].
//! - `atomics`: defines the helpers of outline atomics; see [`atomics`].
//! - `messages`, on by default: the names of cpucaps are in the image. A kernel that does not format needs
//!   neither these nor `Display`: each error has a number, its `code()`, which `docs/errors.md` of the
//!   repository lists.
//! - `defmt`: implements `defmt::Format` for the errors and reports that a kernel logs.
//! - `shadow-call-stack`: the module `shadow_call_stack`, which reads unwind tables with gimli.
//!
//! # Host and target
//!
//! The crate is `no_std` and does not allocate. Only functions that read registers or write text
//! require the target, `aarch64` with `target_os = "none"`; everything else also runs on a host.
//! Crates with sites can be tested on a host: [`alternative!`] has an arm `host => { … }`, and
//! [`cpu_has_cap!`] is `false` there.
//!
//! A crate may re-export the macros, and may rename this crate in `Cargo.toml`: the macros use the
//! path of the crate that defines them.
#![no_std]
#![cfg_attr(
    not(all(feature = "raw-tables", feature = "finished-tables")),
    expect(dead_code, reason = "what only the other kind of table needs")
)]

// For tables that a host tool makes at run time.
#[cfg(not(target_os = "none"))]
extern crate alloc;

mod arch;
mod assembly;
pub mod atomics;
pub mod boot;
pub mod callback;
pub mod cap;
mod code;
pub mod finished;
mod image;
pub mod insn;
pub mod livepatch;
mod macros;
mod message;
pub mod patch;
pub mod pointers;
pub mod record;
pub mod region;
pub mod rendezvous;
mod room;
#[cfg(feature = "shadow-call-stack")]
pub mod shadow_call_stack;

pub use arch::Maintenance;
pub use assembly::ASM_MACROS;
pub use callback::{Callback, CallbackError, CallbackFn, Site};
pub use image::Image;
pub use insn::Insn;
#[doc(hidden)]
pub use macros::__private;
pub use patch::ImageError;
pub use room::{PlannedWrite, Room};

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
