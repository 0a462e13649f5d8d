//! Templates of requests. They are taken apart when they are read: a value is put into one text of a finished structure, and
//! written out with it, so that nothing in a value can become part of the structure.

use form_urlencoded::Serializer;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use serde_json::Map;
use serde_json::Value;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;

use super::super::adapter::Message;

/// What RFC 3986 leaves as it is in a path, but for the dot: no value makes a `..`.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');
/// What makes a whole text a number.
const AS_NUMBER: &str = ":number";
/// The longest number that every reader of JSON keeps.
const NUMBER_DIGITS_MAX: usize = 15;

/// What may stand in braces.
const NAMES: [&str; 12] = [
    "to",
    "to_digits",
    "from",
    "text",
    "code",
    "reference",
    "ttl_s",
    "callback_url",
    "entity_id",
    "template_id",
    "brand",
    "token",
];
/// Of these, what may stand in a path: nothing that could be empty, or that a tenant writes.
const IN_PATH: [&str; 4] = ["to", "to_digits", "code", "reference"];
/// And what can be a number: a code is none, of which one in ten begins with a zero.
const NUMBERS: [&str; 2] = ["to_digits", "ttl_s"];

/// What the names stand for in one message. No `Debug`: the code is among it.
pub(super) struct Values(Vec<(&'static str, String)>);

/// Text with names in braces.
pub(super) struct Text(Vec<Part>);

pub(super) enum Part {
    Literal(String),
    Name(&'static str),
}

/// Where a request goes.
pub(super) struct Address {
    path: Text,
    query: Vec<(String, Text)>,
}

/// What goes out with it.
pub(super) enum Document {
    Form(Vec<(String, Text)>),
    Json(Tree),
    Nothing,
}

pub(super) enum Tree {
    Array(Vec<Tree>),
    Fixed(Value),
    Number(&'static str),
    Object(Vec<(String, Tree)>),
    Text(Text),
}

/// A request's body. No `Debug`: it holds the code.
pub(super) enum Filled {
    Form(String),
    Json(Value),
    Nothing,
}

impl Values {
    pub(super) fn new(message: &Message<'_>, token: Option<&Secret<String>>) -> Result<Self, Reason> {
        let registered = message.registration;
        let template_id = registered.map(|it| it.template_id).or(message.template_id);
        let values = [
            ("to", message.phone()?.e164().to_owned()),
            ("to_digits", message.digits()?.to_owned()),
            ("from", message.from().to_owned()),
            ("text", message.text().to_owned()),
            ("code", message.code.expose().to_owned()),
            ("reference", message.reference.text()),
            ("ttl_s", message.valid_s.to_string()),
            ("callback_url", message.callback_url.to_owned()),
            ("entity_id", registered.map(|it| it.dlt.entity_id.clone()).unwrap_or_default()),
            ("template_id", template_id.unwrap_or_default().to_owned()),
            ("brand", message.brand.to_owned()),
            ("token", token.map(|token| token.expose().clone()).unwrap_or_default()),
        ];
        Ok(Self(values.into()))
    }

    #[cfg(test)]
    pub(super) fn of(values: Vec<(&'static str, String)>) -> Self {
        Self(values)
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

impl Text {
    fn parse(text: &str, names: &[&'static str]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a { without its }")?;
            let known = || names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
            let found = names.iter().find(|known| **known == name);
            let found = found.ok_or_else(|| format!("{{{name}}} is none of {}", known()))?;
            parts.extend([Part::Literal(before.to_owned()), Part::Name(found)]);
            rest = after;
        }
        if rest.contains('}') {
            return Err("a } without its {".into());
        }
        parts.push(Part::Literal(rest.to_owned()));
        Ok(Self(parts))
    }

    fn fill(&self, values: &Values, encode: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Name(name) => encode(values.get(name)),
        };
        self.0.iter().map(part).collect()
    }

    fn plain(&self, values: &Values) -> String {
        self.fill(values, str::to_owned)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name(known) if *known == name))
    }
}

impl Address {
    /// `https://gateway.example/send/{to_digits}?text={text}`: no name before the path.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let host = path.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        if !is_http
            || host.is_none_or(|host| host.is_empty() || host.contains(['{', '@']))
            || url.contains('#')
        {
            return Err(
                "url: must be an http(s) address without a user or a fragment, and its host fixed".into()
            );
        }
        let plain = path.replace(['{', '}'], "x");
        if Url::parse(&plain).is_err() {
            return Err("url: is no address".into());
        }
        let path = Text::parse(path, &IN_PATH).map_err(|error| format!("url: in the path, {error}"))?;
        let query = pairs(query).map_err(|error| format!("url: {error}"))?;
        Ok(Self { path, query })
    }

    pub(super) fn fill(&self, values: &Values) -> String {
        let path = self.path.fill(values, |value| utf8_percent_encode(value, PATH).to_string());
        let query = form(&self.query, values);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.query.iter().any(|(_, text)| text.has(name))
    }
}

impl Document {
    pub(super) fn parse(content_type: Option<&str>, body: Option<&str>) -> Result<Self, String> {
        match (content_type, body) {
            (None, None) => Ok(Self::Nothing),
            (Some("application/json"), Some(body)) => {
                let value = serde_json::from_str(body).map_err(|error| format!("body: {error}"))?;
                Tree::parse(value).map(Self::Json).map_err(|error| format!("body: {error}"))
            }
            (Some("application/x-www-form-urlencoded"), Some(body)) => {
                pairs(body).map(Self::Form).map_err(|error| format!("body: {error}"))
            }
            (Some(_), Some(_)) => {
                Err("content_type: must be application/json or application/x-www-form-urlencoded".into())
            }
            _ => Err("body: goes with content_type, and neither alone".into()),
        }
    }

    pub(super) fn fill(&self, values: &Values) -> Filled {
        match self {
            Self::Form(pairs) => Filled::Form(form(pairs, values)),
            Self::Json(tree) => Filled::Json(tree.fill(values)),
            Self::Nothing => Filled::Nothing,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Form(pairs) => pairs.iter().any(|(_, text)| text.has(name)),
            Self::Json(tree) => tree.has(name),
            Self::Nothing => false,
        }
    }
}

impl Tree {
    fn parse(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(many) => {
                Ok(Self::Array(many.into_iter().map(Self::parse).collect::<Result<_, _>>()?))
            }
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| Ok((fixed(name)?, Self::parse(value)?));
                Ok(Self::Object(fields.into_iter().map(field).collect::<Result<_, String>>()?))
            }
            Value::String(text) => {
                match text.strip_prefix('{').and_then(|rest| rest.strip_suffix(":number}")) {
                    Some(name) => match NUMBERS.iter().find(|known| **known == name) {
                        Some(name) => Ok(Self::Number(name)),
                        None => Err(format!("{{{name}{AS_NUMBER}}}: {name} is no number")),
                    },
                    None => Text::parse(&text, &NAMES).map(Self::Text),
                }
            }
            other => Ok(Self::Fixed(other)),
        }
    }

    fn fill(&self, values: &Values) -> Value {
        match self {
            Self::Array(many) => many.iter().map(|tree| tree.fill(values)).collect(),
            Self::Fixed(value) => value.clone(),
            Self::Number(name) => {
                let digits = values.get(name);
                let number = digits.parse::<u64>().ok().filter(|_| digits.len() <= NUMBER_DIGITS_MAX);
                number.map_or_else(|| digits.into(), Value::from)
            }
            Self::Object(fields) => {
                let filled = fields.iter().map(|(name, tree)| (name.clone(), tree.fill(values)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            Self::Text(text) => text.plain(values).into(),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Array(many) => many.iter().any(|tree| tree.has(name)),
            Self::Fixed(_) => false,
            Self::Number(number) => *number == name,
            Self::Object(fields) => fields.iter().any(|(_, tree)| tree.has(name)),
            Self::Text(text) => text.has(name),
        }
    }
}

/// Names and values of a form or a query, with names in braces in the values alone.
fn pairs(text: &str) -> Result<Vec<(String, Text)>, String> {
    let pair = |(name, value): (String, String)| Ok((fixed(name)?, Text::parse(&value, &NAMES)?));
    form_urlencoded::parse(text.as_bytes()).into_owned().map(pair).collect()
}

fn form(pairs: &[(String, Text)], values: &Values) -> String {
    let filled = pairs.iter().map(|(name, text)| (name, text.plain(values)));
    Serializer::new(String::new()).extend_pairs(filled).finish()
}

fn fixed(name: String) -> Result<String, String> {
    if name.contains(['{', '}']) { Err(format!("{name}: a field's name is fixed")) } else { Ok(name) }
}
