//! The cpucaps of this kernel.

alt_runtime::cpucaps!("cpucaps.toml");
