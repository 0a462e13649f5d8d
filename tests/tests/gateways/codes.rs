//! What the providers' codes mean can be corrected while core runs.

use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// Orders until the first attempt fails for this reason: the file is read within seconds.
async fn until_reason(stack: &Stack, reason: &str) -> anyhow::Result<()> {
    let look = || async {
        let id = stack.client.order(&fresh_phone()).await?;
        let order = wait::until(
            "the first attempt's end",
            || stack.client.fetch(&id),
            |reply| reply.body["attempts"][0]["state"] == "failed",
        );
        Ok(order.await?.body["attempts"][0]["reason"].clone())
    };
    wait::until(reason, look, |found: &Value| found == reason).await.map(drop)
}

#[tokio::test]
async fn a_correction_of_a_code_takes_effect_without_a_restart() -> anyhow::Result<()> {
    let dir = tempfile::TempDir::with_prefix("tiffin-codes-")?;
    let file = dir.path().join("codes.toml");
    std::fs::write(&file, "")?;
    let path = file.display().to_string();
    let more = [("TIFFIN_DELIVERY_CODES_PATH", path.as_str())];
    // With another way the router would soon prefer it.
    let one = |toml: &str| toml.split("# A second account").next().unwrap_or_default().to_owned();
    let mut stack = Stack::launch(Front::Standalone, Backing::Memory, &more, one).await?;
    let pid = stack.core()?.pid();
    stack.client.fault_as("twilio-sms", &json!({"mode": "reject", "code": 45_678})).await?;
    until_reason(&stack, "rejected").await?;

    std::fs::write(&file, "[twilio]\n45678 = \"absent_temporary\"\n")?;
    until_reason(&stack, "absent_temporary").await?;
    std::fs::write(&file, "[gateway.twilio-sms]\n45678 = \"sender_unapproved\"\n")?;
    until_reason(&stack, "sender_unapproved").await?;

    // A mistake is told, and leaves what was there.
    std::fs::write(&file, "[twilio]\n45678 = \"sad\"\n")?;
    let core = stack.core()?;
    let said = || core.log().contains("codes cannot be used");
    wait::until("the complaint", || async { Ok(said()) }, |said| *said).await?;
    until_reason(&stack, "sender_unapproved").await?;
    let (is_well, said) = stack.run(&["check-config"])?;
    assert!(!is_well && said.contains("delivery.codes_path") && said.contains("sad"), "{said}");
    assert_eq!(stack.core()?.pid(), pid);
    assert!(stack.core()?.is_running());
    Ok(())
}
