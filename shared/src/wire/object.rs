//! Objects of JSON, and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

/// A `T` written as an object. What serde derives would also take an array of the fields in their order, and no
/// description of the API says so.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// For a field.
pub(super) fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// For a field that may be null.
pub(super) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(value.map(|Object(value)| value))
}

/// For a map of texts that may be null. No name twice: which of them counts, readers would not agree on.
pub(super) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    struct Texts;

    impl<'de> Visitor<'de> for Texts {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut texts = BTreeMap::new();
            while let Some((name, text)) = map.next_entry()? {
                if texts.insert(name, text).is_some() {
                    return Err(A::Error::custom("a name stands twice in metadata"));
                }
            }
            Ok(texts)
        }
    }

    struct Read(BTreeMap<String, String>);

    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Texts).map(Self)
        }
    }

    Ok(Option::<Read>::deserialize(deserializer)?.map(|Read(texts)| texts))
}

#[cfg(test)]
mod tests {
    use super::Object;
    use crate::wire::api::CreateOrder;
    use crate::wire::api::Verify;

    fn refusal(text: &str) -> Option<String> {
        serde_json::from_str::<Object<CreateOrder>>(text).err().map(|error| error.to_string())
    }

    #[test]
    fn an_array_of_the_fields_is_no_object() {
        let order =
            r#"{"to": {"phone": "+1"}, "service": "s", "client": {"country": "IN"}, "binding": null}"#;
        assert_eq!(refusal(order), None);
        for (object, array) in
            [(r#"{"phone": "+1"}"#, r#"["+1", null]"#), (r#"{"country": "IN"}"#, "[null, null]")]
        {
            let error = refusal(&order.replace(object, array)).unwrap();
            assert!(error.contains("expected an object"), "{error}");
        }
        let binding = r#""binding": ["1", "INR", "Shop"]"#;
        assert!(refusal(&order.replace(r#""binding": null"#, binding)).is_some());
        assert!(serde_json::from_str::<Object<Verify>>(r#"["123456", null]"#).is_err());
    }

    #[test]
    fn a_name_in_metadata_stands_once() {
        let order =
            |metadata| format!(r#"{{"to": {{"phone": "+1"}}, "service": "s", "metadata": {metadata}}}"#);
        assert_eq!(refusal(&order(r#"{"a": "1", "b": "1"}"#)), None);
        assert_eq!(refusal(&order("null")), None);
        let twice = refusal(&order(r#"{"a": "1", "b": "2", "a": "3"}"#)).unwrap();
        assert!(twice.starts_with("a name stands twice in metadata"), "{twice}");
        assert!(refusal(&order(r#"[["a", "1"]]"#)).is_some());
    }

    #[test]
    fn whereabouts_are_a_country_tor_or_nobody_knows() {
        for (code, is_taken) in
            [("IN", true), ("T1", true), ("XX", true), ("T2", false), ("in", false), ("", false)]
        {
            let order =
                format!(r#"{{"to": {{"phone": "+1"}}, "service": "s", "client": {{"country": "{code}"}}}}"#);
            assert_eq!(refusal(&order).is_none(), is_taken, "{code}");
        }
    }

    #[test]
    fn fields_are_still_checked_one_by_one() {
        let unknown = refusal(r#"{"to": {"fax": "+1"}, "service": "s"}"#).unwrap();
        assert!(unknown.starts_with("unknown field `fax`"), "{unknown}");
        let twice = refusal(r#"{"to": {"phone": "+1", "phone": "+2"}, "service": "s"}"#).unwrap();
        assert!(twice.starts_with("duplicate field `phone`"), "{twice}");
        assert!(refusal(r#"{"service": "s"}"#).unwrap().starts_with("missing field `to`"));
    }
}
