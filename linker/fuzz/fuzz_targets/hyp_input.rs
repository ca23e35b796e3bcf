#![no_main]
#![doc = "See `alt_linker_fuzz::hyp_input`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alt_linker_fuzz::hyp_input(data));
