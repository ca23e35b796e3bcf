#![no_main]
#![doc = "See `fuzz_targets::image`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::image(data));
