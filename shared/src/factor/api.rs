//! From a request's parts to a question, and from the answer to the reply's parts.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Ask;
use super::Enrol;
use super::FactorId;
use super::Outcome;
use super::Verify;
use super::Whose;
use super::otpauth::Label;
use super::qr;
use crate::bytes;
use crate::code::Code;
use crate::directory::Caller;
use crate::directory::KeyKind;
use crate::entropy::Entropy;
use crate::keys::IndexKey;
use crate::problem;
use crate::problem::Problem;
use crate::wire::factor::EnrolFactor;
use crate::wire::factor::EnrolledFactor;
use crate::wire::factor::VerifiedFactor;
use crate::wire::factor::VerifyFactor;
use crate::wire::object::Object;

/// Digits of a code where the request names none.
const DIGITS_DEFAULT: u8 = 6;

/// A question to a factor, and what is needed to answer the caller afterwards.
pub struct Pending {
    /// What to ask of the factor that it names.
    pub ask: Ask,
    /// What the app shows, where one is enrolled.
    label: Option<Label>,
}

/// What a reply is made of.
pub struct Reply {
    /// 200, 201 or 204.
    pub status: u16,
    /// JSON; none with 204.
    pub body: Option<String>,
    /// An earlier request with this idempotency key was answered alike: say so in `Idempotency-Replayed`.
    pub replayed: bool,
}

/// `POST /v1/factors`. The same idempotency key names the same factor, so that a repeated request makes no second one;
/// without a key, each request makes a factor.
pub fn parse_enrol(
    body: &[u8],
    caller: &Caller<'_>,
    idempotency_key: Option<&str>,
    index: &IndexKey,
    entropy: &Entropy,
) -> Result<Pending, Problem> {
    server_only(caller)?;
    let asked: EnrolFactor = read(body, &ENROL)?;
    let (algorithm, digits) = (asked.algorithm.unwrap_or_default(), asked.digits.unwrap_or(DIGITS_DEFAULT));
    let label = Label::new(&asked.account, &asked.issuer, algorithm, digits)
        .map_err(|error| invalid(format!("{error}.")))?;
    let tenant = caller.id;
    let seed = match idempotency_key {
        Some(key) => {
            let named = bytes::prefixed(&[tenant.as_str().as_bytes(), key.as_bytes()]);
            index.fingerprint("factor-id", &named).0
        }
        None => entropy.derive("factor/id"),
    };
    // Of the content, not its spelling.
    let content = bytes::prefixed(&[
        label.account().as_bytes(),
        label.issuer().as_bytes(),
        algorithm.as_str().as_bytes(),
        &[digits],
    ]);
    let whose = Whose { tenant: tenant.clone(), factor: index.factor(tenant, seed) };
    let fingerprint = index.fingerprint("factor", &content);
    let ask = Ask::Enrol(Enrol { whose, algorithm, digits, fingerprint });
    Ok(Pending { ask, label: Some(label) })
}

/// `POST /v1/factors/{id}/verify`.
pub fn parse_verify(
    id: &str,
    body: &[u8],
    caller: &Caller<'_>,
    index: &IndexKey,
) -> Result<Pending, Problem> {
    server_only(caller)?;
    let whose = whose(id, caller, index)?;
    let VerifyFactor { code } = read(body, &VERIFY)?;
    Ok(Pending { ask: Ask::Verify(Verify { whose, guess: code }), label: None })
}

/// `DELETE /v1/factors/{id}`.
pub fn parse_remove(id: &str, caller: &Caller<'_>, index: &IndexKey) -> Result<Pending, Problem> {
    server_only(caller)?;
    Ok(Pending { ask: Ask::Remove(whose(id, caller, index)?), label: None })
}

