//! `demo.json`: what a stranger's client needs; docs/demo-json.md describes it.

use serde_json::{Value, json};

use crate::addresses::Addresses;
use crate::agent::seed_example;
use crate::banks::{BANKS, DANTAI01, DANTAI02};
use crate::certificates::{self, CertificateFiles, CustomerCertificate};
use crate::operators::{self, OPERATORS};
use crate::partners::{Partner, Partners};

/// What a client over TLS needs.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Where the certificates are.
    pub files: CertificateFiles,
    /// What tells the customer's certificate from others.
    pub customer: CustomerCertificate,
}

/// The document. `mock_kafka`: the mock broker's `host:port`.
pub fn document(
    addresses: Addresses,
    partners: &Partners,
    mock_kafka: &str,
    tls: Option<&Tls>,
) -> Value {
    let banks = BANKS.map(|bank| {
        json!({
            "code": bank.code,
            "name": bank.name,
            "display_name": bank.display_name(),
            "issuer": addresses.issuer(bank.code),
        })
    });
    let customers = [DANTAI01, DANTAI02].map(|customer| {
        json!({
            "bank_code": seed_example::BANK_CODE,
            "login_id": customer.login_id,
            "password": customer.password,
            "pin": customer.pin,
        })
    });
    let operators = OPERATORS.map(|operator| {
        json!({
            "bank_code": operators::BANK,
            "id": operator.id,
            "password": operator.password,
            "role": operator.role,
        })
    });
    let partners: serde_json::Map<String, Value> = partners
        .all()
        .map(|partner| (partner.letter.to_owned(), description(partner)))
        .into_iter()
        .collect();
    let mut document = json!({
        "addresses": {
            "partner_app": addresses.partner_app(),
            "consent": addresses.consent(),
            "operators": addresses.operators(),
            "decisions": addresses.decisions(),
            "account_api": addresses.account_api(),
            "sandbox_bank": addresses.sandbox_bank(),
            "relay": addresses.relay(),
            "mock_kafka": mock_kafka,
        },
        "resource_identifier": addresses.account_api(),
        "banks": banks,
        "customers": customers,
        "operators": operators,
        "partners": partners,
    });
    if let (Some(tls), Some(members)) = (tls, document.as_object_mut()) {
        members.insert("tls".to_owned(), described(addresses, tls));
    }
    document
}

fn described(addresses: Addresses, tls: &Tls) -> Value {
    json!({
        "certificate_login": addresses.certificate_login(),
        "ca_file": tls.files.ca,
        "customers_ca_file": tls.files.customers_ca,
        "customer_certificates": [{
            "bank_code": seed_example::BANK_CODE,
            "login_id": certificates::CUSTOMER,
            "certificate_file": tls.files.customer,
            "private_key_file": tls.files.customer_key,
            "sha256": tls.customer.sha256,
            "issuer": tls.customer.issuer,
            "serial_number": tls.customer.serial_number,
        }],
    })
}

fn description(partner: &Partner) -> Value {
    json!({
        "partner_id": partner.partner_id,
        "client_id": partner.client_id,
        "legal_name": partner.legal_name,
        "service_name": partner.service_name,
        "redirect_uris": partner.redirect_uris,
        "banks": BANKS.map(|bank| bank.code),
        "kid": partner.key.kid,
        "private_key_pem": partner.key.private_key_pem,
        "private_key_jwk": partner.key.private_jwk(),
        "public_key_jwk": partner.key.public_jwk,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::{PortBase, Transport};
    use crate::partners::PartnerKeys;

    #[test]
    fn it_names_every_bank_and_the_three_partners_with_their_private_keys() {
        let addresses = Addresses::new(PortBase::default(), Transport::Plain);
        let partners = Partners::new(addresses, PartnerKeys::generate().expect("keys"));
        let document = document(addresses, &partners, "127.0.0.1:9092", None);
        assert!(document.get("tls").is_none());
        assert_eq!(document["banks"].as_array().map(Vec::len), Some(13));
        assert_eq!(document["banks"][2]["issuer"], "http://127.0.0.1:8080/2963");
        for letter in ["A", "B", "C"] {
            let partner = &document["partners"][letter];
            assert!(partner["private_key_jwk"]["d"].is_string(), "{letter}");
            assert_eq!(partner["private_key_jwk"]["kid"], partner["kid"]);
        }
    }
}
