//! One connection: commands and replies.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio::time::timeout;

use super::KIND;
use super::command;
use super::command::Command;
use super::command::Path;
use super::message;
use crate::sandbox::Account;
use crate::sandbox::clock;
use crate::sandbox::state::Sandbox;
use crate::sandbox::taking::Refusal;
use crate::sandbox::taking::Silence;
use crate::sandbox::taking::Taken;
use crate::sandbox::taking::Taking;

/// A session, from the greeting on.
pub(super) struct Dialogue<'a> {
    stream: BufReader<TcpStream>,
    sandbox: &'a Arc<Sandbox>,
    account: Option<&'a Account>,
    sender: Option<Path>,
    recipient: Option<Path>,
}

/// The connection is over.
struct Over;

impl<'a> Dialogue<'a> {
    pub(super) fn new(stream: TcpStream, sandbox: &'a Arc<Sandbox>) -> Self {
        let account = accounts(sandbox).find(|account| account.key("user").is_empty());
        Self { stream: BufReader::new(stream), sandbox, account, sender: None, recipient: None }
    }

    /// Until either side ends it.
    pub(super) async fn run(mut self) {
        let mut told = self.reply("220 sandbox.example ESMTP").await;
        while told.is_ok() {
            told = match timeout(IDLE, self.line()).await {
                Ok(Ok(line)) => self.take(Command::read(&line)).await,
                Ok(Err(Over)) => Err(Over),
                Err(_) => {
                    let _told = self.reply("421 4.4.2 Idle for too long").await;
                    Err(Over)
                }
            };
        }
    }

    async fn take(&mut self, command: Command) -> Result<(), Over> {
        match command {
            Command::Auth(mechanism, first) => self.auth(&mechanism, first).await,
            Command::Data => self.data().await,
            Command::Ehlo => {
                self.reset();
                self.reply("250-sandbox.example\r\n250-8BITMIME\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN")
                    .await
            }
            Command::Helo | Command::Rset => {
                self.reset();
                self.reply("250 2.0.0 Ok").await
            }
            Command::Mail(_) if self.account.is_none() => self.reply("530 5.7.0 AUTH first").await,
            Command::Mail(path) => {
                self.reset();
                self.sender = Some(path);
                self.reply("250 2.1.0 Ok").await
            }
            Command::Noop => self.reply("250 2.0.0 Ok").await,
            Command::Quit => {
                let _told = self.reply("221 2.0.0 Bye").await;
                Err(Over)
            }
            Command::Rcpt(_) if self.sender.is_none() => self.reply("503 5.5.1 MAIL first").await,
            Command::Rcpt(_) if self.recipient.is_some() => {
                self.reply("452 4.5.3 One mailbox at a time").await
            }
            Command::Rcpt(path) => {
                self.recipient = Some(path);
                self.reply("250 2.1.5 Ok").await
            }
            Command::Unknown => self.reply("502 5.5.1 No such command here").await,
            Command::Wrong => self.reply("501 5.5.4 Not understood").await,
        }
    }

    async fn auth(&mut self, mechanism: &str, first: Option<String>) -> Result<(), Over> {
        let given = match (mechanism, first) {
            ("PLAIN", Some(first)) => command::plain(&first),
            ("PLAIN", None) => command::plain(&self.ask("334 ").await?),
            ("LOGIN", first) => {
                // base64 of `Username:` and `Password:`.
                let name = match first {
                    Some(first) => first,
                    None => self.ask("334 VXNlcm5hbWU6").await?,
                };
                let password = self.ask("334 UGFzc3dvcmQ6").await?;
                command::decoded(&name).zip(command::decoded(&password))
            }
            _ => return self.reply("504 5.5.4 PLAIN or LOGIN").await,
        };
        let is_it = |account: &&Account| {
            let (name, password) = (account.key("user"), account.secret("password"));
            !name.is_empty() && given.as_ref().is_some_and(|given| given.0 == name && given.1 == password)
        };
        self.account = accounts(self.sandbox).find(is_it);
        if self.account.is_some() {
            return self.reply("235 2.7.0 Ok").await;
        }
        let named = |account: &&Account| given.as_ref().is_some_and(|given| given.0 == account.key("user"));
        if let Some(account) = accounts(self.sandbox).find(named) {
            let now_ms = clock::now_ms();
            self.sandbox.calls.received(account.gateway(), None, now_ms).refused("unauthenticated");
        }
        self.reply("535 5.7.8 Name or password is wrong").await
    }

