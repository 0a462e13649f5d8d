#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("ring"), |data: &[u8]| tiffin_fuzz::run("ring", data));
