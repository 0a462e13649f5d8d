//! A callback as a provider posts it, and what a forger would make of it.

use tiffin_core::gateways::plivo;
use tiffin_core::gateways::smtp::tag;
use tiffin_core::gateways::smtp::tag::Tags;
use tiffin_core::gateways::telegram;
use tiffin_core::gateways::twilio;
use tiffin_core::gateways::vonage_messages::token;
use tiffin_core::gateways::vonage_sms::signature;
use tiffin_core::gateways::vonage_sms::signature::Method;
use tiffin_core::gateways::vonage_sms::signature::Params;
use tiffin_core::gateways::whatsapp;
use tiffin_shared::reference::Reference;

/// The header that the gateway by configuration signs in.
pub const HTTP_HEADER: &str = "x-signature";

/// A callback.
#[derive(Clone, Debug)]
pub struct Post {
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// How a kind's callbacks prove where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// As a gateway by configuration has it: the HMAC of the body, in a header of its own.
    Http,
    Plivo,
    /// By nothing but the secret in the address.
    Secret,
    /// By a check of ours in the report, and the secret in the address.
    Tag,
    Telegram,
    /// A topic of SNS: nobody else can sign.
    Topic,
    Twilio,
    VonageMessages,
    VonageSms,
    Whatsapp,
}

/// Who signs.
pub struct Signer<'a> {
    pub proof: Proof,
    /// Of the gateway that the callback is posted to.
    pub secret: &'a str,
    /// The account, where a callback names it beside its body.
    pub id: &'a str,
    /// As core knows itself.
    pub public_url: &'a str,
    /// Seconds since 1970.
    pub now_s: u64,
}

impl Post {
    /// Whose address it came to.
    pub fn gateway(&self) -> Option<&str> {
        let path = self.path.split('?').next()?;
        path.strip_prefix("/callbacks/")?.split('/').next()
    }

    /// With another text in the place of one, in address and body.
    pub fn replace(&self, from: &str, to: &str) -> Self {
        let body = String::from_utf8_lossy(&self.body).replace(from, to).into_bytes();
        Self { path: self.path.replace(from, to), body, ..self.clone() }
    }

    /// At another address.
    pub fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// With one bit of this byte turned.
    pub fn with_altered(&self, at: usize) -> Self {
        let mut altered = self.clone();
        altered.body[at] ^= 1;
        altered
    }

    /// Without what proves anything; a post whose proof is the address has nothing to lose.
    pub fn without_proof(&self, proof: Proof) -> Self {
        let mut bare = self.clone();
        let names: &[&str] = match proof {
            Proof::Http => &[HTTP_HEADER],
            Proof::Plivo => &plivo::SIGNATURE_HEADERS,
            Proof::Telegram => &[telegram::SIGNATURE_HEADER],
            Proof::Twilio => &[twilio::SIGNATURE_HEADER],
            Proof::VonageMessages => &["authorization"],
            Proof::Whatsapp => &[whatsapp::SIGNATURE_HEADER],
            Proof::Secret | Proof::Tag | Proof::Topic | Proof::VonageSms => &[],
        };
        bare.headers.retain(|(name, _)| !names.contains(&name.as_str()));
        match proof {
            Proof::Tag => self.tag().map_or(bare, |tag| self.replace(&tag, "nobody")),
            Proof::Topic => self.with_json("Signature", "".into()),
            Proof::VonageSms => {
                let params: Vec<_> = bare.form().into_iter().filter(|(name, _)| name != "sig").collect();
                bare.with_form(&params)
            }
            _ => bare,
        }
    }

    /// The tag of ours in a report.
    pub fn tag(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let at = text.find(tag::PREFIX)? + tag::PREFIX.len();
        text.get(at..at + tag::TAG_CHARS).map(str::to_owned)
    }

    /// With another text in a field of an object.
    pub fn with_json(&self, field: &str, value: serde_json::Value) -> Self {
        let mut json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json[field] = value;
        Self { body: json.to_string().into_bytes(), ..self.clone() }
    }

    pub fn json(&self, field: &str) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json[field].as_str().unwrap_or_default().to_owned()
    }

    /// The body as names and values.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub fn with_form(&self, params: &[(String, String)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        Self { body: body.into_bytes(), ..self.clone() }
    }

    fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map_or("", |(_, value)| value.as_str())
    }

    fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

impl Signer<'_> {
    /// The post, signed as its provider would; nothing where only the provider can, or nobody does.
    pub fn sign(&self, post: &Post) -> Option<Post> {
        let mut signed = post.clone();
        let (secret, url) = (self.secret, format!("{}{}", self.public_url, post.path));
        match self.proof {
            Proof::Secret | Proof::Tag | Proof::Topic => return None,
            // Meta's scheme, prefix and all.
            Proof::Http => signed.set_header(HTTP_HEADER, &whatsapp::sign(secret, &post.body)),
            Proof::Plivo => {
                let nonce = post.header(plivo::NONCE_HEADER);
                let signature = plivo::signature::sign(secret, &url, &post.form(), nonce);
                plivo::SIGNATURE_HEADERS.iter().for_each(|name| signed.set_header(name, &signature));
            }
            Proof::Telegram => {
                let time = self.now_s.to_string();
                let signature = telegram::sign(secret, &time, &post.body);
                signed.set_header(telegram::TIMESTAMP_HEADER, &time);
                signed.set_header(telegram::SIGNATURE_HEADER, &signature);
            }
            Proof::Twilio => {
                let signature = twilio::signature::sign(secret, &url, &post.form());
                signed.set_header(twilio::SIGNATURE_HEADER, &signature);
            }
            Proof::VonageMessages => {
                let claims = token::Claims {
                    iat: self.now_s,
                    jti: "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5".to_owned(),
                    iss: "Vonage".to_owned(),
                    payload_hash: token::payload_hash(&post.body),
                    api_key: self.id.to_owned(),
                };
                signed.set_header("authorization", &format!("Bearer {}", token::sign(secret, &claims)));
            }
            Proof::VonageSms => {
                let mut params: Params = post.form().into_iter().collect();
                params.insert("timestamp".to_owned(), self.now_s.to_string());
                let signature = signature::sign(Method::Sha256, secret, &params);
                params.insert("sig".to_owned(), signature);
                signed = signed.with_form(&params.into_iter().collect::<Vec<_>>());
            }
            Proof::Whatsapp => {
                signed.set_header(whatsapp::SIGNATURE_HEADER, &whatsapp::sign(secret, &post.body));
            }
        }
        Some(signed)
    }

    /// Whether the scheme signs a time.
    pub fn has_time(&self) -> bool {
        matches!(self.proof, Proof::Telegram | Proof::VonageMessages | Proof::VonageSms)
    }
}

/// The tag that a gateway with this key would make.
pub fn tag_of(gateway: &str, key: &str, attempt: &Reference) -> String {
    Tags::new(gateway, key).make(attempt).unwrap_or_default()
}
