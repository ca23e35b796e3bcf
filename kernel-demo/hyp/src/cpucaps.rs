//! The cpucaps of the kernel.

alt_runtime::cpucaps!("../../cpucaps.toml");
