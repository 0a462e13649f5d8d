//! Env files as text: one variable is read or replaced, and everything else stays to the byte.

use std::ops::Range;

/// A variable cannot be found for sure. Never repeats a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Which of them a shell takes depends on the shell.
    #[error("{0} is set twice")]
    Twice(String),
    /// No closing quote on its line, or something right behind it.
    #[error("{0}: expected NAME='value' on a line of its own")]
    Malformed(String),
}

/// The variable's value, where it is set.
pub fn get(text: &str, name: &str) -> Result<Option<String>, Error> {
    let value = find(text, name)?.and_then(|range| text.get(range));
    Ok(value.map(|value| value.trim_matches(['\'', '"']).to_owned()))
}

/// The text with the variable set: in its old place, or on a new last line. `value` holds no single quote.
pub fn set(text: &str, name: &str, value: &str) -> Result<String, Error> {
    debug_assert!(!value.contains('\''), "rings and JSON of checked names have no quote");
    let mut text = text.to_owned();
    if let Some(range) = find(&text, name)? {
        text.replace_range(range, &format!("'{value}'"));
        return Ok(text);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&line(name, value));
    Ok(text)
}

/// `NAME='value'` and the line's end.
pub fn line(name: &str, value: &str) -> String {
    format!("{name}='{value}'\n")
}

/// Where the value stands, with its quotes.
fn find(text: &str, name: &str) -> Result<Option<Range<usize>>, Error> {
    let mut found = None;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        let body = body.strip_prefix("export ").map_or(body, str::trim_start);
        if let Some(rest) = body.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            if found.is_some() {
                return Err(Error::Twice(name.to_owned()));
            }
            let start = line_start + line.len() - rest.len();
            let length = value_length(rest).ok_or_else(|| Error::Malformed(name.to_owned()))?;
            found = Some(start..start + length);
        }
        line_start += line.len();
    }
    Ok(found)
}

/// Up to the closing quote, or to the first blank where there is none.
fn value_length(rest: &str) -> Option<usize> {
    let quote = rest.chars().next().filter(|char| matches!(char, '\'' | '"'));
    let length = match quote {
        Some(quote) => rest.get(1..)?.find(['\n', quote]).map(|at| at + 2)?,
        None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
    };
    let closes = quote.is_none_or(|quote| rest.get(..length).is_some_and(|value| value.ends_with(quote)));
    let ends = rest.get(length..)?.chars().next().is_none_or(char::is_whitespace);
    (closes && ends).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Keys. Keep them.\r\nA='one'\n  export B=\"two\" # why\n\nAB=three\nC=";

    #[test]
    fn values_are_read_however_they_are_quoted() {
        for (name, value) in [("A", "one"), ("B", "two"), ("AB", "three"), ("C", "")] {
            assert_eq!(get(TEXT, name), Ok(Some(value.to_owned())), "{name}");
        }
        assert_eq!(get(TEXT, "D"), Ok(None));
        assert_eq!(get(TEXT, "Keys"), Ok(None));
    }

    #[test]
    fn one_variable_changes_and_nothing_else() {
        for (name, old) in [("A", "A='one'"), ("B", "B=\"two\""), ("AB", "AB=three"), ("C", "C=")] {
            let new = set(TEXT, name, "[\"x\"]").unwrap();
            let at = TEXT.rfind(old).unwrap();
            let (before, after) = (&TEXT[..at], &TEXT[at + old.len()..]);
            assert_eq!(new, format!("{before}{name}='[\"x\"]'{after}"));
            assert_eq!(get(&new, name), Ok(Some("[\"x\"]".to_owned())));
        }
        assert_eq!(set(TEXT, "D", "x"), Ok(format!("{TEXT}\nD='x'\n")));
        assert_eq!(set("", "D", "x"), Ok("D='x'\n".to_owned()));
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for bad in ["A='one", "A='one\n'", "A=\"one'", "A='one'two", "A='"] {
            assert_eq!(get(bad, "A"), Err(Error::Malformed("A".into())), "{bad}");
        }
        assert_eq!(set("A=1\nexport A=2\n", "A", "x"), Err(Error::Twice("A".into())));
    }
}
