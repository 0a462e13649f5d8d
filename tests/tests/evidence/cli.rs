//! `tiffin order evidence`: fetches a packet, and checks it without anybody's help.

use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::delivered;

#[tokio::test]
async fn a_packet_is_fetched_by_the_command_line_and_checked_offline() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let id = delivered(&stack).await?;
    let (page, file) = (stack.dir().join("page.html"), stack.dir().join("packet.json"));
    let (page_name, file_name) = (page.display().to_string(), file.display().to_string());
    let url = stack.client.core.clone();
    let token = stack.variable(OPERATOR_TOKEN)?.to_owned();
    let fetch = |more: &[&str]| {
        let arguments = [&["order", "evidence", &id, "--url", &url], more].concat();
        stack.run_with(&arguments, &[(OPERATOR_TOKEN, &token)])
    };
    let (is_well, said) = fetch(&[])?;
    assert!(is_well && said.contains(&id), "{said}");
    let (is_well, said) = fetch(&["--html", &page_name, "--out", &file_name])?;
    assert!(is_well, "{said}");
    assert!(std::fs::read_to_string(&page)?.contains("Tiffin evidence packet"));

    stack.core = None;
    let check = |file: &str| stack.run(&["order", "evidence", "--verify", file]);
    let (is_well, said) = check(&file_name)?;
    assert!(is_well && said.contains("unchanged since core sealed it") && said.contains(&id), "{said}");

    let text = std::fs::read_to_string(&file)?;
    let forged = stack.dir().join("forged.json");
    let forged_name = forged.display().to_string();
    for (from, to, told) in [
        ("\"is_proven\":true", "\"is_proven\":false", "/attempts/0 was changed"),
        ("\"state\":\"delivered\"", "\"state\":\"failed\"", "was changed"),
        ("\"sent\"", "\"failed\"", "timeline: entry 2 does not follow"),
    ] {
        std::fs::write(&forged, text.replace(from, to))?;
        let (is_well, said) = check(&forged_name)?;
        assert!(
            !is_well && said.contains("is not what core sealed") && said.contains(told),
            "{from}: {said}"
        );
    }
    let (is_well, said) = stack.run_with(
        &["order", "evidence", "--verify", &file_name],
        &[("TIFFIN_CORE_PUBLIC_KEYS", "k9:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")],
    )?;
    assert!(!is_well && said.contains("is not among the public keys"), "{said}");
    let (is_well, said) = stack.run(&["order", "evidence", "--verify", "/nowhere"])?;
    assert!(!is_well && said.contains("/nowhere"), "{said}");
    Ok(())
}
