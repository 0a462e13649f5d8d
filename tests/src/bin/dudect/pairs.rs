//! What is timed, each as two inputs that must not be told apart.

use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::bytes;
use tiffin_shared::challenge::Bound;
use tiffin_shared::challenge::altcha;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::code;
use tiffin_shared::code::Code;
use tiffin_shared::code::Digest;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::factor;
use tiffin_shared::factor::Factor;
use tiffin_shared::factor::FactorKey;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Pepper;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::machine;
use tiffin_shared::time::UnixMs;

use super::Ruler;

// The same fixed keys and orders that the pure crate's own tests have.
#[path = "../../../../shared/tests/common/fixtures.rs"]
#[expect(dead_code, clippy::indexing_slicing, clippy::unwrap_used, reason = "made for tests")]
mod fixtures;

use self::fixtures::START;

/// All of them, each printed as it ends.
pub fn all(ruler: &Ruler) -> anyhow::Result<()> {
    digests(ruler)?;
    api_keys(ruler)?;
    names(ruler)?;
    guesses(ruler)?;
    challenges(ruler)?;
    factors(ruler)?;
    let inputs = [([1_u8; 4_096], [1_u8; 4_096]), ([1; 4_096], [2; 4_096])];
    ruler.pair("CONTROL, must differ: slices equal, or not at once", &inputs, |(left, right)| left == right);
    Ok(())
}

fn flipped<const N: usize>(text: &str, at: usize) -> anyhow::Result<String> {
    let mut all: [u8; N] = bytes::decode_array(text).context("base64")?;
    *all.get_mut(at).context("in range")? ^= 1;
    Ok(bytes::encode(&all))
}

fn digests(ruler: &Ruler) -> anyhow::Result<()> {
    let pepper = Pepper::new(&KeyId::parse("p1")?, [1; 32]);
    let order = OrderId::new([1; 16], LedgerId::new([2; 16]));
    let (tenant, service) = (TenantId::parse("shop")?, ServiceId::parse("login")?);
    let expires_at = START.plus(1);
    let bound = code::Bound {
        tenant: &tenant,
        order: &order,
        service: &service,
        binding: None,
        issued_at: START,
        expires_at,
    };
    let [right, wrong] = [Code::parse("123456")?, Code::parse("654321")?];
    let digest = Digest::new(&pepper, &bound, [3; 16], &right);
    let stored = serde_json::to_value(&digest)?;
    let with_tag = |at: usize| -> anyhow::Result<Digest> {
        let mut stored = stored.clone();
        let tag = flipped::<32>(stored.get("tag").and_then(Value::as_str).context("a tag")?, at)?;
        *stored.get_mut("tag").context("a tag")? = tag.into();
        Ok(serde_json::from_value(stored)?)
    };
    let matches = |(digest, guess): &(Digest, Code)| digest.matches(&pepper, &bound, guess);
    let tags = [(with_tag(0)?, right.clone()), (with_tag(31)?, right.clone())];
    ruler.pair("code digest: first byte differs, or the last", &tags, matches);
    let codes = [(digest.clone(), right), (digest, wrong)];
    ruler.pair("code digest: right code, or wrong", &codes, matches);
    Ok(())
}

