#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("request"), |data: &[u8]| tiffin_fuzz::run("request", data));
