#![no_main]
#![doc = "See `fuzz_targets::finished`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::finished(data));
