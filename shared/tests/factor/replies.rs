//! Requests and replies.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Caller;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Tenant;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::factor::Command;
use tiffin_shared::factor::Factor;
use tiffin_shared::factor::Outcome;
use tiffin_shared::factor::api;
use tiffin_shared::factor::api::Pending;
use tiffin_shared::id::TenantId;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;
use tiffin_shared::wire::factor::EnrolledFactor;
use tiffin_shared::wire::factor::FactorResult;
use tiffin_shared::wire::factor::VerifiedFactor;

use crate::common::factor::index;
use crate::common::factor::keys;
use crate::common::fixtures::START;
use crate::common::fixtures::entropy;
use crate::common::fixtures::key_id;
use crate::common::fixtures::tenant;
use crate::common::host::Host;

const BODY: &str = r#"{"account":"alice@example.com","issuer":"Shop"}"#;

fn with_caller<T>(id: &TenantId, kind: KeyKind, ask: impl FnOnce(&Caller<'_>) -> T) -> T {
    let tenant = Tenant::default();
    let digest = Bytes([0; 32]);
    let (origins, services) = (Vec::new(), Vec::new());
    let key =
        ApiKey { id: key_id("k1"), tenant: id.clone(), kind, digest, origins, services, revoked: false };
    ask(&Caller { id, tenant: &tenant, key: &key })
}

fn enrol(body: &str, key: Option<&str>, entropy: &Entropy) -> Result<Pending, Problem> {
    with_caller(&tenant(0), KeyKind::Secret, |caller| {
        api::parse_enrol(body.as_bytes(), caller, key, &index(), entropy)
    })
}

fn verify(id: &str, body: &str) -> Result<Pending, Problem> {
    with_caller(&tenant(0), KeyKind::Secret, |caller| {
        api::parse_verify(id, body.as_bytes(), caller, &index())
    })
}

fn ask(host: &mut Host, pending: &Pending) -> Outcome {
    host.ask::<Factor>(&Command { keys: keys(0), entropy: entropy(1), ask: pending.ask.clone() }, START)
}

fn detail(refused: Result<Pending, Problem>) -> String {
    let problem = refused.err().unwrap();
    assert_eq!(problem.code, Code::InvalidRequest);
    problem.detail
}

#[test]
fn a_factor_is_enrolled_confirmed_and_removed_through_the_api() {
    let mut host = Host::default();
    let pending = enrol(BODY, Some("k-1"), &entropy(1)).unwrap();
    let reply = pending.finish(Some(ask(&mut host, &pending))).unwrap();
    assert!(reply.status == 201 && !reply.replayed);
    let made: EnrolledFactor = serde_json::from_str(&reply.body.unwrap()).unwrap();
    assert!(made.otpauth_uri.starts_with("otpauth://totp/Shop:alice%40example.com?secret="));
    assert!(made.qr_svg.starts_with("<svg ") && made.id.starts_with("fac_"));

    let again = enrol(&format!(" {BODY} "), Some("k-1"), &entropy(2)).unwrap();
    let reply = again.finish(Some(ask(&mut host, &again))).unwrap();
    assert!(reply.status == 201 && reply.replayed);
    assert_eq!(
        serde_json::from_str::<EnrolledFactor>(&reply.body.unwrap()).unwrap().otpauth_uri,
        made.otpauth_uri
    );
    let other = enrol(&BODY.replace("Shop", "Shoq"), Some("k-1"), &entropy(3)).unwrap();
    let refused = other.finish(Some(ask(&mut host, &other))).err().unwrap();
    assert_eq!(refused.code, Code::IdempotencyMismatch);

    let pending = verify(&made.id, r#"{"code":"000000"}"#).unwrap();
    let reply = pending.finish(Some(ask(&mut host, &pending))).unwrap();
    assert_eq!((reply.status, reply.body.as_deref()), (200, Some(r#"{"result":"wrong_code"}"#)));
    let remove =
        |id: &str| with_caller(&tenant(0), KeyKind::Secret, |caller| api::parse_remove(id, caller, &index()));
    let pending = remove(&made.id).unwrap();
    let reply = pending.finish(Some(ask(&mut host, &pending))).unwrap();
    assert_eq!((reply.status, reply.body), (204, None));
    let guess = verify(&made.id, r#"{"code":"000000"}"#).unwrap();
    for (asked, words) in [(pending, "not decided twice"), (guess, "already_used")] {
        let lost = asked.finish(None).err().unwrap();
        assert_eq!(lost.code, Code::Unavailable);
        assert!(lost.detail.contains(words), "{lost:?}");
    }
}

#[test]
fn an_idempotency_key_names_a_factor_of_its_tenant_and_without_one_each_request_makes_its_own() {
    let id = |key, event| *enrol(BODY, key, &entropy(event)).unwrap().ask.factor();
    assert_eq!(id(Some("k-1"), 1), id(Some("k-1"), 2));
    assert_ne!(id(Some("k-1"), 1), id(Some("k-2"), 1));
    assert_ne!(id(None, 1), id(None, 2));
    let other = with_caller(&tenant(1), KeyKind::Secret, |caller| {
        *api::parse_enrol(BODY.as_bytes(), caller, Some("k-1"), &index(), &entropy(1)).unwrap().ask.factor()
    });
    assert_ne!(id(Some("k-1"), 1).seed(), other.seed());
}

#[test]
fn ids_that_were_never_given_out_or_are_anothers_are_not_found_without_asking_a_store() {
    let made = *enrol(BODY, None, &entropy(1)).unwrap().ask.factor();
    let anothers = index().factor(&tenant(1), made.seed()).to_string();
    for id in ["", "fac_", "fac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &anothers] {
        assert_eq!(verify(id, r#"{"code":"000000"}"#).err().unwrap().code, Code::NotFound, "{id}");
    }
    assert!(verify(&made.to_string(), r#"{"code":"000000"}"#).is_ok());
}

#[test]
fn keys_that_are_in_apps_enrol_verify_and_remove_nothing() {
    let id = enrol(BODY, None, &entropy(1)).unwrap().ask.factor().to_string();
    with_caller(&tenant(0), KeyKind::Publishable, |caller| {
        let refused = [
            api::parse_enrol(BODY.as_bytes(), caller, None, &index(), &entropy(1)).err(),
            api::parse_verify(&id, br#"{"code":"000000"}"#, caller, &index()).err(),
            api::parse_remove(&id, caller, &index()).err(),
        ];
        assert!(refused.into_iter().all(|problem| problem.unwrap().code == Code::Forbidden));
    });
}

#[test]
fn a_refusal_names_the_field() {
    let cases = [
        ("", "The body must be a JSON object."),
        ("[]", "The body must be a JSON object."),
        (r#"{"issuer":"Shop"}"#, "account must be text."),
        (r#"{"account":"a","issuer":7}"#, "issuer must be text."),
        (r#"{"account":"a","issuer":"b","digits":"6"}"#, "digits must be 6 or 8."),
        (r#"{"account":"a","issuer":"b","digits":300}"#, "digits must be 6 or 8."),
        (r#"{"account":"a","issuer":"b","digits":7}"#, "digits must be 6 or 8."),
        (
            r#"{"account":"a","issuer":"b","algorithm":"md5"}"#,
            "algorithm must be \"sha1\", \"sha256\" or \"sha512\".",
        ),
        (
            r#"{"account":"a:b","issuer":"b"}"#,
            "account must be 1 to 64 printable characters without ':' or spaces at its ends.",
        ),
        (
            r#"{"account":"a","issuer":""}"#,
            "issuer must be 1 to 30 printable characters without ':' or spaces at its ends.",
        ),
        (
            r#"{"account":"a","issuer":"b","x":1}"#,
            "The body may hold these fields, each once: account, issuer, algorithm, digits.",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(detail(enrol(body, None, &entropy(1))), expected, "{body}");
    }
    for body in [
        r#"{"account":"a","issuer":"b","digits":null,"algorithm":null}"#,
        r#"{"account":"a","issuer":"b","digits":8,"algorithm":"sha512"}"#,
    ] {
        assert!(enrol(body, None, &entropy(1)).is_ok());
    }
}

#[test]
fn a_refused_guess_is_never_repeated() {
    let id = enrol(BODY, None, &entropy(1)).unwrap().ask.factor().to_string();
    for body in [
        r#"{"code":987654}"#,
        r#"{"code":"98765432100"}"#,
        r#"{"code":"987654x"}"#,
        r#"{"987654":1}"#,
        r#"{"code":"987654","987654":1}"#,
        r#"{"code":"987654","code":"987654"}"#,
        r#"{"code":["987654"]}"#,
        r#""987654""#,
        "987654",
        r#"{"code":"987654""#,
    ] {
        let detail = detail(verify(&id, body));
        assert!(!detail.contains("98765"), "{detail}");
        assert!(detail.contains("code") || detail.contains("JSON object"), "{detail}");
    }
}

#[test]
fn results_have_their_names() {
    let names = [
        (FactorResult::AlreadyUsed, "already_used"),
        (FactorResult::Locked, "locked"),
        (FactorResult::Verified, "verified"),
        (FactorResult::WrongCode, "wrong_code"),
    ];
    for (result, name) in names {
        let body = serde_json::to_string(&VerifiedFactor { result }).unwrap();
        assert_eq!(body, format!(r#"{{"result":"{name}"}}"#));
    }
}
