#![no_main]
#![doc = "See `fuzz_targets::payload_tool`."]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::payload_tool(data));
