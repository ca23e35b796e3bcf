#![no_main]
#![doc = "See `alt_linker_fuzz::hyp_map`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alt_linker_fuzz::hyp_map(data));
