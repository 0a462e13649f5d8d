//! The same of core, whose C library's `getrandom` fails while a file is there.

use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t getrandom(void *to, size_t size, unsigned int flags) {
    const char *broken = getenv("TEST_RANDOMNESS_BROKEN");
    if (broken && access(broken, F_OK) == 0) { errno = EIO; return -1; }
    return syscall(SYS_getrandom, to, size, flags);
}
"#;

#[tokio::test]
async fn core_without_randomness_answers_503_and_makes_no_code() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-randomness-")?;
    let [source, shim, broken] = ["shim.c", "shim.so", "broken"].map(|name| dir.path().join(name));
    std::fs::write(&source, SHIM)?;
    let mut compile = Command::new("cc");
    let compiled = compile.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).status()?;
    anyhow::ensure!(compiled.success(), "cc failed: the build needs it too");
    let [shim, file] = [&shim, &broken].map(|path| path.to_string_lossy().into_owned());
    let more = [("LD_PRELOAD", shim.as_str()), ("TEST_RANDOMNESS_BROKEN", file.as_str())];
    let stack = Stack::start_with(Front::Standalone, Backing::Memory, &more).await?;
    let client = &stack.client;
    let before = client.order(&fresh_phone()).await?;

    std::fs::write(&broken, "")?;
    let (phone, key) = (fresh_phone(), fresh_key());
    for _ in 0..3 {
        let refused = client.create(&key, &login(&phone)).await?;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(!refused.text.contains("ord_"), "{refused:?}");
        assert_eq!(client.verify(&before, "000000").await?.status, 503);
    }
    std::fs::remove_file(&broken)?;

    let order = client.create(&key, &login(&phone)).await?;
    assert_eq!((order.status, order.header("idempotency-replayed")), (202, None), "{order:?}");
    client.code(&phone).await?;
    assert_eq!(client.inbox(&phone).await?.len(), 1);
    assert_eq!(client.fetch(&before).await?.body.get("guesses_left"), Some(&json!(5)));
    Ok(())
}
