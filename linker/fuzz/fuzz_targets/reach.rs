#![no_main]
#![doc = "See `fuzz_targets::reach`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::reach(data));
