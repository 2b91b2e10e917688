use serde_json::Value;

use super::*;

fn read(document: Document) -> Value {
    serde_json::from_str(&document.to_json().unwrap()).unwrap()
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [Document::Public, Document::Operators] {
        let document = read(document);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_operation_that_takes_a_client_says_how_it_proves_itself_and_is_refused() {
    let document = read(Document::Public);
    for path in [
        "/{bank}/par",
        "/{bank}/token",
        "/{bank}/revoke",
        "/{bank}/introspect",
    ] {
        let operation = &document["paths"][path]["post"];
        let text = operation["requestBody"].to_string();
        assert!(text.contains("application/x-www-form-urlencoded"), "{path}");
        for (status, code) in [
            ("400", "invalid_request"),
            ("401", "invalid_client"),
            ("503", "temporarily_unavailable"),
        ] {
            let examples =
                &operation["responses"][status]["content"]["application/json"]["examples"];
            assert_eq!(examples[code]["value"]["error"], code, "{path} {status}");
        }
        assert!(
            operation["responses"]["503"]["headers"]
                .get("Retry-After")
                .is_some()
        );
    }
    for form in [
        "PushedAuthorizationRequest",
        "RefreshTokenRequest",
        "OwnToken",
    ] {
        let text = document["components"]["schemas"][form].to_string();
        assert!(text.contains("ClientAuthentication"), "{form}: {text}");
    }
}
