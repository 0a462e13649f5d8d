//! Our requests, by botocore: the service's model takes them, its serialiser writes the same, its signer signs the same.

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::HttpAdapter;
use tiffin_core::gateways::aws_sms::AwsSms;
use tiffin_core::gateways::aws_sns::AwsSns;
use tiffin_core::gateways::call::Auth;
use tiffin_core::gateways::call::Body;
use tiffin_core::gateways::call::Call;
use tiffin_shared::time::UnixMs;

use crate::common::KEY;
use crate::common::KEY_ID;
use crate::common::REGION;
use crate::common::TOKEN;
use crate::common::account;
use crate::common::judge;
use crate::common::python;
use crate::common::secrets;
use crate::common::with_message;

/// 2026-11-19T10:00:00Z, and the last second of a day.
const TIMES: [UnixMs; 2] = [UnixMs(1_795_082_400_000), UnixMs(1_795_132_799_999)];
const TEXTS: [&str; 3] =
    ["482915 is your code.", "\"482915\" & more = 100 % +ü – कोड\n\n@example.com #482915", "~*'()!/ 482915"];
const SMS: [&str; 3] = [
    "",
    "configuration_set = 'codes'\nmax_price = '0.10'\nprotect_configuration = 'protect-1'",
    "base_url = 'http://127.0.0.1:8789/aws'",
];
const SNS: [&str; 3] = ["", "max_price = '0.10'", "base_url = 'http://127.0.0.1:8789/a%20path'"];

fn told(kind: &str, has_token: bool, call: Call, at: UnixMs) -> anyhow::Result<Value> {
    let Auth::Authorization(authorization) = &call.auth else { anyhow::bail!("not signed") };
    let Body::Raw(body) = call.body else { anyhow::bail!("no body") };
    Ok(json!({
        "kind": kind, "method": call.method.as_str(), "url": call.url, "headers": call.headers,
        "body": String::from_utf8(body)?, "authorization": authorization.expose(), "at_ms": at.0,
        "region": REGION, "key_id": KEY_ID, "key": KEY, "token": has_token.then_some(TOKEN),
    }))
}

#[test]
fn botocore_takes_and_signs_the_same_requests() -> anyhow::Result<()> {
    let mut calls = Vec::new();
    for at in 0..3 * 3 * 2 * 2 * 2 {
        let (text, more, now) = (TEXTS[at % 3], at / 3 % 3, TIMES[at / 9 % 2]);
        let (has_token, is_registered) = (at / 18 % 2 == 1, at / 36 == 1);
        for kind in ["aws_sms", "aws_sns"] {
            let account = account(kind, if kind == "aws_sms" { SMS[more] } else { SNS[more] })?;
            let secrets = secrets(&account, has_token)?;
            let adapter: Box<dyn HttpAdapter> = if kind == "aws_sms" {
                Box::new(AwsSms::new(&account, &secrets).map_err(anyhow::Error::msg)?)
            } else {
                Box::new(AwsSns::new(&account, &secrets).map_err(anyhow::Error::msg)?)
            };
            let sender = ["TIFFIN", "+15005550006", ""][at % 3];
            let call = with_message(text, sender, is_registered, now, |message| adapter.encode(message))?;
            let call = call.map_err(|reason| anyhow::anyhow!("{reason:?}"))?;
            calls.push(told(kind, has_token, call, now)?);
            calls.extend(adapter.check(now).map(|call| told(kind, has_token, call, now)).transpose()?);
        }
    }
    let count = calls.len();
    let verdict = judge(python("requests.py")?, &calls.into())?;
    assert_eq!(verdict, json!({"judged": count, "wrong": []}));
    assert_eq!(count, 72 * 4);
    Ok(())
}
