#![no_main]
#![doc = "See `alt_linker_fuzz::scs`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alt_linker_fuzz::scs(data));
