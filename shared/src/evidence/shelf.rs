//! What is kept for an order's packet: each attempt has a shelf of its own, under the order and the attempt's number, and what
//! support adds has one under the order and 0. Redacted before it comes here.
//!
//! A missing state means that nothing was kept: the packet then says less, and nothing else depends on it.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::order::KEEP_MS;
use crate::time::UnixMs;

/// Exchanges of one attempt: the call, its looks, what the provider was asked of its status, a recall.
pub const EXCHANGES_MAX: usize = 16;
/// Receipts of one attempt: each of the usual states, and some of them twice.
pub const RECEIPTS_MAX: usize = 8;
/// Things that support adds to one order.
pub const UPLOADS_MAX: usize = 6;
/// The same with marks of those that were removed: what makes room for another is still told.
const MARKS_MAX: usize = 4 * UPLOADS_MAX;

/// The machine.
pub enum Shelf {}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Keep this. Repeated with the same id, it is kept once.
    Keep {
        /// Drawn for it.
        id: Bytes<16>,
        /// To whom the message went, masked, where that is known.
        to: Option<String>,
        /// What.
        item: Box<Item>,
    },
    /// Forget everything, and keep nothing more.
    Forget,
    /// What is there?
    Look,
    /// Take the content of an upload away, and leave a mark. Repeated, it is taken away once.
    Remove {
        /// Which, counted from 1.
        n: u32,
        /// Who wants it.
        by: String,
    },
}

/// Something to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// We said something to a provider.
    Exchange(Exchange),
    /// A provider said something to us.
    Receipt(Received),
    /// Support added something.
    Upload(Upload),
}

/// A request to a provider, and what came back. Without code, full number or address, or keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What for: `send`, `look_up`.
    pub purpose: String,
    /// By our clock, before it, in milliseconds since 1970.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub began_at: UnixMs,
    /// By our clock, when the answer was there or given up.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub ended_at: UnixMs,
    /// What we said. The code in it is shown as zeros.
    pub request: Request,
    /// What came back; missing where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Told>,
    /// Why nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What we said to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "ExchangeRequest"))]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `POST https://…` over HTTP; the command of another protocol.
    pub line: String,
    /// How we said who we are, without the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Those that tell something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Field>,
    /// What went out with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text>,
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "ExchangeReply"))]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// HTTP's status, or the first line in another protocol.
    pub status: String,
    /// Those that tell something: date, and the provider's id of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Field>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text>,
    /// By the provider's clock, where it says: whole seconds over HTTP.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<u64>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<UnixMs>,
}

/// A receipt, as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "ReceivedReceipt"))]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// When, by our clock, in milliseconds since 1970.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub at: UnixMs,
    /// What it says of the message: `delivered`, `failed`, `sent`.
    pub fate: String,
    /// The provider's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How it proves where it comes from.
    pub scheme: String,
    /// Whether that was checked and held; otherwise it is no more than a hint.
    pub is_proven: bool,
    /// Those that tell something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Field>,
    /// What it said of this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text>,
    /// The time that the provider puts to it, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_time: Option<String>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "HeaderField"))]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// In lower case.
    pub name: String,
    /// Cut where it is long.
    pub value: String,
}

/// Text that may have been longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "KeptText"))]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What is kept of it.
    pub text: String,
    /// Whether there was more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// Something that support added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// When.
    pub at: UnixMs,
    /// What it is, by its first bytes.
    pub media: Media,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// SHA-256 of the content. None once it was removed: a short text is found from its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Bytes<32>>,
    /// Its length in bytes.
    pub bytes: u32,
    /// What support says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The text, or the picture in base64; empty once it was removed.
    pub content: String,
    /// Who took the content away, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// The mark of an upload whose content is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "RemovedUpload"))]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// When, in milliseconds since 1970.
    #[cfg_attr(feature = "openapi", schemars(with = "u64"))]
    pub at: UnixMs,
    /// Who.
    pub by: String,
}

/// What may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "UploadMedia"))]
pub enum Media {
    /// A picture.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A picture.
    #[serde(rename = "image/png")]
    Png,
    /// A message, in UTF-8.
    #[serde(rename = "text/plain")]
    Text,
    /// A picture.
    #[serde(rename = "image/webp")]
    Webp,
}