fn api_keys(ruler: &Ruler) -> anyhow::Result<()> {
    let tenant = TenantId::parse("shop")?;
    let entry = |name: &str, digest| -> anyhow::Result<ApiKey> {
        let (origins, services) = (Vec::new(), Vec::new());
        let (id, tenant) = (KeyId::parse(name)?, tenant.clone());
        Ok(ApiKey { id, tenant, kind: KeyKind::Secret, digest, origins, services, revoked: false })
    };
    let key = || -> anyhow::Result<String> { Ok(write_key(KeyKind::Secret, host::random()?)) };
    let (near, far, first, last) = (key()?, key()?, key()?, key()?);
    let mut directory = Directory::default();
    directory.tenants.insert(tenant.clone(), Tenant::default());
    directory.keys.push(entry("first", key_digest(&first))?);
    // As if an attacker had found a key whose digest has 31 bytes in common with a stored one.
    let mut digest = key_digest(&near);
    digest.0.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
    directory.keys.push(entry("near", digest)?);
    for nth in 0..14 {
        directory.keys.push(entry(&format!("other-{nth}"), key_digest(&key()?))?);
    }
    directory.keys.push(entry("last", key_digest(&last))?);
    let look_up = |key: &String| directory.caller(key).is_some();
    ruler.pair("API key: unknown, 31 bytes of its digest known, or none", &[near, far.clone()], look_up);
    ruler.pair("API key: first of the list, or last", &[first, last.clone()], look_up);
    // Whoever shows a known key is told so. For the record.
    ruler.pair("API key: known, or not (public: 401)", &[last, far], look_up);
    Ok(())
}

fn names(ruler: &Ruler) -> anyhow::Result<()> {
    let index = IndexKey::new([1; 32]);
    let ledger = index.ledger("phone", "+919876543210");
    let with = |at: usize| -> anyhow::Result<LedgerId> {
        let text = flipped::<16>(&ledger.to_string(), at)?;
        Ok(LedgerId::new(bytes::decode_array(&text).context("16 bytes")?))
    };
    let knows = |ledger: &LedgerId| index.knows(*ledger);
    ruler.pair("ledger's name: first byte of the check differs, or the last", &[with(11)?, with(15)?], knows);
    ruler.pair("ledger's name: genuine, or made up", &[ledger, with(11)?], knows);
    Ok(())
}

fn guesses(ruler: &Ruler) -> anyhow::Result<()> {
    let create = fixtures::command(1, Ask::Create(Box::new(fixtures::create(0, 0, 0, 0))));
    let (reply, commit) = machine::run::<Ledger>(None, &create, START)?;
    let Outcome::Created { order, .. } = &reply.outcome else { anyhow::bail!("not created") };
    let code = fixtures::open(reply.due.first().context("a parcel")?).code;
    let wrong = if code.expose() == "000000" { "000001" } else { "000000" };
    let known = OrderId::parse(&order.id)?;
    let missing = OrderId::new([9; 16], known.ledger());
    let asked = |order: &OrderId, guess: &str| -> anyhow::Result<Arc<_>> {
        let (whose, guess) = (fixtures::whose(0, order), Code::parse(guess)?);
        Ok(Arc::new(fixtures::command(
            2,
            Ask::Verify(Verify { whose, guess, binding: None, solved: None, is_stranger: false }),
        )))
    };
    let body = commit.context("a ledger")?.body;
    let run = |command: &Arc<_>| machine::run::<Ledger>(Some(&body), command, START.plus(1)).is_ok();
    let [head, tail] = [code.expose().split_at(1).0, code.expose().split_at(5).0];
    let last = if code.expose().ends_with('0') { "1" } else { "0" };
    let first = if head == "0" { "1" } else { "0" };
    let near = format!("{tail}{last}");
    let far = format!("{first}{}", code.expose().split_at(1).1);
    ruler.pair("ledger: last digit wrong, or the first", &[asked(&known, &near)?, asked(&known, &far)?], run);
    ruler.pair(
        "ledger: no such order, or a wrong guess",
        &[asked(&missing, wrong)?, asked(&known, wrong)?],
        run,
    );
    Ok(())
}

/// As the widget submits it. Base64 with its padding, which our own never has.
fn answer(challenge: &Value, counter: u64, derived: &str) -> anyhow::Result<String> {
    let solution = json!({"counter": counter, "derivedKey": derived, "time": 1});
    let text = serde_json::to_vec(&json!({"challenge": challenge, "solution": solution}))?;
    let mut base64 = bytes::encode(&text).replace('-', "+").replace('_', "/");
    while !base64.len().is_multiple_of(4) {
        base64.push('=');
    }
    Ok(base64)
}

