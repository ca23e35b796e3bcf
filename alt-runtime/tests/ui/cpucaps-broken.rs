#![no_std]
alt_runtime::cpucaps!("cpucaps-broken.toml");
