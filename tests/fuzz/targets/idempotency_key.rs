#![no_main]
libfuzzer_sys::fuzz_target!(init: tiffin_fuzz::seed("idempotency_key"), |data: &[u8]| tiffin_fuzz::run("idempotency_key", data));
