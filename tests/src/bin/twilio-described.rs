//! Our requests against Twilio's published description of its API (OpenAPI, `twilio_api_v2010.json` of the project
//! twilio-oai). It is not part of this repository: give its path.
//!
//! `cargo run -p tiffin-tests --bin twilio-described -- twilio_api_v2010.json`
#![expect(clippy::unwrap_used, reason = "it fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "indexing JSON gives null for what is not there")]
#![expect(clippy::print_stdout, reason = "it says what it checked")]

use anyhow::Context;

use serde_json::Value;

use tiffin_tests::twilio;
use tiffin_tests::twilio::ACCOUNT;
use tiffin_tests::twilio::adapter;
use tiffin_tests::twilio::told;

const NUMBER: &str = "+15005550006";
const CONTENT: &str = "contents = { en = 'HX0123456789abcdef0123456789abcdef' }";

fn check(description: &Value, request: &Value) {
    let url = request["url"].as_str().unwrap().trim_start_matches("https://api.twilio.com");
    let method = request["method"].as_str().unwrap().to_lowercase();
    let path = url.replace(ACCOUNT, "{AccountSid}");
    let operation = &description["paths"][&path][&method];
    assert!(operation.is_object(), "{method} {path} is not described");
    let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    for pair in request["form"].as_array().unwrap() {
        let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let property = &form["properties"][name];
        assert!(property.is_object(), "{path} has no {name}");
        if property["type"] == "integer" {
            assert!(value.parse::<i64>().is_ok(), "{name} is no integer: {value}");
        }
        if property["format"] == "uri" {
            assert!(reqwest::Url::parse(value).is_ok(), "{name} is no address: {value}");
        }
    }
    for name in form["required"].as_array().into_iter().flatten() {
        assert!(
            request["form"].as_array().unwrap().iter().any(|pair| pair[0] == *name),
            "{path} wants {name}"
        );
    }
    for pair in request["query"].as_array().unwrap() {
        let parameters = operation["parameters"].as_array().unwrap();
        let is_it = |parameter: &&Value| parameter["in"] == "query" && parameter["name"] == pair[0];
        assert!(parameters.iter().any(|parameter| is_it(&parameter)), "{path} has no {}", pair[0]);
    }
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("give the path of Twilio's description")?;
    let description: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let kinds = [("twilio", ""), ("twilio_whatsapp", ""), ("twilio_whatsapp", CONTENT), ("twilio_voice", "")];
    for (kind, keys) in kinds {
        let adapter = adapter(kind, NUMBER, keys);
        let requests = twilio::with(NUMBER, |message| {
            let query = adapter.query(message).unwrap();
            [adapter.encode(message).unwrap(), query]
        });
        for request in requests {
            let request = told(request);
            check(&description, &request);
            println!("{kind}: {} {}", request["method"], request["url"]);
        }
    }
    Ok(())
}
