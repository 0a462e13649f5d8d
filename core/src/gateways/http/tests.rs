use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::http::Request;
use tiffin_shared::order::CallOutcome;

use super::*;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;
use crate::gateways::codes::Codes;
use crate::gateways::codes::Corrections;
use crate::gateways::testing::Parts;

const BASE: &str = "name = 'own'\nkind = 'http'\n";
const JSON: &str = "url = 'https://gw.example/send'\ncontent_type = 'application/json'\nid = '/id'\ncode = '/error/code'\n\
                    body = '{\"to\": \"{to}\", \"msisdn\": \"{to_digits:number}\", \"text\": \"{text}\", \"n\": [1, null]}'\n";
const RECEIPTS: &str = "[callback]\nid = '/id'\nstatus = '/status'\ncode = '/code'\nreference = '/ref'\n\
                        delivered = ['DELIVRD']\nfailed = ['UNDELIV', 'EXPIRED']\nsent = ['ENROUTE']\n";
const HEX_SIGNATURE: &str = "45249a49876c361dd560a433ec6879fadd17ba04fbb1cbdf0cce40c75e6f37d3";
const BASE64_SIGNATURE: &str = "RSSaSYdsNh3VYKQz7Gh5+t0XugT7scvfDM5Ax15vN9M=";
const SIGNED: &str =
    "signature_header = 'X-Signature'\nsignature = 'hmac-sha256-hex'\nsignature_prefix = 'sha256='\n";

fn http(keys: &str, secrets: &[(&str, &str)]) -> Result<(Account, Http), String> {
    let account: Account =
        toml::from_str(&format!("{BASE}{keys}")).map_err(|error| error.message().to_owned())?;
    let find = |name: &str| {
        let found =
            secrets.iter().find(|(known, _)| name.ends_with(&format!("OWN_{}", known.to_uppercase())));
        found.map(|(_, value)| (*value).to_owned())
    };
    let http = Http::new(&account, &Secrets::read(&account, find)?)?;
    Ok((account, http))
}

#[test]
fn a_request_is_the_template_with_its_names_filled_in() {
    let parts = Parts::usual();
    let call = http(JSON, &[]).unwrap().1.encode(&parts.message()).unwrap();
    assert_eq!((call.url.as_str(), &call.method), ("https://gw.example/send", &Method::POST));
    let Body::Json(body) = call.body else { panic!("no JSON") };
    let text = "012345 is your Tiffin code.";
    assert_eq!(
        body,
        json!({"to": "+919876543210", "msisdn": 919_876_543_210_u64, "text": text, "n": [1, null]})
    );

    let keys = "url = 'https://gw.example/{to_digits}/send?key={token}&ttl={ttl_s}'\nmethod = 'PUT'\nid = '/id'\n\
                content_type = 'application/x-www-form-urlencoded'\nbody = 'text={text}&from={from}&ref={reference}'\n\
                auth = 'header'\nauth_prefix = 'Bearer '\nheaders = { x-account = '7' }";
    let call = http(keys, &[("token", "a key&")]).unwrap().1.encode(&parts.message()).unwrap();
    assert_eq!(call.url, "https://gw.example/919876543210/send?key=a+key%26&ttl=300");
    let Auth::Headers(headers) = &call.auth else { panic!("no headers") };
    let header = |at: usize| headers.get(at).map(|(name, value)| (name.as_str(), value.expose().as_str()));
    assert_eq!(header(0), Some(("x-account", "7")));
    assert_eq!(header(1), Some(("authorization", "Bearer a key&")));
    let Body::Raw(body) = call.body else { panic!("no form") };
    let expected =
        format!("text=012345+is+your+Tiffin+code.&from=%2B15005550006&ref={}", parts.reference.text());
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    assert_eq!(call.headers, [("content-type", "application/x-www-form-urlencoded".to_owned())]);

    let keys = "url = 'https://gw.example/?to={to}&text={text}'\nmethod = 'GET'\nid = '/id'\nauth = 'basic'\nuser = 'u'";
    let call = http(keys, &[("password", "p")]).unwrap().1.encode(&parts.message()).unwrap();
    assert_eq!(call.url, "https://gw.example/?to=%2B919876543210&text=012345+is+your+Tiffin+code.");
    let Auth::Headers(headers) = &call.auth else { panic!("no headers") };
    assert_eq!(headers[0].1.expose(), "Basic dTpw");
}

