//! The program that scripts/bench/phone.sh measures.

use std::hint::black_box;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

use tiffin_shared::phone::Phone;

static TEXT: [AtomicU8; 16] = [const { AtomicU8::new(0) }; 16];

/// Where to write a number.
#[unsafe(no_mangle)]
pub extern "C" fn text() -> *const AtomicU8 {
    TEXT.as_ptr()
}

#[cfg(feature = "class")]
fn class(phone: &Phone) -> u32 {
    let class = tiffin_shared::phone::classify(phone);
    let country = class.country.map_or(0, |country| country.as_str().bytes().map(u32::from).sum());
    u32::from(class.calling_code) * 10_000 + country * 20 + class.kind as u32
}

#[cfg(not(feature = "class"))]
fn class(phone: &Phone) -> u32 {
    phone.e164().bytes().map(u32::from).sum()
}

/// Classifies the number so many times.
#[unsafe(no_mangle)]
pub extern "C" fn run(length: usize, times: u32) -> u32 {
    let text = TEXT.each_ref().map(|byte| byte.load(Ordering::Relaxed));
    let Some(Ok(text)) = text.get(..length).map(str::from_utf8) else { return 0 };
    let Ok(phone) = Phone::parse(text) else { return 0 };
    (0..times).fold(0, |sum: u32, _| sum.wrapping_add(class(black_box(&phone))))
}
