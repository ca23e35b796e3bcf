#![no_main]
#![doc = "See `fuzz_targets::payload`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::payload(data));
