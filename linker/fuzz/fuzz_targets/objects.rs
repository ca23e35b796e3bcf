#![no_main]
#![doc = "See `fuzz_targets::objects`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::objects(data));
