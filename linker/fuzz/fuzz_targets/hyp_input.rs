#![no_main]
#![doc = "See `fuzz_targets::hyp_input`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::hyp_input(data));
