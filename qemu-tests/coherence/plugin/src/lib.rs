//! A TCG plugin for QEMU that watches how an unmodified guest makes the instructions visible
//! that it has written, and judges it by the rules of [`coherence`].
//!
//! ```text
//! qemu-system-aarch64 -plugin libcoherence_plugin.so,config=FILE ...
//! ```
//!
//! `FILE` holds a [`coherence::Config`]; the report goes where it says. With `probe=on` instead,
//! the plugin says that it was loaded and ends QEMU.

#[cfg(target_os = "linux")]
mod api;
#[cfg(target_os = "linux")]
mod attention;
#[cfg(target_os = "linux")]
mod instruction;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod observer;
#[cfg(target_os = "linux")]
mod plugin;
#[cfg(target_os = "linux")]
mod regions;
#[cfg(target_os = "linux")]
mod registers;
#[cfg(target_os = "linux")]
mod report;
