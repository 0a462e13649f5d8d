use std::collections::BTreeSet;

use super::*;
use crate::http::OPENAPI;
use crate::http::call::Call;
use crate::problem::Code;

/// The word after `Self::` in each line of `call.rs` that makes a call.
fn routed() -> BTreeSet<String> {
    let source = include_str!("../call.rs");
    let makes = source.lines().filter(|line| line.contains("=> Self::") || line.contains("Some(Self::"));
    let words = makes.filter_map(|line| line.split("Self::").nth(1));
    words
        .filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next())
        .map(str::to_owned)
        .collect()
}

/// The call that an operation's method and path lead to, by the name that `call.rs` has for it.
fn call(operation: &Operation) -> Option<String> {
    let id = if operation.tag == "factors" { examples::FACTOR_ID } else { examples::ORDER_ID };
    let found = Call::find(&operation.method.to_uppercase(), &operation.path.replace("{id}", id))?;
    let name = match &found {
        Call::Factor(factor) => format!("{factor:?}"),
        _ => format!("{found:?}"),
    };
    name.split('(').next().map(str::to_owned)
}

#[test]
fn every_route_is_described_and_every_description_is_routed() {
    let (open, keyed): (Vec<_>, Vec<_>) =
        operations::all().into_iter().partition(|operation| operation.is_open);
    let described: BTreeSet<_> = keyed
        .iter()
        .map(|operation| call(operation).unwrap_or_else(|| panic!("{} leads nowhere", operation.path)))
        .collect();
    let factors = ["Verify"].map(str::to_owned);
    assert_eq!(described, routed(), "calls by name");
    // Orders and factors both have a `Verify`.
    assert_eq!(keyed.len(), described.len() + factors.len());
    assert_eq!(open.len(), 4);
}

#[test]
fn every_code_of_the_closed_list_is_a_refusal_with_its_own_status() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for call in calls.as_object().unwrap().values() {
            for (status, reply) in call["responses"].as_object().unwrap() {
                let Some(name) = reply["$ref"].as_str() else { continue };
                let reply = document.pointer(name.trim_start_matches('#')).unwrap();
                let refusal = &reply["content"]["application/problem+json"];
                for code in refusal["schema"]["properties"]["code"]["enum"].as_array().unwrap() {
                    let code: Code = serde_json::from_value(code.clone()).unwrap();
                    assert_eq!(code.status().to_string(), *status, "{path}");
                    assert_eq!(refusal["examples"][code.as_str()]["value"]["code"], code.as_str());
                    seen.insert(code.as_str());
                }
            }
        }
    }
    // Of the operators' API alone.
    let others =
        [Code::ManagedByFile, Code::PreconditionFailed, Code::RoleRequired, Code::UnsupportedMediaType];
    seen.extend(others.map(Code::as_str));
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(seen, all);
    let listed = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    assert_eq!(listed.len(), all.len());
}

#[test]
fn every_reference_leads_somewhere_and_nothing_lies_unused() {
    let document = document();
    let text = document.to_string();
    let references: BTreeSet<_> =
        text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for reference in &references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for kind in ["headers", "parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("/components/{kind}/{name}");
            assert!(references.contains(reference.as_str()), "{reference} is unused");
        }
    }
    let ids: Vec<_> = operations::all().iter().map(|operation| operation.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let hooks: Vec<_> =
        document["webhooks"].as_object().into_iter().flat_map(|hooks| hooks.values()).collect();
    let hooks: Vec<_> = hooks.iter().filter_map(|hook| hook["post"]["operationId"].as_str()).collect();
    for linked in text.split("\"operationId\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&linked) || hooks.contains(&linked), "{linked}");
    }
}

#[test]
fn the_committed_document_is_the_one_that_the_types_make() {
    let is_same = OPENAPI.trim_end() == text();
    assert!(
        is_same,
        "run: cargo run -q --bin tiffin -- openapi > shared/src/http/openapi.json, then build again"
    );
}
