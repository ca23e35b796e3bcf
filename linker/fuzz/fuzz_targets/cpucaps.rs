#![no_main]
#![doc = "See `fuzz_targets::cpucaps`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::cpucaps(data));
