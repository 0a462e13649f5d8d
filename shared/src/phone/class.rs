//! What a number is: its country and its kind, from a table made of libphonenumber's metadata.

pub mod table;

use serde::Deserialize;
use serde::Serialize;

use self::table::Table;
use super::Phone;
use crate::country::Country;

/// See [`table`]. Regenerate with `cargo run -p tiffin-phone-table`.
static TABLE: &[u8] = include_bytes!("class.bin");
/// Calling codes of satellites and of networks above countries: Inmarsat, the mobile satellite systems, and the two of
/// international networks (Thuraya and EMSAT among them), whose kinds the metadata gives as on the ground.
const SATELLITE_CODES: [u16; 4] = [870, 881, 882, 883];

/// What libphonenumber calls the type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A handset.
    Mobile,
    /// A line to a building.
    FixedLine,
    /// One of the two: the country does not tell them apart (the United States and Canada do not).
    FixedLineOrMobile,
    /// The called party pays.
    TollFree,
    /// The caller pays the called party.
    PremiumRate,
    /// Caller and called party share the cost.
    SharedCost,
    /// Over the internet, of no place.
    Voip,
    /// Follows a person, at the caller's cost (+44 70).
    PersonalNumber,
    /// Receives only.
    Pager,
    /// A company's one number for all its places (universal access number).
    Uan,
    /// A mailbox of voice.
    Voicemail,
    /// Any number of +870, +881, +882 and +883, whatever its type there: libphonenumber has no such type, but the price does. +882 and
    /// +883 hold some networks on the ground too; the numbering does not tell an order which, and all cost alike.
    Satellite,
    /// Not a number that a country has given out, as far as the metadata knows.
    Invalid,
}

impl Kind {
    /// Every kind. The index is the kind's number in the table.
    pub const ALL: [Self; 13] = [
        Self::Mobile,
        Self::FixedLine,
        Self::FixedLineOrMobile,
        Self::TollFree,
        Self::PremiumRate,
        Self::SharedCost,
        Self::Voip,
        Self::PersonalNumber,
        Self::Pager,
        Self::Uan,
        Self::Voicemail,
        Self::Satellite,
        Self::Invalid,
    ];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::FixedLine => "fixed_line",
            Self::FixedLineOrMobile => "fixed_line_or_mobile",
            Self::TollFree => "toll_free",
            Self::PremiumRate => "premium_rate",
            Self::SharedCost => "shared_cost",
            Self::Voip => "voip",
            Self::PersonalNumber => "personal_number",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::Satellite => "satellite",
            Self::Invalid => "invalid",
        }
    }

    /// Whether a code is sent there only where someone allowed it: where the one who holds the number earns on the call or
    /// message, or no person reads it.
    ///
    /// * premium rate, shared cost, satellite: the holder, or a network on the way, is paid per call;
    /// * personal and universal access numbers: sold with revenue share or high termination (+44 70 is the known case), and
    ///   no one signs in with a company's switchboard;
    /// * voicemail, pager: nobody answers; a mailbox keeps a spoken code for whoever knows its PIN;
    /// * invalid: fraud on international revenue prefers ranges that nobody was given, and a real number there is rare.
    ///
    /// Toll-free and VoIP numbers pay their holder nothing.
    pub fn is_denied_by_default(self) -> bool {
        match self {
            Self::Mobile | Self::FixedLine | Self::FixedLineOrMobile | Self::TollFree | Self::Voip => false,
            Self::PremiumRate
            | Self::SharedCost
            | Self::PersonalNumber
            | Self::Pager
            | Self::Uan
            | Self::Voicemail
            | Self::Satellite
            | Self::Invalid => true,
        }
    }
}

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Whose number it is. `None` where the calling code is no country's (+800, +881), and for an invalid number where
    /// several share the code (+1, +7, +44).
    pub country: Option<Country>,
    /// 1 to 999; 0 where no calling code begins the number.
    pub calling_code: u16,
    /// Valid or not, and of which kind.
    pub kind: Kind,
}

/// Country and kind of a number, as libphonenumber's metadata has them.
///
/// The digits are taken as they are: a national prefix after the calling code (`+44 07…`, the old `+52 1…`), which
/// libphonenumber's parser would silently drop, makes a number invalid here.
pub fn classify(phone: &Phone) -> Class {
    Table(TABLE).classify(phone.e164())
}

/// The version of the metadata in the table, such as 9.0.42.
pub fn metadata_version() -> [u16; 3] {
    let table = Table(TABLE);
    [1, 2, 3].map(|at| table.word(at).unwrap_or(0))
}

#[cfg(test)]
mod tests;
