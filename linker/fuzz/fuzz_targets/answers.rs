#![no_main]
#![doc = "See `fuzz_targets::answers`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::answers(data));
