#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("directory"), |data: &[u8]| tiffin_fuzz::run("directory", data));
