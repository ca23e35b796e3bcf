#![no_main]
#![doc = "See `fuzz_targets::hyp_map`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::hyp_map(data));
