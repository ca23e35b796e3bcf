#![no_main]
#![doc = "See `fuzz_targets::manifest`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::manifest(data));
