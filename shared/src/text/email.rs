//! An email's page.

use super::Values;
use super::locale::Locale;
use super::template::CODE;

/// One column of text and a large code. Without colours of its own it is readable in a dark mailbox, and it loads nothing:
/// no picture tells who read it when. Direction and language stand on the block too, for mailboxes that drop the page
/// around it.
pub(super) fn html(pattern: &str, values: &Values<'_>, locale: &Locale, is_rtl: bool) -> String {
    let direction = if is_rtl { "rtl" } else { "ltr" };
    let (before, after) = pattern.split_once(CODE).unwrap_or((pattern, ""));
    // A full stop or comma behind the code would open the paragraph after it.
    let after = after.trim_start_matches([' ', '.', ',', ';', '!', '।', '،', '。', '，']);
    format!(
        "<!doctype html>\n\
         <html lang=\"{locale}\" dir=\"{direction}\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <style>:root {{ color-scheme: light dark }}</style>\n\
         </head>\n\
         <body>\n\
         <div lang=\"{locale}\" dir=\"{direction}\" style=\"max-width: 32em; margin: 0 auto; padding: 16px; \
         font-family: sans-serif; font-size: 16px; line-height: 1.5\">\n\
         {before}\
         <p dir=\"ltr\" style=\"margin: 24px 0; text-align: center; font-family: monospace; font-size: 36px; \
         font-weight: bold; letter-spacing: 6px\">{code}</p>\n\
         {after}\
         </div>\n\
         </body>\n\
         </html>\n",
        before = paragraphs(&values.fill(before)),
        code = values.code,
        after = paragraphs(&values.fill(after)),
    )
}

fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
    paragraphs.map(|text| format!("<p>{}</p>\n", escaped(text))).collect()
}

/// Text between tags.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(char),
        }
    }
    escaped
}
