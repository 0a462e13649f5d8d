//! The page in a real Chromium: on paper, on a desk and on a phone.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use serde_json::json;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::process::Command;
use tokio::time::timeout;

use crate::delivered;
use crate::ops;
use crate::with_email;

const CHROMIUM: &str = "/usr/bin/chromium";
const BROWSER_TIMEOUT: Duration = Duration::from_secs(90);
/// A page of text with a font in it.
const PDF_BYTES_MIN: usize = 10_000;

async fn chromium(dir: &Path, arguments: &[String]) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing: run scripts/setup.sh all");
    let output = Command::new(CHROMIUM)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-pdf-header-footer",
        ])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(BROWSER_TIMEOUT, output).await.context("the browser hangs")??;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// An order that fails over from one provider to another, with a screenshot and a message from support.
async fn eventful(stack: &Stack) -> anyhow::Result<String> {
    stack.client.fault_of("twilio-sms", "reject").await?;
    let reply = stack.client.create(&fresh_key(), &login(&fresh_phone())).await?;
    let id = reply.id()?;
    stack.client.fault_of("twilio-sms", "ok").await?;
    Ok(id)
}

#[tokio::test]
#[ignore = "needs Chromium: make test"]
async fn the_page_is_printed_with_all_that_it_says() -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, with_email).await?;
    let id = delivered(&stack).await?;
    let another = eventful(&stack).await?;
    assert_ne!(id, another);
    let path = |part: &str| format!("orders/{id}/{part}");
    let note = "The user writes: no message came, see the picture. Please look at this & answer <soon>.";
    for body in [picture(), note.as_bytes().to_vec()] {
        assert_eq!(ops(&stack, Method::POST, &path("uploads"), "*/*", body).await?.status, 200);
    }
    let packet = ops(&stack, Method::GET, &path("evidence"), "application/json", Vec::new()).await?.body;
    let html = ops(&stack, Method::GET, &path("evidence"), "text/html", Vec::new()).await?.text;
    for part in
        ["http-equiv=\"refresh\"", "<script", "<link", "@import", "url(", " src=\"http", "<iframe", "<form"]
    {
        assert!(!html.contains(part), "{part}");
    }
    let dir = stack.dir();
    let (file, pdf) = (dir.join("page.html"), dir.join("page.pdf"));
    std::fs::write(&file, &html)?;
    let address = format!("file://{}", file.display());
    chromium(dir, &[format!("--print-to-pdf={}", pdf.display()), address.clone()]).await?;
    let printed = std::fs::read(&pdf)?;
    assert!(printed.starts_with(b"%PDF-") && printed.len() > PDF_BYTES_MIN, "{} bytes", printed.len());

    // What stands on the page as the browser has it, and what the paper has of it.
    let shown =
        String::from_utf8_lossy(&chromium(dir, &["--dump-dom".into(), address.clone()]).await?).into_owned();
    let text = pdf_text(&pdf)?;
    let told = plain(&text);
    let evidence = &packet["evidence"];
    let exchange = &evidence["attempts"][0]["exchanges"][0];
    let all = [
        &evidence["order"],
        &evidence["request"],
        &evidence["account"]["email"],
        &evidence["to"],
        &evidence["head"],
        &evidence["attempts"][0]["provider_id"],
        &exchange["request"]["line"],
        &evidence["uploads"][0]["sha256"],
        &json!(note),
        &json!("Theirs minus ours"),
        &json!("proven"),
    ];
    for part in all {
        let part = part.as_str().context("text")?;
        assert!(told.contains(&plain(part)), "{part} is not on paper: {text}");
    }
    for entry in evidence["timeline"].as_array().context("a list")? {
        let link: String = entry["link"].as_str().context("text")?.chars().take(12).collect();
        assert!(told.contains(&plain(&link)), "entry {entry} is not on paper: {text}");
    }
    assert!(shown.contains("<h2 id=\"timeline\">"));
    if let Ok(keep) = std::env::var("TIFFIN_TEST_SHOTS") {
        for (name, size) in [("desk", "1200,2600"), ("phone", "390,3600")] {
            let shot = format!("--screenshot={keep}-{name}.png");
            chromium(dir, &[shot, format!("--window-size={size}"), address.clone()]).await?;
        }
        std::fs::copy(&pdf, format!("{keep}.pdf"))?;
        std::fs::copy(&file, format!("{keep}.html"))?;
    }
    println!(
        "{} entries, {} bytes of PDF",
        evidence["timeline"].as_array().map_or(0, Vec::len),
        printed.len()
    );
    Ok(())
}

fn pdf_text(pdf: &Path) -> anyhow::Result<String> {
    let read = std::process::Command::new("pdftotext").arg(pdf).arg("-").output();
    let read = read.context("pdftotext is missing: run scripts/setup.sh all")?;
    anyhow::ensure!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    Ok(String::from_utf8(read.stdout)?)
}

/// A browser breaks lines where it likes.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

/// The sandbox's icon would do, were it not a drawing.
fn picture() -> Vec<u8> {
    crate::PIXEL.to_vec()
}
