//! What support adds to an order: a screenshot, or a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Media;
use tiffin_shared::evidence::UPLOADS_MAX;
use tiffin_shared::evidence::Upload;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::time::UnixMs;

use super::redact::Known;
use super::redact::Redactor;

/// The largest picture: a screenshot of a phone has a few hundred kilobytes.
pub const IMAGE_BYTES_MAX: usize = 768 * 1024;
/// The longest message.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// The longest note to one.
const NOTE_CHARS_MAX: usize = 300;

/// Reads what was sent. What it is follows from its bytes; a text is kept without numbers, mailboxes and codes.
pub fn read(body: &[u8], note: Option<&str>, by: &str, now: UnixMs) -> Result<Upload, Problem> {
    let Some(media) = Media::of(body) else {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send a picture (PNG, JPEG, WebP) or a message (UTF-8 text).",
        ));
    };
    let max = if media == Media::Text { TEXT_BYTES_MAX } else { IMAGE_BYTES_MAX };
    if body.len() > max {
        let detail = format!("{} holds at most {max} bytes here.", media.as_str());
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    if note.is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
        let detail = format!("A note holds at most {NOTE_CHARS_MAX} characters.");
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    let redactor = Redactor::new(Known::nothing(now));
    let content = match media {
        Media::Text => redactor.words(std::str::from_utf8(body).unwrap_or_default()),
        Media::Jpeg | Media::Png | Media::Webp => STANDARD.encode(body),
    };
    // Of a text the digest is of what is kept: that is what anybody can compare.
    let kept = if media == Media::Text { content.as_bytes() } else { body };
    Ok(Upload {
        at: now,
        media,
        by: Some(by.to_owned()),
        sha256: Some(Bytes(bytes::sha256(kept))),
        bytes: u32::try_from(kept.len()).unwrap_or(u32::MAX),
        note: note.filter(|note| !note.trim().is_empty()).map(|note| redactor.words(note)),
        content,
        removed: None,
    })
}

/// There is no room for more.
pub fn full() -> Problem {
    let detail = format!("An order holds at most {UPLOADS_MAX} uploads, and has them.");
    Problem::new(Code::BodyTooLarge, detail)
}
