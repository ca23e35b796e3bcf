//! What only runs on the target.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod idregs;
