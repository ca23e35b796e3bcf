#![no_main]
#![doc = "See `fuzz_targets::linux`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::linux(data));