#[test]
fn what_cannot_be_used_stops_the_boot() {
    let json = |old: &str, new: &str| JSON.replace(old, new);
    for (keys, error) in [
        (json("{text}", "{txet}"), "body: {txet} is none of {to} {to_digits}"),
        (json("{text}", "{text"), "body: a { without its }"),
        (json("{text}", "no"), "body: has neither {text} nor {code}"),
        (json("\"text\"", "\"{to}\""), "body: {to}: a field's name is fixed"),
        (json("{to_digits:number}", "{text:number}"), "body: {text:number}: text is no number"),
        (json("{to_digits:number}", "{code:number}"), "body: {code:number}: code is no number"),
        (json("\"n\":", "n:"), "body: "),
        (json("application/json", "text/xml"), "content_type: must be application/json or"),
        (json("content_type = 'application/json'\n", ""), "body: goes with content_type"),
        (json("https://gw.example/send", "https://{to}/send"), "and its host fixed"),
        (json("https://gw.example/send", "https://gw.example/{text}"), "url: in the path, {text} is none of"),
        (json("https://gw.example/send", "gw.example"), "url: must be an http(s) address"),
        (json("'/id'", "'id'"), "id: must be a JSON pointer"),
        (format!("{JSON}method = 'GET'"), "body: none goes with GET"),
        (format!("{JSON}headers = {{ Host = 'x' }}"), "headers: host cannot be set here"),
        (format!("{JSON}headers = {{ x-a = \"a\\nb\" }}"), "headers: x-a has a value that no header takes"),
        (format!("{JSON}user = 'u'"), "auth: user goes with \"basic\""),
        (format!("{JSON}auth = 'basic'\nuser = 'u'"), "auth: the secret password is missing"),
        (format!("{JSON}auth = 'header'"), "auth: the secret token is missing"),
        (json("{text}", "{text} {token}"), "body: the secret token is missing"),
        (format!("{JSON}speed = 1"), "unknown field `speed`"),
        (format!("{JSON}{SIGNED}{RECEIPTS}"), "signature_header: the secret signature_secret is missing"),
        (format!("{JSON}{SIGNED}"), "so format must be"),
        (format!("{JSON}{}", RECEIPTS.replace("'EXPIRED'", "'DELIVRD'")), "\"DELIVRD\" is there twice"),
        (format!("{JSON}{}", RECEIPTS.replace("'/id'", "'id'")), "callback.id: must be a JSON pointer"),
        (format!("{JSON}success = {{ pointer = '/s', equals = [1] }}"), "success.equals: must be"),
    ] {
        let refused = http(&keys, &[]).err().unwrap();
        assert!(refused.contains(error), "{keys}\n{refused}");
    }
    let unused = http(&format!("{JSON}{RECEIPTS}"), &[(SIGNATURE_SECRET, "s")]).err().unwrap();
    assert!(unused.contains("is set, but signature_header is not"), "{unused}");
}

