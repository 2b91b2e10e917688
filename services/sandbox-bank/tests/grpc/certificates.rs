//! Certificates: whose login id they stand for, and what a login with one counts.

use rcgen::{CertificateParams, DnType, KeyPair};
use renkei_proto::bank::v1::authenticate_response::Outcome;
use renkei_proto::bank::v1::resolve_certificate_response::Outcome as Resolved;
use renkei_proto::bank::v1::*;
use sandbox_bank::CustomerCertificate;
use sha2::{Digest as _, Sha256};
use x509_cert::{Certificate, der::Decode as _};

use crate::running::{BANK, RunningBank, login};

/// A certificate, as the bank registers it and as a caller names it.
fn certificate(name: &str) -> (CustomerCertificate, ClientCertificate) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let signed = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let der = signed.der();
    let read = Certificate::from_der(der).unwrap().tbs_certificate;
    let octets = read.serial_number.as_bytes();
    let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
    let shown = ClientCertificate {
        sha256: Sha256::digest(der).to_vec(),
        issuer: read.issuer.to_string(),
        serial: octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        subject: read.subject.to_string(),
    };
    (CustomerCertificate::from_der(der).unwrap(), shown)
}

async fn resolve(running: &RunningBank, shown: &ClientCertificate) -> Resolved {
    let request = ResolveCertificateRequest {
        bank_code: BANK.into(),
        certificate: Some(shown.clone()),
    };
    let answer = running.port.clone().resolve_certificate(request).await;
    answer.unwrap().into_inner().outcome.unwrap()
}

fn by_certificate(
    login_id: &str,
    password: &str,
    shown: &ClientCertificate,
) -> AuthenticateRequest {
    AuthenticateRequest {
        method: LoginMethod::Certificate.into(),
        certificate: Some(shown.clone()),
        ..login(login_id, password)
    }
}

fn refused(reason: CertificateRefusal) -> CertificateRefused {
    CertificateRefused {
        reason: reason.into(),
    }
}

#[tokio::test]
async fn a_certificate_stands_for_its_login_id_and_the_password_is_still_asked() {
    let running = RunningBank::start().await;
    let (registered, shown) = certificate("dantai03");
    let bank = &running.bank;
    bank.register_certificate(BANK, "dantai03", registered)
        .unwrap();

    let holder = CertificateHolder {
        login_id: "dantai03".into(),
    };
    assert_eq!(resolve(&running, &shown).await, Resolved::Holder(holder));
    let right = by_certificate("dantai03", "Rokin2028", &shown);
    assert!(matches!(
        running.authenticate(right).await.unwrap(),
        Outcome::Authenticated(_)
    ));
    let wrong = by_certificate("dantai03", "Rokin0000", &shown);
    assert!(matches!(
        running.authenticate(wrong).await.unwrap(),
        Outcome::Rejected(_)
    ));
    assert_eq!(bank.login_attempts(BANK, "dantai03"), 2);
}

#[tokio::test]
async fn a_certificate_opens_no_contract_of_login_ids() {
    let running = RunningBank::start().await;
    let (registered, shown) = certificate("dantai01");
    running
        .bank
        .register_certificate(BANK, "dantai01", registered)
        .unwrap();

    let request = by_certificate("dantai01", "Rokin2026", &shown);

    let Outcome::Refused(told) = running.authenticate(request).await.unwrap() else {
        panic!("it was not refused");
    };
    assert_eq!(told.reason(), LoginRefusal::CertificateNotAllowed);
}

#[tokio::test]
async fn an_unknown_or_revoked_certificate_is_refused_before_the_password_and_not_counted() {
    let running = RunningBank::start().await;
    let bank = &running.bank;
    let (registered, shown) = certificate("dantai03");
    let unknown = CertificateRefusal::Unknown;
    assert_eq!(
        resolve(&running, &shown).await,
        Resolved::Refused(refused(unknown))
    );
    bank.register_certificate(BANK, "dantai03", registered.clone())
        .unwrap();
    // The same fingerprint under another serial, and another's login id.
    let forged = ClientCertificate {
        serial: "01".into(),
        ..shown.clone()
    };
    assert_eq!(
        resolve(&running, &forged).await,
        Resolved::Refused(refused(unknown))
    );
    for request in [
        by_certificate("dantai03", "Rokin2028", &forged),
        by_certificate("dantai01", "Rokin2026", &shown),
    ] {
        assert_eq!(
            running.authenticate(request).await.unwrap(),
            Outcome::CertificateRefused(refused(unknown))
        );
    }

    bank.revoke_certificate(BANK, &registered).unwrap();

    let revoked = CertificateRefusal::Revoked;
    assert_eq!(
        resolve(&running, &shown).await,
        Resolved::Refused(refused(revoked))
    );
    let request = by_certificate("dantai03", "Rokin2028", &shown);
    let attempt = request.attempt_id.clone();
    assert_eq!(
        running.authenticate(request).await.unwrap(),
        Outcome::CertificateRefused(refused(revoked))
    );
    assert_eq!(running.verdict(&attempt).await, Verdict::Void);
    assert_eq!(bank.login_attempts(BANK, "dantai03"), 0);
}
