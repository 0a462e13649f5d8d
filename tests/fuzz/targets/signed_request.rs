#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("signed_request"), |data: &[u8]| tiffin_fuzz::run("signed_request", data));
