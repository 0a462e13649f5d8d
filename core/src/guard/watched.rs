//! What a guard watches, and its name in the store.

use std::fmt;

use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Kind;
use tiffin_shared::guard::blocklist::PrefixTag;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::id::TenantId;

const GUESSES: &str = "guesses";

/// Something of a tenant's. Written `shop/IN`, `shop/IN/AAECAwQFBgc` or `shop/guesses`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// Whose.
    pub tenant: TenantId,
    /// What.
    pub what: What,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Orders to a country.
    Country(Country),
    /// Guesses at codes.
    Guesses,
    /// Orders to the numbers of a prefix, with the country it belongs to.
    Prefix(Country, PrefixTag),
}

impl What {
    /// For the guard.
    pub fn kind(self) -> Kind {
        match self {
            Self::Country(_) => Kind::Country,
            Self::Guesses => Kind::Guesses,
            Self::Prefix(..) => Kind::Prefix,
        }
    }

    /// For the list of verdicts.
    pub fn subject(self) -> Subject {
        match self {
            Self::Country(country) => Subject::Country(country),
            Self::Guesses => Subject::Guesses,
            Self::Prefix(_, tag) => Subject::Prefix(tag),
        }
    }
}

impl Watched {
    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let tenant = TenantId::parse(parts.next()?).ok()?;
        let what = match (parts.next()?, parts.next(), parts.next()) {
            (GUESSES, None, None) => What::Guesses,
            (country, None, None) => What::Country(Country::parse(country).ok()?),
            (country, Some(tag), None) => {
                What::Prefix(Country::parse(country).ok()?, Bytes(bytes::decode_array(tag)?))
            }
            _ => return None,
        };
        Some(Self { tenant, what })
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Country(country) => write!(f, "{country}"),
            Self::Guesses => f.write_str(GUESSES),
            Self::Prefix(country, tag) => write!(f, "{country}/{}", bytes::encode(&tag.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_any_other_text_is_none() {
        let tenant = TenantId::parse("shop").unwrap();
        let india = Country::parse("IN").unwrap();
        for what in [What::Country(india), What::Guesses, What::Prefix(india, Bytes([7; 8]))] {
            let watched = Watched { tenant: tenant.clone(), what };
            assert_eq!(Watched::parse(&watched.to_string()), Some(watched));
        }
        for other in [
            "",
            "shop",
            "shop/",
            "shop/in",
            "shop/IN/",
            "shop/IN/AA",
            "shop/guesses/x",
            "shop/IN/AAECAwQFBgc/",
        ] {
            assert_eq!(Watched::parse(other), None, "{other}");
        }
    }
}
