#![no_main]
#![doc = "See `fuzz_targets::namespaces`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::namespaces(data));
