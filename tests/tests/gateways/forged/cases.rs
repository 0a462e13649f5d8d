//! What forgers post, each made from a genuine callback.

use tiffin_shared::reference::Reference;

use super::post::Post;
use super::post::Proof;
use super::post::Signer;
use super::post::tag_of;
use super::providers::Provider;

/// Telegram allows ten minutes, Vonage's tokens five, and its receipts 25 hours.
const TOO_OLD_S: u64 = 26 * 3_600;
/// More than a callback may hold.
const HUGE_BYTES: usize = 256 * 1024 + 1;
/// Every so many bytes one is altered; 1 alters them all.
const STEP: &str = "TIFFIN_FORGED_STEP";

/// An order, and what the provider said of its message.
pub struct Told {
    pub order: Reference,
    /// The last says that it arrived.
    pub posts: Vec<Post>,
}

/// One kind of forgery, or why there is none for this provider.
pub struct Case {
    pub name: &'static str,
    pub posts: Result<Vec<Post>, &'static str>,
    /// Whether it may be answered as if it were good, as long as nothing changes.
    pub may_pass: bool,
}

/// A provider with everything that it takes to forge.
pub struct Scene<'a> {
    pub provider: &'a Provider,
    pub own: Signer<'a>,
    /// The second account of the same kind.
    pub other: Signer<'a>,
    /// The secrets of both in their addresses.
    pub path_secrets: [String; 2],
    /// The order that is attacked.
    pub target: &'a Told,
    /// Another one of the same provider.
    pub bystander: &'a Told,
}

const UNSIGNED: &str = "nothing is signed";
const ONLY_SNS: &str = "only SNS can sign";
const NO_TIME: &str = "no time is signed";

