//! Paths as the URL standard has them: what a browser makes of one, and some platforms, before anybody routes it.

/// The path that a request means: without `.` and `..` (RFC 3986 section 5.2.4; also where they are written in percent), and with `/` for `\`.
pub fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split(['/', '\\']).skip(1).peekable();
    while let Some(segment) = segments.next() {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        let is_last = segments.peek().is_none();
        match plain.as_str() {
            "." | ".." => {
                if plain == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_go_as_the_url_standard_has_it() {
        let cases = [
            ("/v1/orders", "/v1/orders"),
            ("/v1/orders/../orders/x", "/v1/orders/x"),
            ("/v1/./orders", "/v1/orders"),
            ("/v1/%2e%2E/v1/orders", "/v1/orders"),
            ("/v1/.%2e/v1/%2e/orders", "/v1/orders"),
            ("/../../v1/orders", "/v1/orders"),
            ("/v1/orders/.", "/v1/orders/"),
            ("/v1/orders/x/..", "/v1/orders/"),
            ("/v1//orders", "/v1//orders"),
            ("/v1/orders/...", "/v1/orders/..."),
            ("/v1\\orders", "/v1/orders"),
            ("/", "/"),
            ("", "/"),
        ];
        for (path, expected) in cases {
            assert_eq!(resolved(path), expected, "{path}");
        }
    }
}
