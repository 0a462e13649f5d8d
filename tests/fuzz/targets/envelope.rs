#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("envelope"), |data: &[u8]| tiffin_fuzz::run("envelope", data));
