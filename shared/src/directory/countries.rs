//! Where a tenant's codes may go.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::country::Country;

/// `"all"`, or a list of countries. Nothing by default: what is not opened cannot be pumped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Countries {
    /// Every country, and what belongs to none.
    #[serde(with = "all")]
    All,
    /// These.
    These(BTreeSet<Country>),
}

impl Default for Countries {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Countries {
    /// Whether numbers of this country are open. A number of no country is open only where all are.
    pub fn allow(&self, country: Option<Country>) -> bool {
        match self {
            Self::All => true,
            Self::These(open) => country.is_some_and(|country| open.contains(&country)),
        }
    }
}

mod all {
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use serde::de;

    const ALL: &str = "all";

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ALL)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == ALL { Ok(()) } else { Err(de::Error::custom("expected \"all\" or a list of countries")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_a_list_and_nothing_by_default() {
        let (india, germany) = (Country::parse("IN").ok(), Country::parse("DE").ok());
        let read = |text: &str| serde_json::from_str::<Countries>(text);
        assert!(read(r#""all""#).unwrap().allow(None));
        let some = read(r#"["IN"]"#).unwrap();
        assert!(some.allow(india) && !some.allow(germany) && !some.allow(None));
        assert!(!Countries::default().allow(india));
        assert_eq!(serde_json::to_string(&Countries::All).unwrap(), r#""all""#);
        assert!(read(r#""some""#).is_err() && read(r#"["india"]"#).is_err());
    }
}
