//! A monitor at EL2 that watches how a guest at EL1 maintains the caches of its own text.
//!
//! QEMU emulates no caches, so a missing DC or IC never shows. The monitor keeps the
//! [state](el2_monitor::words) that real caches would have: it traps all cache maintenance,
//! write-protects text at stage 2 to observe each store through any alias, and single-steps pages
//! with words that may be stale, judging each instruction. It writes its report to memory; the host
//! reads it when the guest is off. `docs/observers.md` describes the model.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod arch;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod config;
#[cfg(target_os = "none")]
mod cpu;
#[cfg(target_os = "none")]
mod exclusive;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(target_os = "none")]
mod frame;
#[cfg(target_os = "none")]
mod guest;
#[cfg(target_os = "none")]
mod idregs;
#[cfg(target_os = "none")]
mod maintenance;
#[cfg(target_os = "none")]
mod pages;
#[cfg(target_os = "none")]
mod registers;
#[cfg(target_os = "none")]
mod stage2;
#[cfg(target_os = "none")]
mod state;
#[cfg(target_os = "none")]
mod step;
#[cfg(target_os = "none")]
mod store;
#[cfg(target_os = "none")]
mod trap;
#[cfg(target_os = "none")]
mod watch;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("el2-monitor runs on aarch64-unknown-none: use `cargo xtask mutants`");
}
