//! The line that lets a browser or a phone fill in the code.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common::replaced;

async fn the_line_for_machines_arrives_where_the_service_has_one(front: Front) -> anyhow::Result<()> {
    let line = "autofill = { host = \"example.com\", android_hash = \"FA+9qCX9VSu\" }";
    let brand = "brand = \"Tiffin\"\n";
    let edit = |toml: &str| replaced(toml, brand, &format!("{brand}{line}\n"));
    for (has_line, stack) in [
        (true, Stack::start_with_settings(front, Backing::Memory, edit).await?),
        (false, Stack::start(front, Backing::Memory).await?),
    ] {
        let (client, phone) = (&stack.client, fresh_phone());
        let id = client.order(&phone).await?;
        let code = client.code(&phone).await?;
        let words =
            format!("{code} is your Tiffin code. It expires in 5 minutes. Never share it with anyone.");
        let machines = format!("\n\n@example.com #{code} FA+9qCX9VSu");
        let text = if has_line { words + &machines } else { words };
        assert_eq!(client.inbox(&phone).await?[0]["text"], text);
        assert_eq!(client.guess(&id, &code).await?, "verified");
    }
    Ok(())
}

#[tokio::test]
async fn the_line_for_machines_arrives_at_the_wasm_edge() -> anyhow::Result<()> {
    the_line_for_machines_arrives_where_the_service_has_one(Front::Edge).await
}

#[tokio::test]
async fn the_line_for_machines_arrives_standalone() -> anyhow::Result<()> {
    the_line_for_machines_arrives_where_the_service_has_one(Front::Standalone).await
}
