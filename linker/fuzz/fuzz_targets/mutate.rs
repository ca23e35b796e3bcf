#![no_main]
#![doc = "See `alt_linker_fuzz::mutate`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alt_linker_fuzz::mutate(data));
