#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("phone"), |data: &[u8]| tiffin_fuzz::run("phone", data));