    async fn data(&mut self) -> Result<(), Over> {
        let (Some(account), Some(sender), Some(recipient)) =
            (self.account, self.sender.take(), self.recipient.take())
        else {
            return self.reply("503 5.5.1 MAIL and RCPT first").await;
        };
        self.reply("354 Go ahead, and end with a dot").await?;
        let raw = timeout(IDLE, self.content()).await.unwrap_or(Err(Over))?;
        let mail = message::read(&raw);
        let pair = mail.as_ref().map(|mail| mail.pair(&recipient.address));
        let taking = Taking::begin(self.sandbox, account, pair).await;
        let taken = taking.end(|| mail.ok_or(()).map(|mail| mail.taken(account, &sender, &recipient)));
        match taken.await {
            Taken::Yes(message) => self.reply(&format!("250 2.0.0 Ok: queued as {}", message.entry.id)).await,
            Taken::No(Refusal::Code(code)) => self.reply(&scripted(&code)).await,
            Taken::No(Refusal::Internal) => self.reply("451 4.3.0 Local error").await,
            Taken::No(Refusal::Invalid(())) => {
                self.reply("554 5.6.0 Not a message with text and a Message-ID").await
            }
            Taken::No(Refusal::TooMany(after_s)) => {
                let _told =
                    self.reply(&format!("421 4.7.0 Too many messages; come back in {after_s} s")).await;
                Err(Over)
            }
            Taken::Silence(Silence::Held) => {
                sleep(HOLD).await;
                Err(Over)
            }
            Taken::Silence(Silence::Cut) => {
                // It fails on a connection that is gone already.
                let _set = self.stream.get_ref().set_zero_linger();
                Err(Over)
            }
        }
    }

    /// The message, up to the dot (RFC 5321, 4.5.2).
    async fn content(&mut self) -> Result<Vec<u8>, Over> {
        let mut content = Vec::new();
        loop {
            let line = self.raw_line().await?;
            if line == b".\r\n" {
                return Ok(content);
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if content.len() > MESSAGE_BYTES_MAX {
                let _told = self.reply("552 5.3.4 Too long").await;
                return Err(Over);
            }
        }
    }

    async fn ask(&mut self, question: &str) -> Result<String, Over> {
        self.reply(question).await?;
        self.line().await
    }

    async fn line(&mut self) -> Result<String, Over> {
        let line = self.raw_line().await?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn raw_line(&mut self) -> Result<Vec<u8>, Over> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut line).await;
        if read.is_ok() && line.ends_with(b"\n") { Ok(line) } else { Err(Over) }
    }

    async fn reply(&mut self, text: &str) -> Result<(), Over> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.map_err(|_| Over)
    }

    fn reset(&mut self) {
        (self.sender, self.recipient) = (None, None);
    }
}

fn accounts(sandbox: &Sandbox) -> impl Iterator<Item = &Account> {
    sandbox.accounts.iter().filter(|account| account.kind() == KIND)
}

/// A code of a script as a reply: three digits as they are, an enhanced code behind the digits that usually go with it.
fn scripted(code: &str) -> String {
    match code.split('.').next() {
        Some("4") => format!("450 {code} The fault says so"),
        Some("5") => format!("550 {code} The fault says so"),
        Some(digits) if digits.len() == 3 && digits.starts_with(['4', '5']) => {
            format!("{digits} The fault says so")
        }
        _ => "554 5.0.0 The fault says so".to_owned(),
    }
}

/// The longest line of a message has 1,000 bytes (RFC 5321, 4.5.3.1.6), one of `AUTH` 12,288 (RFC 4954, 4).
const LINE_BYTES_MAX: u64 = 12_288;

/// Ours have some kilobytes.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Longer than a gateway keeps a connection that it does not use.
const IDLE: Duration = Duration::from_secs(60);

/// Longer than any adapter's own limit.
const HOLD: Duration = Duration::from_secs(60);
