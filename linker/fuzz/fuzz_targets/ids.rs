#![no_main]
#![doc = "See `fuzz_targets::ids`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::ids(data));
