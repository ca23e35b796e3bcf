#![no_main]
#![doc = "See `alt_linker_fuzz::hyp_linked`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alt_linker_fuzz::hyp_linked(data));
