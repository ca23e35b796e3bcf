//! A TCG plugin for QEMU that observes how an unmodified guest makes written instructions visible,
//! and judges it by the rules of [`coherence`].
//!
//! ```text
//! qemu-system-aarch64 -plugin libcoherence_plugin.so,config=FILE ...
//! ```
//!
//! `FILE` contains a [`coherence::Config`], which names the file of the report. With `probe=on`
//! instead, the plugin prints that it was loaded and ends QEMU.

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
