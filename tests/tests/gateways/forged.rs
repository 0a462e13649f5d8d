//! Callbacks that the provider did not make, not so, not for this gateway, not now, or not for the first time: one table
//! over all kinds of gateway. The sandbox's genuine callbacks go to a recorder, and from there, forged, to core.

mod cases;
mod post;
pub(crate) mod providers;
mod recorder;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context;
use futures::future::try_join_all;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::kinds;
use tiffin_core::host;
use tiffin_shared::id::OrderId;
use tiffin_shared::reference::Reference;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use self::cases::Case;
use self::cases::Scene;
use self::cases::Told;
use self::post::Post;
use self::post::Proof;
use self::post::Signer;
use self::providers::Provider;
use self::recorder::Recorder;

/// Another address of this machine, outside of every gateway's `callback_sources`.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Longer than the test, so that nothing moves by itself, and shorter than the life of a code.
const PATIENT_MS: u32 = 200_000;
/// Long enough for the provider's reports, short enough to wait for.
const IMPATIENT_MS: u32 = 6_000;

/// An installation that is told of no callback but by this test.
struct Bench {
    stack: Stack,
    recorder: Recorder,
    known: reqwest::Client,
    stranger: reqwest::Client,
    /// What went through that should not have.
    holes: Mutex<Vec<String>>,
}

/// Answers by case.
type Row = BTreeMap<&'static str, String>;

impl Bench {
    async fn start(waiting_ms: u32) -> anyhow::Result<Self> {
        let recorder = Recorder::start().await?;
        let smtp = format!("127.0.0.1:{}", wait::free_ports(1)?);
        let more = [
            ("TIFFIN_SERVER_PUBLIC_URL", recorder.url.as_str()),
            ("TIFFIN_SANDBOX_SMTP_LISTEN", smtp.as_str()),
            ("TIFFIN_GATEWAY_SEALED_SIGNATURE_SECRET", "a secret of the first account"),
            ("TIFFIN_GATEWAY_SEALED_B_SIGNATURE_SECRET", "a secret of the second account"),
            ("TIFFIN_GATEWAY_VONAGE_OPEN_SIGNATURE_SECRET", ""),
            ("TIFFIN_GATEWAY_VONAGE_OPEN_B_SIGNATURE_SECRET", ""),
        ];
        let edit = |text: &str| providers::settings(text, waiting_ms);
        let stack = Stack::launch(Front::Standalone, Backing::Memory, &more, edit).await?;
        // What was too large ends its connection.
        let client = || reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let stranger = client().local_address(STRANGER).build()?;
        Ok(Self { stack, recorder, known: client().build()?, stranger, holes: Mutex::default() })
    }

    /// Orders a code that goes by this provider, and waits until all was said of it.
    async fn order(&self, provider: &Provider, digits: u32) -> anyhow::Result<Told> {
        let body = json!({
            "to": provider.address(digits), "service": provider.channel, "channel": provider.channel,
        });
        let before = self.recorder.of(provider.name, 0).await?.len();
        let reply = self.stack.client.create(&fresh_key(), &body).await?;
        anyhow::ensure!(reply.status == 202, "{}: {reply:?}", provider.name);
        let id = reply.id()?;
        let posts = self.recorder.of(provider.name, before + provider.posts).await;
        let order = self.stack.client.until_state(&id, "sent").await?;
        let posts = posts.with_context(|| order.to_string())?.split_off(before);
        assert_eq!(order["attempts"][0]["gateway"], provider.name, "{order}");
        Ok(Told { order: Reference { order: OrderId::parse(&id)?, n: 1 }, posts })
    }

    async fn fetch(&self, told: &Told) -> anyhow::Result<Reply> {
        self.stack.client.fetch(&told.order.order.to_string()).await
    }

    async fn post(&self, client: &reqwest::Client, post: &Post) -> anyhow::Result<u16> {
        let mut request = client.post(format!("{}{}", self.stack.client.core, post.path));
        for (name, value) in &post.headers {
            request = request.header(name, value);
        }
        Ok(request.body(post.body.clone()).send().await?.status().as_u16())
    }

    /// Posts them all, and says how they were answered.
    async fn answers(&self, posts: &[Post]) -> anyhow::Result<BTreeSet<u16>> {
        let mut answers = BTreeSet::new();
        for post in posts {
            answers.insert(self.post(&self.known, post).await?);
        }
        Ok(answers)
    }

