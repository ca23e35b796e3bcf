#![no_main]
#![doc = "See `fuzz_targets::mutate`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::mutate(data));