impl Media {
    /// What these bytes are, whatever they are said to be; nothing where they are none of these.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => {
                let text = std::str::from_utf8(bytes).ok().filter(|text| !text.trim().is_empty())?;
                let is_written = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t');
                text.chars().all(is_written).then_some(Self::Text)
            }
        }
    }

    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Text => "text/plain",
            Self::Webp => "image/webp",
        }
    }
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    expires_at: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    items: Vec<(Bytes<16>, Item)>,
    /// More came, and found no room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_full: bool,
    /// Everything was forgotten, and nothing more is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_erased: bool,
}

/// What is on a shelf, in the order in which it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// To whom the message went, masked.
    pub to: Option<String>,
    /// What is there.
    pub items: Vec<Item>,
    /// Whether more came, and found no room.
    pub is_full: bool,
    /// For [`Command::Keep`]: whether that is there now. For [`Command::Remove`]: whether there is such an upload.
    pub is_kept: bool,
}

impl Machine for Shelf {
    type State = State;
    type Command = Command;
    type Reply = Kept;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Kept> {
        let state = state.filter(|state| now < state.expires_at);
        let (id, to, item) = match (command, &state) {
            (Command::Keep { id, to, item }, state) if !state.as_ref().is_some_and(|it| it.is_erased) => {
                (id, to, item)
            }
            (Command::Forget, state) if !state.as_ref().is_some_and(|it| it.is_erased) => {
                let expires_at = state.as_ref().map_or(now.plus(KEEP_MS), |state| state.expires_at);
                let erased =
                    State { expires_at, to: None, items: Vec::new(), is_full: false, is_erased: true };
                return Step {
                    reply: Kept::default(),
                    write: Write::Put { state: erased, expires_at, wake_at: None },
                };
            }
            (Command::Remove { n, by }, Some(_)) => return remove(state, (*n, by), now),
            _ => return Step::keep(state.map(State::kept).unwrap_or_default()),
        };
        let mut state = state.unwrap_or_else(|| State {
            expires_at: now.plus(KEEP_MS),
            to: None,
            items: Vec::new(),
            is_full: false,
            is_erased: false,
        });
        if state.items.iter().any(|(known, _)| known == id) {
            return Step::keep(Kept { is_kept: true, ..state.kept() });
        }
        let is_kept = state.has_room(item);
        if is_kept {
            state.items.push((*id, (**item).clone()));
        } else {
            state.is_full = true;
        }
        if state.to.is_none() {
            state.to.clone_from(to);
        }
        let reply = Kept { is_kept, ..state.clone().kept() };
        let expires_at = state.expires_at;
        Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
    }
}

fn remove(state: Option<State>, (n, by): (u32, &str), now: UnixMs) -> Step<State, Kept> {
    let Some(mut state) = state else { return Step::keep(Kept::default()) };
    let uploads = state.items.iter_mut().filter(|(_, item)| matches!(item, Item::Upload(_)));
    let Some((id, Item::Upload(upload))) =
        (1..).zip(uploads).find(|(at, _)| *at == n).map(|(_, found)| found)
    else {
        return Step::keep(state.kept());
    };
    if upload.removed.is_some() {
        return Step::keep(Kept { is_kept: true, ..state.kept() });
    }
    (upload.sha256, upload.note) = (None, None);
    upload.content.clear();
    upload.removed = Some(Removed { at: now, by: by.to_owned() });
    // It was made of the digest; and the same may be added again.
    *id = Bytes(u128::from(n).to_be_bytes());
    let (reply, expires_at) = (Kept { is_kept: true, ..state.clone().kept() }, state.expires_at);
    Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
}

impl State {
    fn has_room(&self, item: &Item) -> bool {
        let like =
            |known: &&(Bytes<16>, Item)| std::mem::discriminant(&known.1) == std::mem::discriminant(item);
        let max = match item {
            Item::Exchange(_) => EXCHANGES_MAX,
            Item::Receipt(_) => RECEIPTS_MAX,
            Item::Upload(_) => UPLOADS_MAX,
        };
        let is_mark = |item: &Item| matches!(item, Item::Upload(upload) if upload.removed.is_some());
        let marks = self.items.iter().filter(|(_, item)| is_mark(item)).count();
        self.items.iter().filter(like).count() < max + marks && self.items.len() < EXCHANGES_MAX + MARKS_MAX
    }

    fn kept(self) -> Kept {
        let items = self.items.into_iter().map(|(_, item)| item).collect();
        Kept { to: self.to, items, is_full: self.is_full, is_kept: false }
    }
}

#[cfg(test)]
mod tests;
