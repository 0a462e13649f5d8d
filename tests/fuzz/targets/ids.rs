#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("ids"), |data: &[u8]| tiffin_fuzz::run("ids", data));
