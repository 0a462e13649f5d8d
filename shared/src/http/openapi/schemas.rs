//! Bodies, from their types.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemars::transform;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::examples;
use crate::evidence;
use crate::problem;
use crate::wire::api;
use crate::wire::factor;

/// Every schema by its name.
pub(super) fn all() -> Map<String, Value> {
    let mut asked = settings().for_deserialize().into_generator();
    name::<api::CreateOrder>(&mut asked);
    name::<api::Resend>(&mut asked);
    name::<api::Verify>(&mut asked);
    name::<factor::EnrolFactor>(&mut asked);
    name::<factor::VerifyFactor>(&mut asked);
    let mut told = settings().for_serialize().into_generator();
    name::<api::Order>(&mut told);
    name::<api::Preflight>(&mut told);
    name::<api::PublicOrder>(&mut told);
    name::<api::Verified>(&mut told);
    name::<factor::EnrolledFactor>(&mut told);
    name::<factor::VerifiedFactor>(&mut told);
    name::<problem::Body>(&mut told);
    name::<evidence::Packet>(&mut told);
    let mut all = told.take_definitions(true);
    all.extend(asked.take_definitions(true));
    all.insert("PreflightOrder".into(), preflight(all.get("CreateOrder"), all.get("Destination")));
    for (name, example) in examples::bodies() {
        if let Some(schema) = all.get_mut(name) {
            schema["example"] = example;
        }
    }
    all
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .with_transform(enumerate)
        .with_transform(unsized_integers)
}

fn name<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// A list of constants becomes an `enum`, which every tool reads, and what they mean goes into its description.
fn enumerate(schema: &mut Schema) {
    transform::transform_subschemas(&mut enumerate, schema);
    let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let Some(names) = choices.iter().map(|choice| choice.get("const").cloned()).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let mut text = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    for choice in choices {
        let name = choice["const"].as_str().unwrap_or_default();
        let meaning = choice["description"].as_str().unwrap_or_default();
        text.push_str(&format!("\n* `{name}`: {meaning}"));
    }
    schema.remove("oneOf");
    schema.insert("description".into(), text.into());
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), names.into());
}

/// How wide an integer of ours is, is no business of a client's.
fn unsized_integers(schema: &mut Schema) {
    transform::transform_subschemas(&mut unsized_integers, schema);
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        schema.remove("format");
    }
}

/// A preflight reports what an order would be refused for, so it takes more than an order.
fn preflight(order: Option<&Value>, email: Option<&Value>) -> Value {
    let email = email.map(|to| to["properties"]["email"].clone());
    let mut order = order.cloned().unwrap_or_default();
    order["description"] = "`POST /v1/preflight`: an order that is only looked at.".into();
    let properties = &mut order["properties"];
    properties["service"] = json!({"type": "string", "description": "A service of the tenant."});
    properties["challenge"] = json!({"type": ["string", "null"], "description": "Not looked at."});
    properties["to"] = json!({
        "type": "object",
        "description": "Where the code would go: at least one address.",
        "additionalProperties": false,
        "anyOf": [{"required": ["phone"]}, {"required": ["email"]}],
        "properties": {
            "phone": {"type": ["string", "null"], "description": "E.164."},
            "email": email,
        },
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_schema() {
        let all = all();
        for name in ["CreateOrder", "Order", "Problem", "ProblemCode", "Channel", "AltchaChallenge"] {
            assert!(all.contains_key(name), "{name} in {:?}", all.keys());
        }
        assert!(
            all.keys().all(|name| !name.ends_with(|last: char| last.is_ascii_digit())),
            "{:?}",
            all.keys()
        );
    }
}
