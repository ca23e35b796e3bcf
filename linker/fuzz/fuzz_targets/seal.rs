#![no_main]
#![doc = "See `fuzz_targets::seal`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::seal(data));
