//! `tiffin check-config --live` and `tiffin send`: an account tried before users depend on it.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

const TOKEN: &str = "TIFFIN_GATEWAY_TWILIO_SMS_2_AUTH_TOKEN";

#[tokio::test]
async fn credentials_are_tried_without_sending() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let (is_well, said) = stack.run(&["check-config", "--live"])?;
    assert!(is_well && said.contains("twilio-sms: the account is active"), "{said}");

    let (is_well, said) = stack.run_with(&["check-config", "--live"], &[(TOKEN, "another token")])?;
    assert!(
        !is_well && said.contains("twilio-sms-2: the provider refuses the account (status 401, code 20003)"),
        "{said}"
    );
    assert!(
        said.contains("twilio-sms: the account is active") && said.contains("1 gateway cannot be used"),
        "{said}"
    );
    assert!(!said.contains("another token"), "{said}");

    stack.sandbox = None;
    let (is_well, said) = stack.run(&["check-config", "--live"])?;
    assert!(!is_well && said.contains("twilio-sms: the provider does not answer"), "{said}");
    assert!(stack.run(&["check-config"])?.0, "without --live nobody is called");
    Ok(())
}

#[tokio::test]
async fn a_test_message_goes_through_the_gateway_that_is_named() -> anyhow::Result<()> {
    let prices =
        "from = \"+15005550007\"\nprices = { USD = { default = 7500, IN = 2300 }, INR = { IN = 180000 } }";
    let edit = |text: &str| text.replacen("from = \"+15005550007\"", prices, 1);
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, edit).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let national = phone.trim_start_matches("+91");
    let (is_well, said) =
        stack.run(&["send", "--to", national, "--country", "IN", "--gateway", "twilio-sms-2"])?;
    assert!(
        is_well && said.contains("1 segment in Gsm7") && said.contains("the provider calls it SM"),
        "{said}"
    );
    assert!(said.contains("its price by your lists: 0.18 INR, 0.0023 USD"), "{said}");
    let inbox = client.inbox(&phone).await?;
    assert_eq!((inbox.len(), &inbox[0]["gateway"]), (1, &"twilio-sms-2".into()));
    assert!(inbox[0]["text"].as_str().unwrap_or_default().starts_with("000000 is your Tiffin code."));

    client.fault_of("twilio-sms", "reject").await?;
    let (is_well, said) = stack.run(&["send", "--to", &phone, "--gateway", "twilio-sms"])?;
    assert!(
        !is_well
            && said.contains("not sent: landline, the provider's code 21614 (this address does not take it)"),
        "{said}"
    );
    for (arguments, reason) in [
        (&["--to", "12", "--gateway", "twilio-sms"][..], "--to: "),
        (&["--to", &phone, "--gateway", "nobody"], "the gateways are twilio-sms, twilio-sms-2"),
        (
            &["--to", &phone, "--gateway", "twilio-sms", "--service", "dev/x"],
            "the services are dev/login, dev/payment",
        ),
        (&["--to", &phone, "--gateway", "twilio-sms", "--from", "x"], "twilio-sms has no such sender"),
    ] {
        let (is_well, said) = stack.run(&[&["send"], arguments].concat())?;
        assert!(!is_well && said.contains(reason), "{said}");
    }
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_smsc_is_asked_how_the_test_message_fares() -> anyhow::Result<()> {
    let gateway = "[[gateways]]\nname = \"smsc\"\nkind = \"smpp\"\nsandbox = true\nsystem_id = \"tiffin\"\n\
                   from = \"TIFFIN\"\n";
    let listen = format!("127.0.0.1:{}", wait::free_ports(1)?);
    let more = [("TIFFIN_SANDBOX_SMPP_LISTEN", listen.as_str())];
    let with_smsc = |toml: &str| format!("{toml}\n{gateway}");
    let stack = Stack::launch(Front::Standalone, Backing::Memory, &more, with_smsc).await?;
    let send = || stack.run(&["send", "--to", &fresh_phone(), "--gateway", "smsc"]);
    let (is_well, said) = send()?;
    assert!(is_well && said.contains("the SMSC says: delivered"), "{said}");
    stack.client.fault_of("smsc", "failed_receipt").await?;
    let (is_well, said) = send()?;
    assert!(is_well && said.contains("the SMSC says: failed"), "{said}");
    Ok(())
}