impl Scene<'_> {
    /// From whatever network they come.
    pub fn forged(&self) -> Vec<Case> {
        let case = |name, posts| Case { name, posts, may_pass: false };
        vec![
            case("unsigned", self.unsigned()),
            case("other key", self.other_key()),
            case("bytes altered", self.altered()),
            case("status altered", self.status_altered()),
            case("other order", self.other_order()),
            case("at other account", self.at_other_account()),
            Case { name: "by other account", posts: self.by_other_account(), may_pass: true },
            case("path secret", self.wrong_path_secrets()),
            case("too old", self.too_old()),
            case("huge", Ok(vec![Post { body: vec![b'a'; HUGE_BYTES], ..self.genuine() }])),
            case("garbage", Ok(self.garbage())),
        ]
    }

    /// The callback that says that the target's message arrived.
    pub fn genuine(&self) -> Post {
        self.target.posts.last().cloned().expect("there are callbacks")
    }

    /// The same, but saying that it did not arrive; as the provider itself would say it, later.
    pub fn failed(&self) -> Result<Post, &'static str> {
        let [arrived, lost] = self.provider.words;
        let failed = self.genuine().replace(arrived, lost);
        match self.own.proof {
            Proof::Secret => Err("a hint may hurry another way"),
            Proof::Tag => Ok(failed),
            Proof::Topic => Err(ONLY_SNS),
            _ => self.own.sign(&failed).ok_or(UNSIGNED),
        }
    }

    fn unsigned(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        Ok(vec![self.genuine().without_proof(self.own.proof)])
    }

    fn other_key(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        let genuine = self.genuine();
        Ok(match self.own.proof {
            Proof::Tag => {
                let (own, name) = (genuine.tag().unwrap_or_default(), self.provider.name);
                let forged = [(name, "a guess"), ("another", self.own.secret)];
                let with = |(name, key)| genuine.replace(&own, &tag_of(name, key, &self.target.order));
                forged.map(with).to_vec()
            }
            // Of the same certificate, but of another event; and a certificate that is not SNS's.
            Proof::Topic => {
                let other = self.bystander.posts.last().map(|post| post.json("Signature"));
                let elsewhere =
                    "https://sns.eu-central-1.amazonaws.com.example/SimpleNotificationService-0.pem";
                let unknown = genuine.json("SigningCertURL").replace("0123", "3210");
                vec![
                    genuine.with_json("Signature", other.into()),
                    genuine.with_json("SigningCertURL", elsewhere.into()),
                    genuine.with_json("SigningCertURL", unknown.into()),
                ]
            }
            _ => {
                let signer = Signer { secret: "another secret", ..self.own };
                let with_others = Signer { secret: self.other.secret, ..self.own };
                [signer, with_others].iter().filter_map(|signer| signer.sign(&genuine)).collect()
            }
        })
    }

    /// Each byte of a tag, and every so many of a body that is signed.
    fn altered(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        let genuine = self.genuine();
        if let Some(tag) = genuine.tag().filter(|_| self.own.proof == Proof::Tag) {
            let altered = |at: usize| {
                let mut altered = tag.clone();
                altered.replace_range(at..=at, if &tag[at..=at] == "A" { "B" } else { "A" });
                genuine.replace(&tag, &altered)
            };
            // The last character has bits to spare, which must be zero.
            return Ok((0..tag.len()).map(altered).collect());
        }
        let step = std::env::var(STEP).ok().and_then(|text| text.parse().ok()).unwrap_or(13);
        Ok((0..genuine.body.len()).step_by(step).map(|at| genuine.with_altered(at)).collect())
    }

    fn status_altered(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        if self.own.proof == Proof::Tag {
            return Err("the check is of the message, not of what is said");
        }
        let [arrived, lost] = self.provider.words;
        Ok(vec![self.genuine().replace(arrived, lost)])
    }

    fn other_order(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        let genuine = self.genuine();
        if self.own.proof == Proof::Tag {
            // One of its two tags is another message's.
            let other = self.bystander.posts.last().and_then(Post::tag).unwrap_or_default();
            let text = String::from_utf8_lossy(&genuine.body).into_owned();
            let mixed = text.replacen(&genuine.tag().unwrap_or_default(), &other, 1);
            return Ok(vec![Post { body: mixed.into_bytes(), ..genuine }]);
        }
        let (own, other) = (self.target.order.order.to_string(), self.bystander.order.order.to_string());
        Ok(vec![genuine.replace(&own, &other), genuine.replace("n=1", "n=2").replace(".1", ".2")])
    }

    /// As it came, but at the second account's address.
    fn at_other_account(&self) -> Result<Vec<Post>, &'static str> {
        self.needs_signature()?;
        Ok(vec![self.genuine().at(&self.path_of_other())])
    }

    /// As the second account itself would post it, if it were told of this message.
    fn by_other_account(&self) -> Result<Vec<Post>, &'static str> {
        let [own, other] = self.provider.ids;
        let mut post = self.genuine();
        if !own.is_empty() {
            post = post.replace(own, other);
        }
        let post = post.at(&self.path_of_other());
        match self.own.proof {
            Proof::Secret | Proof::Tag => Ok(vec![post]),
            Proof::Topic => Err(ONLY_SNS),
            _ => self.other.sign(&post).map(|post| vec![post]).ok_or(UNSIGNED),
        }
    }

    fn wrong_path_secrets(&self) -> Result<Vec<Post>, &'static str> {
        let genuine = self.genuine();
        let (address, query) = self.address();
        let [own, other] = &self.path_secrets;
        if !self.provider.has_path_secret() {
            // Nor is there a second address.
            return Ok(vec![genuine.at(&format!("{address}/{own}x{query}"))]);
        }
        let shorter = own.get(1..).unwrap_or_default();
        let wrong = ["", "/", "/x", &format!("/{shorter}"), &format!("/{own}x"), &format!("/{other}")]
            .map(|wrong| genuine.at(&format!("{address}{wrong}{query}")));
        Ok(wrong.to_vec())
    }

    fn too_old(&self) -> Result<Vec<Post>, &'static str> {
        if self.own.proof == Proof::Topic {
            return Err(ONLY_SNS);
        }
        if !self.own.has_time() {
            return Err(NO_TIME);
        }
        let at = |now_s| Signer { now_s, ..self.own };
        let signers = [at(self.own.now_s - TOO_OLD_S), at(self.own.now_s + TOO_OLD_S)];
        Ok(signers.iter().filter_map(|signer| signer.sign(&self.genuine())).collect())
    }

    /// Nothing, and nonsense; signed, too.
    fn garbage(&self) -> Vec<Post> {
        let nonsense: [&[u8]; 5] =
            [b"", b"{}", b"[1,null,{\"a\":[]}]", b"\xff\xfe\0%%%&&==", b"status=delivered"];
        let posts = nonsense.map(|body| Post { body: body.to_vec(), ..self.genuine() });
        let signed = posts.iter().filter_map(|post| self.own.sign(post));
        signed.collect::<Vec<_>>().into_iter().chain(posts.clone()).collect()
    }

    fn needs_signature(&self) -> Result<(), &'static str> {
        if self.own.proof == Proof::Secret { Err(UNSIGNED) } else { Ok(()) }
    }

    /// The gateway's address without a secret, and the query with its question mark.
    fn address(&self) -> (String, String) {
        let path = self.genuine().path;
        let query = path.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        (format!("/callbacks/{}", self.provider.name), query)
    }

    fn path_of_other(&self) -> String {
        let (_, query) = self.address();
        let [_, secret] = &self.path_secrets;
        let secret = if self.provider.has_path_secret() { format!("/{secret}") } else { String::new() };
        format!("/callbacks/{}{secret}{query}", self.provider.other())
    }
}