    /// The genuine word that the message arrived, and its effect. The order.
    async fn deliver(&self, provider: &Provider, told: &Told) -> anyhow::Result<(u16, Reply)> {
        let before = self.fetch(told).await?;
        let post = told.posts.last().context("no callback")?;
        let answer = self.post(&self.known, post).await?;
        // An unsigned one moves what the order waits for, and nothing else.
        let is_hint = provider.proof == Proof::Secret;
        let is_moved = |reply: &Reply| reply.text != before.text;
        let what = format!("the effect of {} on {}: {answer}", provider.name, before.text);
        let after = if is_hint {
            wait::until(
                &what,
                || async { self.shown(told) },
                |said| said.contains("attempt 1 arrived, by an unsigned receipt"),
            )
            .await?;
            self.fetch(told).await?
        } else {
            wait::until(&what, || self.fetch(told), is_moved).await?
        };
        let expected = if is_hint { "sent" } else { "delivered" };
        assert_eq!(after.body["state"], expected, "{}: {}", provider.name, after.text);
        assert_eq!(after.body["attempts"].as_array().map(Vec::len), Some(1), "{}", after.text);
        assert_eq!(after.body["attempts"][0]["state"], expected, "{}", after.text);
        Ok((answer, after))
    }

    /// What an operator sees of the order.
    fn shown(&self, told: &Told) -> anyhow::Result<String> {
        let order = told.order.order.to_string();
        let core = [("TIFFIN_OPS_URL", self.stack.client.core.as_str())];
        Ok(self.stack.run_with(&["order", "show", &order], &core)?.1)
    }

    fn check(&self, is_well: bool, what: &str) {
        if !is_well {
            self.holes.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
        }
    }

    fn secret(&self, gateway: &str, name: &str) -> String {
        let name = format!("{gateway}_{name}").to_uppercase().replace('-', "_");
        self.stack.variable(&format!("TIFFIN_GATEWAY_{name}")).unwrap_or_default().to_owned()
    }

    async fn row(&self, provider: &Provider) -> anyhow::Result<Row> {
        let (target, bystander) = (self.order(provider, 1).await?, self.order(provider, 2).await?);
        let (later, other) = (self.order(provider, 3).await?, provider.other());
        let secrets = [provider.name, &other].map(|name| self.secret(name, secret_name(provider.proof)));
        let path_secrets = [provider.name, &other].map(|name| self.secret(name, "callback_secret"));
        let signer = |at: usize| Signer {
            proof: provider.proof,
            secret: &secrets[at],
            id: provider.ids[at],
            public_url: &self.recorder.url,
            now_s: host::now().0 / 1_000,
        };
        let (own, other) = (signer(0), signer(1));
        let (target, bystander) = (&target, &bystander);
        let scene = Scene { provider, own, other, path_secrets, target, bystander };
        let mut row = Row::new();
        self.refuses(&scene, &mut row).await?;

        let (answer, delivered) = self.deliver(provider, target).await?;
        row.insert("genuine", answer.to_string());
        let sent = target.posts.split_last().map(|(_, before)| before.to_vec()).unwrap_or_default();
        let no_step = "it tells of no step before";
        let replays = [
            ("again", Ok(vec![scene.genuine(), scene.genuine()])),
            ("then failed", scene.failed().map(|post| vec![post])),
            ("then sent", if sent.is_empty() { Err(no_step) } else { Ok(sent) }),
        ];
        for (name, posts) in replays {
            let answers = match posts {
                Ok(posts) => shown(&self.answers(&posts).await?),
                Err(why) => format!("- {why}"),
            };
            row.insert(name, answers);
        }
        // What they had changed would have been told before this.
        self.deliver(provider, &later).await?;
        let after = self.fetch(target).await?.text;
        self.check(after == delivered.text, &format!("{}: replayed: {after}", provider.name));
        Ok(row)
    }

