#![no_main]
#![doc = "See `fuzz_targets::scs`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::scs(data));
