//! Where a tenant's codes may go: its countries, no kinds of number that pay the called party, and no blocked prefix.

use tiffin_shared::directory::KeyKind;
use tiffin_tests::stack::Front;

use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;

const NOT_ALLOWED: &str = "destination_not_allowed";

/// Tenant, number, and the refusal it must get, before a bucket or a provider knows of it.
const REFUSED: [(&str, &str, u16, &str); 26] = [
    ("narrow", "+4915123456789", 403, NOT_ALLOWED),
    ("narrow", "+12025550143", 403, NOT_ALLOWED),
    ("narrow", "+918001234567890", 422, "invalid_phone"),
    ("narrow", "+881612345678", 403, NOT_ALLOWED),
    ("narrow", "+919870012345", 403, "blocked"),
    ("narrow", "+919870099999", 403, "blocked"),
    // Open to every country, and still not to these kinds.
    ("wide", "+19002345678", 403, NOT_ALLOWED),
    ("wide", "+449012345678", 403, NOT_ALLOWED),
    ("wide", "+4990012345678", 422, "invalid_phone"),
    ("wide", "+499001234567", 403, NOT_ALLOWED),
    ("wide", "+33899123456", 403, NOT_ALLOWED),
    ("wide", "+881612345678", 403, NOT_ALLOWED),
    ("wide", "+88213300000", 403, NOT_ALLOWED),
    ("wide", "+870773111632", 403, NOT_ALLOWED),
    ("wide", "+883510000000", 403, NOT_ALLOWED),
    ("wide", "+491801234567", 403, NOT_ALLOWED),
    ("wide", "+448431234567", 403, NOT_ALLOWED),
    ("wide", "+447012345678", 403, NOT_ALLOWED),
    ("wide", "+979123456789", 403, NOT_ALLOWED),
    // Nobody can have these.
    ("wide", "+11234567890", 422, "invalid_phone"),
    ("wide", "+15555550100", 422, "invalid_phone"),
    ("wide", "+9112345678", 422, "invalid_phone"),
    ("wide", "+999123456789", 422, "invalid_phone"),
    ("wide", "+4407911123456", 422, "invalid_phone"),
    // Named in no list: closed.
    ("closed", "+919876543210", 403, NOT_ALLOWED),
    ("closed", "+4915123456789", 403, NOT_ALLOWED),
];

const ACCEPTED: [(&str, &str); 8] = [
    ("narrow", "+919876543210"),
    ("narrow", "+919871012345"),
    ("wide", "+4915123456789"),
    ("wide", "+12015550123"),
    ("wide", "+447400123456"),
    ("wide", "+919870012345"),
    // Opened on purpose.
    ("paid", "+19002345678"),
    ("paid", "+4915123456789"),
];

fn settings() -> String {
    [
        fleet::tenant("narrow", "countries = [\"IN\"]\nblocked = [\"+9198700\"]"),
        fleet::tenant("wide", "countries = \"all\""),
        fleet::tenant("closed", ""),
        fleet::tenant("paid", "countries = [\"US\", \"DE\"]\nkinds = [\"premium_rate\"]"),
    ]
    .concat()
}

async fn closed_destinations_get_nothing(front: Front) -> anyhow::Result<()> {
    let mut keys = Vec::new();
    for name in ["narrow", "wide", "closed", "paid"] {
        keys.push(Key::of(name, KeyKind::Secret)?);
    }
    let stack = fleet::start(front, &settings(), &keys).await?;
    let caller = |tenant: &str| {
        let key = keys.iter().find(|key| key.entry.tenant.as_str() == tenant);
        key.map(|key| key.caller(&stack)).ok_or_else(|| anyhow::anyhow!("no tenant {tenant}"))
    };
    let mut wrong = Vec::new();
    for (tenant, phone, status, code) in REFUSED {
        let reply = caller(tenant)?.order(phone).await?;
        if told(&reply) != (status, Some(code)) {
            wrong.push(format!("{tenant} {phone}: {} {}", reply.status, reply.text));
        }
        assert!(!reply.text.contains(phone), "a refusal repeats no number: {}", reply.text);
        assert_eq!(stack.client.inbox(phone).await?.len(), 0, "{phone}");
    }
    for (tenant, phone) in ACCEPTED {
        let reply = caller(tenant)?.order(phone).await?;
        if reply.status != 202 {
            wrong.push(format!("{tenant} {phone}: {} {}", reply.status, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn closed_destinations_get_nothing_at_the_wasm_edge() -> anyhow::Result<()> {
    closed_destinations_get_nothing(Front::Edge).await
}

#[tokio::test]
async fn closed_destinations_get_nothing_standalone() -> anyhow::Result<()> {
    closed_destinations_get_nothing(Front::Standalone).await
}
