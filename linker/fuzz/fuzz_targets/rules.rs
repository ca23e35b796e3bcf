#![no_main]
#![doc = "See `fuzz_targets::rules`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::rules(data));
