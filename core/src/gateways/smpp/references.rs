//! Our numbers for the messages of late, as `user_message_reference` carries them (SMPP 3.4, 5.3.2.17), and what became of those
//! without an answer.

use std::collections::HashMap;
use std::sync::Mutex;

use tiffin_shared::order::Found;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;

use super::lock;
use super::message_id::MessageIds;
use super::receipt::Receipt;
use super::session::Reply;
use super::status;

/// Messages of this process, the last 65,536 of them. A number may be another process's as well: a receipt must fit in its recipient
/// too, and in its id where that is known.
pub(super) struct References {
    ids: MessageIds,
    book: Mutex<Book>,
}

struct Book {
    next: u16,
    by_number: HashMap<u16, Entry>,
    /// By [`Reference::text`].
    by_reference: HashMap<String, u16>,
}

/// No `Debug`: it holds the number.
struct Entry {
    reference: Reference,
    recipient: Phone,
    found: Found,
    /// The SMSC's own spelling of its id, which it wants when it is asked.
    message_id: Option<String>,
}

impl References {
    pub(super) fn new(ids: MessageIds) -> Self {
        // Processes begin at different places, so that their numbers rarely meet.
        let next = getrandom::u32().unwrap_or_default().to_be_bytes();
        let next = u16::from_be_bytes([next[0], next[1]]);
        let book = Book { next, by_number: HashMap::new(), by_reference: HashMap::new() };
        Self { ids, book: Mutex::new(book) }
    }

    /// A number for a message that is about to be sent.
    pub(super) fn issue(&self, reference: &Reference, recipient: &Phone) -> u16 {
        let mut book = lock(&self.book);
        book.next = book.next.wrapping_add(1);
        let number = book.next;
        let (reference_of, recipient) = (reference.clone(), recipient.clone());
        let entry = Entry { reference: reference_of, recipient, found: Found::Unclear, message_id: None };
        if let Some(old) = book.by_number.insert(number, entry)
            && book.by_reference.get(&old.reference.text()) == Some(&number)
        {
            book.by_reference.remove(&old.reference.text());
        }
        book.by_reference.insert(reference.text(), number);
        number
    }

    /// An answer, in time or late.
    pub(super) fn answered(&self, number: u16, reply: &Reply) {
        let mut book = lock(&self.book);
        let Some(entry) = book.by_number.get_mut(&number) else { return };
        entry.found = match reply.status {
            status::ROK => Found::Taken { provider_id: self.ids.of_answer(&reply.message_id) },
            _ => Found::Missing,
        };
        entry.message_id = (reply.status == status::ROK).then(|| reply.message_id.clone());
    }

    /// The name under which a receipt's message is remembered; empty where it does not say.
    pub(super) fn receipt_id(&self, receipt: &Receipt) -> String {
        receipt.message_id.as_deref().map(|id| self.ids.of_receipt(id)).unwrap_or_default()
    }

    /// The attempt that a receipt is about, where it gives our number back and everything else fits.
    pub(super) fn about(&self, receipt: &Receipt, provider_id: &str) -> Option<Reference> {
        let mut book = lock(&self.book);
        let entry = book.by_number.get_mut(&receipt.reference?)?;
        let digits = |text: &str| text.trim_start_matches(['+', '0']).to_owned();
        if digits(entry.recipient.e164()) != digits(&receipt.recipient) {
            return None;
        }
        match &entry.found {
            Found::Taken { provider_id: known } if !provider_id.is_empty() && known != provider_id => {
                return None;
            }
            Found::Taken { .. } => {}
            Found::Missing | Found::Unclear => {
                entry.found = Found::Taken { provider_id: provider_id.to_owned() };
            }
        }
        Some(entry.reference.clone())
    }

    pub(super) fn found(&self, reference: &Reference) -> Found {
        lock(&self.book).entry(reference).map_or(Found::Unclear, |entry| entry.found.clone())
    }

    /// What the SMSC calls a message that it answered for.
    pub(super) fn message_id(&self, reference: &Reference) -> Option<String> {
        lock(&self.book).entry(reference)?.message_id.clone()
    }
}

impl Book {
    fn entry(&self, reference: &Reference) -> Option<&Entry> {
        self.by_number.get(self.by_reference.get(&reference.text())?)
    }
}

#[cfg(test)]
mod tests {
    use tiffin_shared::id::LedgerId;
    use tiffin_shared::id::OrderId;

    use super::super::receipt::State;
    use super::*;

    fn attempt(n: u32) -> Reference {
        Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n }
    }

    fn receipt(number: u16, recipient: &str) -> Receipt {
        let state = State::Delivered;
        Receipt { message_id: None, reference: Some(number), recipient: recipient.into(), state, error: None }
    }

    fn reply(status: u32, id: &str) -> Reply {
        Reply { status, message_id: id.into(), state: None, took_ms: 1 }
    }

    #[test]
    fn a_receipt_with_our_number_is_about_its_attempt_only_where_all_else_fits() {
        let references = References::new(MessageIds::Normalised);
        let phone = Phone::parse("+919876543210").unwrap();
        let number = references.issue(&attempt(1), &phone);
        let other = references.issue(&attempt(2), &phone);
        assert_eq!(references.about(&receipt(number, "919876543210"), "a1"), Some(attempt(1)));
        assert_eq!(references.about(&receipt(number, "+919876543210"), "a1"), Some(attempt(1)));
        assert_eq!(references.about(&receipt(number, "919876543211"), "a1"), None);
        assert_eq!(references.about(&receipt(number.wrapping_add(9), "919876543210"), "a1"), None);
        references.answered(other, &reply(0, "00B2"));
        assert_eq!(references.about(&receipt(other, "919876543210"), "a1"), None);
        assert_eq!(references.about(&receipt(other, "919876543210"), "b2"), Some(attempt(2)));
    }

    #[test]
    fn what_came_late_is_found() {
        let references = References::new(MessageIds::Normalised);
        let phone = Phone::parse("+919876543210").unwrap();
        let [taken, refused, told] = [1, 2, 3].map(|n| references.issue(&attempt(n), &phone));
        assert_eq!(references.found(&attempt(1)), Found::Unclear);
        references.answered(taken, &reply(0, "00A1"));
        references.answered(refused, &reply(0x45, ""));
        references.about(&receipt(told, "919876543210"), "c3");
        assert_eq!(references.found(&attempt(1)), Found::Taken { provider_id: "a1".into() });
        assert_eq!(references.found(&attempt(2)), Found::Missing);
        assert_eq!(references.found(&attempt(3)), Found::Taken { provider_id: "c3".into() });
        assert_eq!(references.found(&attempt(4)), Found::Unclear);
    }

    #[test]
    fn numbers_that_come_round_again_are_the_newer_messages() {
        let references = References::new(MessageIds::Normalised);
        let phone = Phone::parse("+919876543210").unwrap();
        let first = references.issue(&attempt(0), &phone);
        for n in 1..=65_536 {
            references.issue(&attempt(n), &phone);
        }
        assert_eq!(references.about(&receipt(first, "919876543210"), "a1"), Some(attempt(65_536)));
        assert_eq!(references.found(&attempt(0)), Found::Unclear);
        assert_eq!(lock(&references.book).by_reference.len(), 65_536);
    }
}
