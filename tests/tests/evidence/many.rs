//! `tiffin evidence`: the packets of many orders in a folder, which is gone on with.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::delivered;
use crate::ops;

/// An order that was verified, and is over.
async fn closed(stack: &Stack) -> anyhow::Result<String> {
    let phone = fresh_phone();
    let id = stack.client.order(&phone).await?;
    let code = stack.client.code(&phone).await?;
    assert_eq!(stack.client.guess(&id, &code).await?, "verified");
    let path = format!("orders/{id}/evidence");
    let look = || ops(stack, Method::GET, &path, "application/json", Vec::new());
    wait::until("its end", look, |reply| reply.body["evidence"]["is_closed"] == true).await?;
    Ok(id)
}

fn run(stack: &Stack, out: &Path, more: &[&str]) -> anyhow::Result<(bool, String)> {
    let out = out.display().to_string();
    let arguments = [&["evidence", "--out", &out, "--url", &stack.client.core], more].concat();
    stack.run_with(&arguments, &[])
}

#[tokio::test]
async fn packets_of_many_orders_come_into_a_folder_which_is_gone_on_with() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let closed = [closed(&stack).await?, closed(&stack).await?, closed(&stack).await?];
    let open = delivered(&stack).await?;
    let out = stack.dir().join("packets/of/today");
    let file = |id: &str| out.join(format!("{id}.json"));

    // One cannot be written: the others stay, and it says how to go on.
    std::fs::create_dir_all(file(&closed[1]))?;
    let (is_well, said) = run(&stack, &out, &[])?;
    assert!(!is_well && said.contains("the same command goes on from there"), "{said}");
    std::fs::remove_dir(file(&closed[1]))?;
    let (is_well, said) = run(&stack, &out, &["--json"])?;
    assert!(is_well, "{said}");
    // Nothing but the answer: no line of progress where nobody looks.
    let reply: Value = serde_json::from_str(&said)?;
    assert_eq!((&reply["gone"], reply["written"].as_u64() > Some(0)), (&0.into(), true), "{reply}");
    let (is_well, said) = run(&stack, &out, &["--json"])?;
    let reply: Value = serde_json::from_str(&said)?;
    assert!(is_well, "{said}");
    assert_eq!(
        (&reply["written"], &reply["there"]),
        (&1.into(), &3.into()),
        "an open order's is written anew"
    );

    // What is not whole, or another's, is asked for again.
    let whole = std::fs::read_to_string(file(&closed[0]))?;
    std::fs::write(file(&closed[0]), &whole[..whole.len() / 2])?;
    std::fs::copy(file(&closed[2]), file(&closed[1]))?;
    let (is_well, said) = run(&stack, &out, &["--state", "verified", "--html"])?;
    assert!(is_well && said.contains("3 packets are in") && said.contains("3 of them new"), "{said}");
    for id in closed.iter().chain([&open]) {
        let name = file(id).display().to_string();
        let (is_well, said) = stack.run(&["order", "evidence", "--verify", &name])?;
        assert!(is_well && said.contains(id), "{said}");
    }
    let names = std::fs::read_dir(&out)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<std::io::Result<_>>()?;
    let ending = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((ending(".json"), ending(".html"), names.len()), (4, 3, 7), "{names:?}");

    let (is_well, said) = run(&stack, &out, &["--until", "1h"])?;
    assert!(is_well && said.contains("0 packets"), "{said}");
    let (is_well, said) = run(&stack, &out, &["--tenant", "No Name"])?;
    assert!(!is_well && said.contains("tenant: must be"), "{said}");
    Ok(())
}