#[test]
fn answers_lead_to_the_right_next_step() {
    let keys = format!("{JSON}success = {{ pointer = '/status', equals = 0 }}");
    let failed = CallOutcome::Failed;
    let taken = |id: &str| CallOutcome::Taken { provider_id: id.into() };
    let cases = [
        (200, r#"{"status": 0, "id": "m1"}"#, taken("m1")),
        (201, r#"{"status": "0", "id": 17}"#, taken("17")),
        (200, r#"{"status": 0}"#, CallOutcome::Unknown),
        (200, r#"{"status": 0, "id": ""}"#, CallOutcome::Unknown),
        (200, "<html>", CallOutcome::Unknown),
        (200, r#"{"status": 1, "error": {"code": "E7"}}"#, failed(Reason::OptedOut)),
        (200, r#"{"status": 1, "error": {"code": "E8"}}"#, failed(Reason::Rejected)),
        (200, r#"{"id": "m1"}"#, failed(Reason::Rejected)),
        (400, r#"{"error": {"code": "E7"}}"#, failed(Reason::OptedOut)),
        (401, "", failed(Reason::AuthFailed)),
        (402, "", failed(Reason::InsufficientBalance)),
        (429, "", CallOutcome::Throttled { retry_after_ms: None }),
        (503, "", failed(Reason::ProviderDown)),
        (504, r#"{"status": 0, "id": "m1"}"#, CallOutcome::Unknown),
    ];
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("codes.toml");
    std::fs::write(&file, "[gateway.own]\nE7 = \"opted_out\"").unwrap();
    let codes = Codes::new(Corrections::read(&file).unwrap()).unwrap();
    let (account, http) = http(&keys, &[]).unwrap();
    for (status, body, outcome) in cases {
        let answer = Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
        assert_eq!(codes.outcome(&account.name, "http", http.classify(&answer)), outcome, "{status} {body}");
    }
    let body = br#"{"status": 1, "error": {"code": "to 919876543210"}}"#.to_vec();
    let answer = Answer { status: 200, retry_after_s: None, body };
    let Answered::Refused(refusal) = http.classify(&answer) else { panic!("taken") };
    assert_eq!(refusal.code, None, "a number is no code");
}

fn hear(http: &Http, query: &str, body: &str, signature: Option<&str>) -> Result<Heard, CallbackError> {
    let signature = signature.map(|value| ("x-signature".to_owned(), value.to_owned()));
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/own".into(),
        query: query.into(),
        headers: signature.into_iter().collect(),
        body: body.as_bytes().to_vec(),
    };
    let attempt = Parts::usual().reference;
    let (url, attempt) =
        ("https://core.example/callbacks/own", Some(&attempt).filter(|_| query.contains("order")));
    http.hear(&Callback { url, request: &request, attempt, certificate: None, now: UnixMs(0) })
}

fn told(attempt: bool, fate: Fate) -> Result<Heard, CallbackError> {
    let attempt = Some(Parts::usual().reference).filter(|_| attempt);
    Ok(Told { attempt, provider_id: "m1".into(), fate, cost: None }.into())
}

#[test]
fn callbacks_of_every_format_are_read() {
    let (_, json) = http(&format!("{JSON}{RECEIPTS}"), &[]).unwrap();
    let lost = |code: &str| Fate::Failed { code: Some(code.into()), fallback: Reason::Rejected };
    for (body, fate) in [
        (r#"{"id": "m1", "status": "DELIVRD"}"#, Fate::Delivered),
        (r#"{"id": "m1", "status": "UNDELIV", "code": 12}"#, lost("12")),
        (r#"{"id": "m1", "status": "EXPIRED"}"#, lost("EXPIRED")),
        (r#"{"id": "m1", "status": "ENROUTE"}"#, Fate::Sent),
        (r#"{"id": "m1", "status": "ACCEPTD"}"#, Fate::Underway),
    ] {
        assert_eq!(hear(&json, "", body, None), told(false, fate.clone()), "{body}");
        assert_eq!(hear(&json, "order=o&n=1", body, None), told(true, fate), "by our address");
    }
    let named = json!({"id": "m1", "status": "DELIVRD", "ref": Parts::usual().reference.text()});
    assert_eq!(hear(&json, "", &named.to_string(), None), told(true, Fate::Delivered));
    for body in ["nothing", "{}", r#"{"id": "m1"}"#, r#"{"id": [], "status": "DELIVRD"}"#] {
        assert_eq!(hear(&json, "", body, None), Err(CallbackError::Malformed), "{body}");
    }
    let many = RECEIPTS.replace("[callback]", "[callback]\nlist = '/reports'");
    let (_, many) = http(&format!("{JSON}{many}"), &[]).unwrap();
    let two = r#"{"reports": [{"id": "m1", "status": "DELIVRD"}, {"id": "m2", "status": "ENROUTE"}]}"#;
    let heard = hear(&many, "order=o&n=1", two, None).unwrap();
    assert_eq!(heard.told.len(), 2);
    assert!(heard.told.iter().all(|told| told.attempt.is_none()), "one address names one attempt");

    let flat = RECEIPTS.replace("'/", "'");
    let (_, form) =
        http(&format!("{JSON}{}", flat.replace("[callback]", "[callback]\nformat = 'form'")), &[]).unwrap();
    assert_eq!(hear(&form, "", "id=m1&status=DELIVRD", None), told(false, Fate::Delivered));
    let (_, query) =
        http(&format!("{JSON}{}", flat.replace("[callback]", "[callback]\nformat = 'query'")), &[]).unwrap();
    assert_eq!(hear(&query, "id=m1&status=ENROUTE", "", None), told(false, Fate::Sent));
    let (_, none) = http(JSON, &[]).unwrap();
    assert_eq!(hear(&none, "", "{}", None), Err(CallbackError::Malformed));
}

/// `printf '{"id":"m1","status":"DELIVRD"}' | openssl dgst -sha256 -hmac 'a secret'`, and the same with `-binary | base64`.
#[test]
fn signed_callbacks_are_checked_on_the_raw_body() {
    let body = r#"{"id":"m1","status":"DELIVRD"}"#;
    let secrets = [(SIGNATURE_SECRET, "a secret")];
    let (_, hex) = http(&format!("{JSON}{SIGNED}{RECEIPTS}"), &secrets).unwrap();
    let good = HEX_SIGNATURE;
    assert_eq!(hear(&hex, "", body, Some(&format!("sha256={good}"))), told(false, Fate::Delivered));
    assert_eq!(
        hear(&hex, "", body, Some(&format!("sha256={}", good.to_uppercase()))),
        told(false, Fate::Delivered)
    );
    let by_address = hear(&hex, "order=o&n=1", body, Some(&format!("sha256={good}")));
    assert_eq!(by_address, told(false, Fate::Delivered), "no signature covers the address");
    let no = Err(CallbackError::Signature);
    assert_eq!(hear(&hex, "", body, None), no);
    assert_eq!(hear(&hex, "", body, Some(good)), no, "without its prefix");
    assert_eq!(hear(&hex, "", &body.replace("m1", "m2"), Some(&format!("sha256={good}"))), no);
    assert_eq!(hear(&hex, "", body, Some("sha256=")), no);
    assert_eq!(hear(&hex, "", body, Some(&format!("sha256={}", &good[1..]))), no);
    assert_eq!(hear(&hex, "", body, Some(&format!("sha256={good}0"))), no);
    let signed = SIGNED.replace("hex", "base64").replace("signature_prefix = 'sha256='\n", "");
    let (_, base64) = http(&format!("{JSON}{signed}{RECEIPTS}"), &secrets).unwrap();
    assert_eq!(hear(&base64, "", body, Some(BASE64_SIGNATURE)), told(false, Fate::Delivered));
    assert_eq!(hear(&base64, "", &body.replace("m1", "m2"), Some(BASE64_SIGNATURE)), no);
    let (_, other) = http(&format!("{JSON}{SIGNED}{RECEIPTS}"), &[(SIGNATURE_SECRET, "another")]).unwrap();
    assert_eq!(hear(&other, "", body, Some(&format!("sha256={good}"))), no);
}

/// The value of every name is this text.
fn all(text: &str) -> Values {
    let names =
        ["to", "to_digits", "from", "text", "code", "reference", "callback_url", "template_id", "token"];
    Values::of(names.into_iter().map(|name| (name, text.to_owned())).collect())
}

proptest! {
    /// Whatever a value is, the receiver reads the template's own structure with the value in its place.
    #[test]
    fn no_value_becomes_part_of_the_structure(text in "\\PC*|[\"\\\\{}&=%+;#?/.\n\r\0]*") {
        let values = all(&text);
        let body = r#"{"a": {"x": "<{text}>", "y": ["{code}", true]}, "b": "{from}{from}"}"#;
        let Ok(document) = template::Document::parse(Some("application/json"), Some(body)) else { panic!("JSON") };
        let Filled::Json(filled) = document.fill(&values) else { panic!("JSON") };
        let read: Value = serde_json::from_str(&filled.to_string()).unwrap();
        let expected = json!({"a": {"x": format!("<{text}>"), "y": [text, true]}, "b": format!("{text}{text}")});
        prop_assert_eq!(read, expected);

        let form = "to={to}&text=%3C{text}%3E&fixed=1";
        let Ok(document) = template::Document::parse(Some("application/x-www-form-urlencoded"), Some(form)) else {
            panic!("form")
        };
        let Filled::Form(filled) = document.fill(&values) else { panic!("form") };
        let read: Vec<(String, String)> = form_urlencoded::parse(filled.as_bytes()).into_owned().collect();
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let expected = [pair("to", text.clone()), pair("text", format!("<{text}>")), pair("fixed", "1".into())];
        prop_assert_eq!(read.as_slice(), expected.as_slice());

        let address = template::Address::parse("https://gw.example/a/{to}/b?x={text}&y=1").ok().unwrap();
        let url = reqwest::Url::parse(&address.fill(&values)).unwrap();
        prop_assert_eq!((url.scheme(), url.host_str(), url.fragment()), ("https", Some("gw.example"), None));
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        if !text.is_empty() && !text.bytes().all(|byte| byte == b'.') {
            prop_assert_eq!((segments.len(), segments[0], segments[2]), (3, "a", "b"));
            let segment = form_urlencoded::parse(segments[1].replace('+', "%2B").as_bytes()).next().unwrap().0.into_owned();
            prop_assert_eq!(segment, text.clone());
        }
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(query, vec![pair("x", text), pair("y", "1".into())]);
    }
}