impl Pending {
    /// The reply's parts. `outcome` is `None` when the factor could not be reached: verification fails closed.
    pub fn finish(&self, outcome: Option<Outcome>) -> Result<Reply, Problem> {
        let outcome = outcome.ok_or_else(|| self.lost())?;
        if let Some(problem) = outcome.problem() {
            return Err(problem);
        }
        match outcome {
            Outcome::Enrolled { seed, replayed } => {
                let label = self.label.as_ref().ok_or_else(broken)?;
                let otpauth_uri = label.uri(&seed);
                let qr_svg = qr::svg(&otpauth_uri).ok_or_else(broken)?;
                let id = self.ask.factor().to_string();
                Ok(Reply { replayed, ..json(201, &EnrolledFactor { id, otpauth_uri, qr_svg })? })
            }
            Outcome::Removed => Ok(Reply { status: 204, body: None, replayed: false }),
            Outcome::Verified(result) => json(200, &VerifiedFactor { result }),
            Outcome::IdempotencyMismatch
            | Outcome::NotFound
            | Outcome::RateLimited { .. }
            | Outcome::Spent
            | Outcome::Unavailable => Err(broken()),
        }
    }

    /// Whether it was done is not known.
    fn lost(&self) -> Problem {
        match self.ask {
            // A guess that comes twice is two guesses.
            Ask::Verify(_) => Problem::unavailable(
                "The answer is not known. Send the code again while it is shown: `already_used` says that it was right and has counted.",
            ),
            Ask::Enrol(_) | Ask::Remove(_) => broken(),
        }
    }
}

/// Whose factor it is, the tenant's server knows and a key inside an app does not.
fn server_only(caller: &Caller<'_>) -> Result<(), Problem> {
    match caller.key.kind {
        KeyKind::Secret => Ok(()),
        KeyKind::Publishable => {
            let detail = "Factors need a secret key (sk_…): call from your server, not from an app.";
            Err(Problem::new(problem::Code::Forbidden, detail))
        }
    }
}

fn whose(id: &str, caller: &Caller<'_>, index: &IndexKey) -> Result<Whose, Problem> {
    let known = FactorId::parse(id).ok().filter(|factor| index.knows_factor(caller.id, factor));
    let factor = known.ok_or_else(|| Outcome::NotFound.problem().unwrap_or_else(broken))?;
    Ok(Whose { tenant: caller.id.clone(), factor })
}

fn json(status: u16, body: &impl serde::Serialize) -> Result<Reply, Problem> {
    let body = serde_json::to_string(body).map_err(|_| broken())?;
    Ok(Reply { status, body: Some(body), replayed: false })
}

fn broken() -> Problem {
    Problem::unavailable("The answer is not known. Retry: the same request is not decided twice.")
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(problem::Code::InvalidRequest, detail)
}

/// A field of a body, for words that name it and never repeat what stood in it.
struct Field {
    name: &'static str,
    must: &'static str,
    is_required: bool,
    fits: fn(&Value) -> bool,
}

const ENROL: [Field; 4] = [
    Field { name: "account", must: "text", is_required: true, fits: Value::is_string },
    Field { name: "issuer", must: "text", is_required: true, fits: Value::is_string },
    Field {
        name: "algorithm",
        must: "\"sha1\", \"sha256\" or \"sha512\"",
        is_required: false,
        fits: |value| value.is_null() || ["sha1", "sha256", "sha512"].iter().any(|name| value == name),
    },
    Field {
        name: "digits",
        must: "6 or 8",
        is_required: false,
        fits: |value| value.is_null() || value.as_u64().is_some_and(|digits| digits <= 255),
    },
];

const VERIFY: [Field; 1] = [Field {
    name: "code",
    must: "4 to 10 digits as text",
    is_required: true,
    fits: |value| value.as_str().is_some_and(|text| Code::parse(text).is_ok()),
}];

fn read<T: DeserializeOwned>(body: &[u8], fields: &[Field]) -> Result<T, Problem> {
    // The parser's own words could repeat a code.
    let read = bytes::read_json::<Object<T>>(body).map(|Object(value)| value);
    read.map_err(|_| {
        let Ok(Value::Object(found)) = bytes::read_json::<Value>(body) else {
            return invalid("The body must be a JSON object.");
        };
        let wrong = fields.iter().find(|field| match found.get(field.name) {
            Some(value) => !(field.fits)(value),
            None => field.is_required,
        });
        match wrong {
            Some(Field { name, must, .. }) => invalid(format!("{name} must be {must}.")),
            None => {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                invalid(format!("The body may hold these fields, each once: {}.", names.join(", ")))
            }
        }
    })
}
