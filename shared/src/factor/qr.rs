//! A QR code (ISO/IEC 18004) as an SVG that a page can show as it is.

use std::fmt::Write;

use qrcodegen::QrCode;
use qrcodegen::QrCodeEcc;

/// Light modules around the code: ISO/IEC 18004 section 9.1 asks for four.
pub const QUIET_ZONE: i32 = 4;

/// Draws `text` in one path: each run of dark modules is a stroke of width 1. None when the text is too long: 2,953
/// bytes at most.
///
/// The background is white whatever the page's: many readers want dark on light. The lowest error correction is asked
/// for, and raised where it costs no room: a screen is not torn, and larger modules read better.
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_binary(text.as_bytes(), QrCodeEcc::Low).ok()?;
    let size = code.size() + 2 * QUIET_ZONE;
    let path = path(&code)?;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" \
         shape-rendering=\"crispEdges\"><title>QR code for an authenticator app</title>\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path stroke=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// `M4 4.5h7m2 0h3M4 5.5h1…`: rows from the top, gaps as moves.
fn path(code: &QrCode) -> Option<String> {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut end_of_last = None;
        let mut x = 0;
        while x < code.size() {
            let start = x;
            while code.get_module(x, y) {
                x += 1;
            }
            let run = x - start;
            if run > 0 {
                match end_of_last {
                    None => write!(path, "M{} {}.5", start + QUIET_ZONE, y + QUIET_ZONE),
                    Some(end) => write!(path, "m{} 0", start - end),
                }
                .ok()?;
                write!(path, "h{run}").ok()?;
                end_of_last = Some(x);
            }
            x += 1;
        }
    }
    Some(path)
}