fn challenges(ruler: &Ruler) -> anyhow::Result<()> {
    let ring = format!("c1:{}", bytes::encode(&[1; 32]));
    let keys = Ring::parse(&ring, |id, key| Ok(ChallengeKey::new(id, key)))?;
    let tenant = TenantId::parse("shop")?;
    let bound = Bound { tenant: &tenant, ledger: LedgerId::new([2; 16]), visitor: None };
    let now = UnixMs(START.0);
    let issued = serde_json::to_value(altcha::issue(&keys, &bound, Cost::Light, &fixtures::entropy(1), now))?;
    let text = |path: &str| issued.pointer(path).and_then(Value::as_str).context("as issued");
    let signed = |at: usize| -> anyhow::Result<Value> {
        let mut signature = text("/signature")?.to_owned();
        let other = if signature.get(at..=at) == Some("0") { "1" } else { "0" };
        signature.replace_range(at..=at, other);
        let mut issued = issued.clone();
        *issued.get_mut("signature").context("a signature")? = signature.into();
        Ok(issued)
    };
    let zeros = "0".repeat(32);
    let half = format!("{}{zeros}", text("/parameters/keyPrefix")?);
    // A digit for a digit and a letter for a letter: reading hexadecimal takes a time that depends on the caller's text.
    let mut none = half.clone();
    let first = none.remove(0);
    let other = if first.is_ascii_digit() { char::from(b'0' + (first as u8 - b'0' + 1) % 10) } else { 'a' };
    none.insert(0, if other == first { 'b' } else { other });
    let check = |answer: &String| altcha::check(&keys, answer, &bound, Cost::Light, now).is_ok();
    let forged = [answer(&signed(0)?, 5_000, &half)?, answer(&signed(63)?, 5_000, &half)?];
    ruler.pair("challenge: signature's first digit differs, or the last", &forged, check);
    let solved = [answer(&issued, 5_000, &half)?, answer(&issued, 5_000, &none)?];
    ruler.pair("challenge: first digit of the solution right, or not", &solved, check);
    Ok(())
}

fn factors(ruler: &Ruler) -> anyhow::Result<()> {
    let ring = format!("f1:{}", bytes::encode(&[1; 32]));
    let keys = Arc::new(Ring::parse(&ring, |id, key| Ok(FactorKey::new(id, key)))?);
    let tenant = TenantId::parse("shop")?;
    let factor = IndexKey::new([1; 32]).factor(&tenant, [7; 16]);
    let whose = factor::Whose { tenant, factor };
    let command = |ask| factor::Command { keys: keys.clone(), entropy: fixtures::entropy(1), ask };
    let enrol = factor::Enrol {
        whose: whose.clone(),
        algorithm: Algorithm::Sha1,
        digits: 6,
        fingerprint: bytes::Bytes([0; 16]),
    };
    let (reply, commit) = machine::run::<Factor>(None, &command(factor::Ask::Enrol(enrol)), START)?;
    let factor::Outcome::Enrolled { seed, .. } = reply else { anyhow::bail!("not enrolled") };
    let body = commit.context("a factor")?.body;
    let code = totp::code(Algorithm::Sha1, &seed, totp::step_at(START), 6);
    let with = |at: usize| -> anyhow::Result<Arc<_>> {
        let mut guess = code.to_string();
        let digit = guess.get(at..=at).context("a digit")?.parse::<u8>()?;
        guess.replace_range(at..=at, &((digit + 1) % 10).to_string());
        let verify = factor::Verify { whose: whose.clone(), guess: Code::parse(&guess)? };
        Ok(Arc::new(command(factor::Ask::Verify(verify))))
    };
    let run = |command: &Arc<_>| machine::run::<Factor>(Some(&body), command, START).is_ok();
    ruler.pair("factor: first digit wrong, or the last", &[with(0)?, with(5)?], run);
    Ok(())
}