    /// Posts everything forged, and nothing changes.
    async fn refuses(&self, scene: &Scene<'_>, row: &mut Row) -> anyhow::Result<()> {
        let (name, orders) = (scene.provider.name, [scene.target, scene.bystander]);
        let mut before = try_join_all(orders.map(|told| self.fetch(told))).await?;
        let abroad = self.post(&self.stranger, &scene.genuine()).await?;
        self.check(abroad == 401, &format!("{name}: from another network: {abroad}"));
        row.insert("other network", abroad.to_string());
        for Case { name: case, posts, may_pass } in scene.forged() {
            let answers = match posts {
                Ok(posts) => {
                    assert!(!posts.is_empty(), "{name}: {case}");
                    let answers = self.answers(&posts).await?;
                    let is_refused = |answer: &u16| match case {
                        // Read whole, not cut short and then refused for its signature.
                        "huge" => *answer == 413,
                        _ => (400..500).contains(answer) || may_pass,
                    };
                    self.check(answers.iter().all(is_refused), &format!("{name}: {case}: {answers:?}"));
                    shown(&answers)
                }
                Err(why) => format!("- {why}"),
            };
            row.insert(case, answers);
            let after = try_join_all(orders.map(|told| self.fetch(told))).await?;
            for (before, after) in before.iter().zip(&after) {
                let what = format!("{name}: {case}: {} became {}", before.text, after.text);
                self.check(before.text == after.text, &what);
            }
            before = after;
        }
        // What they had changed would have been told before this: the bystander's genuine callback.
        let target = self.fetch(scene.target).await?;
        self.deliver(scene.provider, scene.bystander).await?;
        let after = self.fetch(scene.target).await?.text;
        self.check(after == target.text, &format!("{name}: {} became {after}", target.text));
        Ok(())
    }
}

/// What its callbacks are signed with.
fn secret_name(proof: Proof) -> &'static str {
    match proof {
        Proof::Plivo | Proof::Twilio => "auth_token",
        Proof::Secret | Proof::Topic => "none",
        Proof::Tag => "bounce_key",
        Proof::Telegram => "api_token",
        Proof::Http | Proof::VonageMessages | Proof::VonageSms => "signature_secret",
        Proof::Whatsapp => "app_secret",
    }
}

fn shown(answers: &BTreeSet<u16>) -> String {
    answers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn forged_callbacks_change_nothing_at_any_gateway() -> anyhow::Result<()> {
    let names: BTreeSet<_> = providers::ALL.iter().map(|provider| provider.kind).collect();
    let known: BTreeSet<_> = kinds::ALL.iter().map(|kind| kind.name).collect();
    let missing: Vec<_> = known.difference(&names).filter(|kind| !providers::SILENT.contains(kind)).collect();
    assert!(missing.is_empty(), "kinds of gateway that are not tried: {missing:?}");

    let bench = Bench::start(PATIENT_MS).await?;
    let rows = try_join_all(providers::ALL.iter().map(async |provider| {
        let row = bench.row(provider).await.with_context(|| provider.name)?;
        anyhow::Ok((provider, row))
    }));
    for (provider, row) in rows.await? {
        println!("{} ({})", provider.kind, provider.name);
        row.iter().for_each(|(case, answers)| println!("    {case:<18}{answers}"));
    }
    let holes = bench.holes.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(holes.is_empty(), "{holes:#?}");
    Ok(())
}

/// Nothing signs it, so that it moves when the order looks elsewhere, and nothing else.
#[tokio::test]
async fn an_unsigned_word_of_arrival_keeps_other_ways_from_being_tried() -> anyhow::Result<()> {
    let bench = Bench::start(IMPATIENT_MS).await?;
    // Infobip can be asked: its own word is as good as a signed receipt, and comes first.
    let is_asked = |name: &str| name == "infobip";
    let hinting = providers::ALL.iter().filter(|it| it.proof == Proof::Secret && !is_asked(it.name));
    try_join_all(hinting.map(async |provider| {
        let name = provider.name;
        let (hinted, silent) = (bench.order(provider, 1).await?, bench.order(provider, 2).await?);
        let post = hinted.posts.last().context("no callback")?;
        assert!((200..300).contains(&bench.post(&bench.known, post).await?), "{name}");
        let has_two = |reply: &Reply| reply.body["attempts"].as_array().map(Vec::len) == Some(2);
        let failed_over = wait::until(name, || bench.fetch(&silent), has_two).await?;
        assert_eq!(failed_over.body["attempts"][1]["gateway"], "second", "{name}");
        // The hinted one was ordered first, and its silence would have counted first.
        let Value::Array(attempts) = &bench.fetch(&hinted).await?.body["attempts"] else {
            anyhow::bail!("{name}: no attempts")
        };
        assert_eq!((attempts.len(), &attempts[0]["state"]), (1, &json!("sent")), "{name}");
        anyhow::Ok(())
    }))
    .await?;
    Ok(())
}
