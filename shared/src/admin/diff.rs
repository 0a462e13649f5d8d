//! What two values differ in, so that an audit shows the change and not the whole.

use serde_json::Map;
use serde_json::Value;

/// Of two objects the members that differ, and theirs in turn; of anything else both, where they differ.
pub fn diff(before: &Value, after: &Value) -> (Value, Value) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return if before == after { (Value::Null, Value::Null) } else { (before.clone(), after.clone()) };
    };
    let (mut was, mut is) = (Map::new(), Map::new());
    for (name, old) in old {
        match new.get(name) {
            Some(new) if new == old => {}
            Some(new) => {
                let (old, new) = diff(old, new);
                was.insert(name.clone(), old);
                is.insert(name.clone(), new);
            }
            None => {
                was.insert(name.clone(), old.clone());
            }
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    is.extend(added.map(|(name, new)| (name.clone(), new.clone())));
    (Value::Object(was), Value::Object(is))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_diff_shows_what_changed_and_nothing_else() {
        let before = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
        let after = json!({"a": 1, "b": {"c": 1, "d": 3}, "f": 4});
        assert_eq!(diff(&before, &after), (json!({"b": {"d": 2}, "e": [1]}), json!({"b": {"d": 3}, "f": 4})));
        assert_eq!(diff(&before, &before), (json!({}), json!({})));
        assert_eq!(diff(&Value::Null, &after), (Value::Null, after.clone()));
    }
}
