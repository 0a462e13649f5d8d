use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;

use super::*;

fn tags() -> Tags {
    Tags::new("mail", "secret")
}

fn attempt(n: u32) -> Reference {
    Reference { order: OrderId::new([7; 16], LedgerId::new([8; 16])), n }
}

fn tag() -> String {
    tags().make(&attempt(2)).unwrap()
}

/// In the shape of RFC 3464, appendix E.1, with what a report may say of its message in three places.
fn report(to: &str, envid: &str, of_recipient: &str, original: &str) -> String {
    format!(
        "Date: Thu, 7 Jul 1994 17:16:05 -0400\r\n\
         From: Mail Delivery Subsystem <MAILER-DAEMON@CS.UTK.EDU>\r\n\
         To: <{to}>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"RAA14128.773615765/CS.UTK.EDU\"\r\n\
         Subject: Returned mail: Cannot send message for 5 days\r\n\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\n\r\n\
         The original message was received at Sat, 2 Jul 1994 17:10:28 -0400\r\n\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\n\
         content-type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; cs.utk.edu\r\n{envid}\r\n\
         {of_recipient}\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\n\
         {original}\r\n\
         --RAA14128.773615765/CS.UTK.EDU--\r\n"
    )
}

fn plain(to: &str, of_recipient: &str) -> String {
    report(to, "", of_recipient, "content-type: text/rfc822-headers\r\n\r\nSubject: Your code\r\n")
}

const FAILED: &str = "Original-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
    Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
    Action: failed\r\nStatus: 5.1.1\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 unknown user\r\n";

fn sender(tag: &str) -> String {
    format!("bounces+{tag}@bounces.example")
}

#[test]
fn a_report_names_its_message_in_any_of_the_places() {
    let (other, tag) = ("postmaster@bounces.example", tag());
    let envid = format!("Original-Envelope-Id: {tag}\r\n");
    let headers = format!(
        "content-type: text/rfc822-headers\r\n\r\nSubject: x\r\nMessage-ID:\r\n <{tag}@bounces.example>\r\n"
    );
    let whole = format!(
        "content-type: message/rfc822\r\n\r\nMessage-ID: <{tag}@bounces.example>\r\nTo: x@y.example\r\n\r\nhi\r\n"
    );
    let nothing = "content-type: text/rfc822-headers\r\n\r\nSubject: x\r\n";
    for text in [
        plain(&sender(&tag), FAILED),
        report(other, &envid, FAILED, nothing),
        report(other, "", FAILED, &headers),
        report(other, "", FAILED, &whole),
        report(&sender(&tag), &envid, FAILED, &whole),
    ] {
        let read = read(text.as_bytes(), &tags()).unwrap();
        assert_eq!((read.attempt, read.tag.as_str()), (attempt(2), tag.as_str()), "{text}");
        assert_eq!((read.action, read.status.as_str()), (Action::Failed, "5.1.1"));
    }
    assert_eq!(read(report(other, "", FAILED, nothing).as_bytes(), &tags()), Err(Error::Tag));
}

#[test]
fn actions_and_codes_are_read_as_servers_write_them() {
    let cases = [
        ("Action: failed\r\nStatus: 5.2.2 (mailbox full)\r\n", Action::Failed, "5.2.2"),
        (
            "ACTION: Failed\r\nSTATUS: 5.0.0\r\nDiagnostic-Code: smtp; 550-5.7.26 no\r\n",
            Action::Failed,
            "5.7.26",
        ),
        (
            "Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp;\r\n 550 5.1.1 no\r\n",
            Action::Failed,
            "5.1.1",
        ),
        (
            "Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: x-unix; 550 5.1.1\r\n",
            Action::Failed,
            "5.0.0",
        ),
        ("Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 no\r\n", Action::Failed, "5.0.0"),
        (
            "Action: failed\r\nStatus: 5.4.7\r\nDiagnostic-Code: smtp; 450 4.2.0 no\r\n",
            Action::Failed,
            "5.4.7",
        ),
        ("Action: delayed\r\nStatus: 4.4.1\r\n", Action::Delayed, "4.4.1"),
        ("Action: delivered\r\nStatus: 2.0.0\r\n", Action::Delivered, "2.0.0"),
        ("Action: delivered\r\nStatus: 2.0.0\r\nRemote-MTA: dns; mx.example\r\n", Action::Relayed, "2.0.0"),
        ("Action: relayed\r\nStatus: 2.0.0\r\n", Action::Relayed, "2.0.0"),
        ("Action: expanded\r\nStatus: 2.0.0\r\n", Action::Relayed, "2.0.0"),
    ];
    for (of_recipient, action, status) in cases {
        let read = read(plain(&sender(&tag()), of_recipient).as_bytes(), &tags());
        assert_eq!(
            read.map(|read| (read.action, read.status)),
            Ok((action, status.to_owned())),
            "{of_recipient}"
        );
    }
    for of_recipient in ["Status: 5.1.1\r\n", "Action: failed\r\n", "Action: eaten\r\nStatus: 5.1.1\r\n", ""]
    {
        let read = read(plain(&sender(&tag()), of_recipient).as_bytes(), &tags());
        assert_eq!(read, Err(Error::Format), "{of_recipient}");
    }
}

#[test]
fn forged_and_mixed_reports_say_nothing() {
    let mine = tag();
    let of_gateway = |gateway, secret| Tags::new(gateway, secret).make(&attempt(2)).unwrap();
    let mut last = mine.clone();
    last.replace_range(50..51, if &mine[50..51] == "A" { "B" } else { "A" });
    for forged in [of_gateway("mail", "guess"), of_gateway("other", "secret"), last, mine.to_lowercase()] {
        assert_eq!(read(plain(&sender(&forged), FAILED).as_bytes(), &tags()), Err(Error::Tag));
    }
    // A recipient of one message reports on another.
    let theirs = tags().make(&attempt(3)).unwrap();
    let envid = format!("Original-Envelope-Id: {theirs}\r\n");
    let mixed = report(&sender(&mine), &envid, FAILED, "content-type: text/plain\r\n\r\nx");
    assert_eq!(read(mixed.as_bytes(), &tags()), Err(Error::Tag));
}

#[test]
fn what_is_no_report_is_not_taken_for_one() {
    let to = sender(&tag());
    let reply =
        format!("From: user@mail.example\r\nTo: {to}\r\nSubject: Out of office\r\n\r\nStatus: 5.1.1\r\n");
    let receipt = plain(&to, FAILED).replace("message/delivery-status", "message/disposition-notification");
    for text in [reply.as_str(), receipt.as_str(), "", "\r\n\r\n", "\u{0}"] {
        assert_eq!(read(text.as_bytes(), &tags()), Err(Error::Format), "{text}");
    }
}

#[test]
fn no_bytes_make_it_stumble() {
    let whole = plain(&sender(&tag()), FAILED).into_bytes();
    for cut in 0..whole.len() {
        let _read = read(&whole[..cut], &tags());
        let mut broken = whole.clone();
        broken[cut] ^= 0x55;
        let _read = read(&broken, &tags());
    }
}
