#![no_main]
#![doc = "See `fuzz_targets::section`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::section(data));
