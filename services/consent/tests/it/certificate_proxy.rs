//! The certificate login's host behind a proxy: RFC 9440.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use crate::{
    bench::{BANK, Options, browser},
    certificate_authority::{Authority, CertificateBench, Front},
    certificate_login::ticket_url,
};

/// What a proxy would ask the listener: the same address, in plain, with headers.
async fn ask(stand: &CertificateBench, url: &Url, headers: &[(&str, String)]) -> (u16, String) {
    let listener = stand.bench.replicas[0]
        .certificate_login
        .expect("a listener");
    let address = format!("http://{listener}{}?{}", url.path(), url.query().unwrap());
    let mut request = reqwest::Client::new().get(address);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a page"),
    )
}

fn client_cert(der: &[u8]) -> (&'static str, String) {
    ("client-cert", format!(":{}:", STANDARD.encode(der)))
}

async fn behind(addresses: &'static [&'static str]) -> (CertificateBench, Url) {
    let stand = CertificateBench::with(Options::default(), Front::Proxy(addresses)).await;
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    (stand, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxys_header_is_judged_like_a_handshake() {
    let (stand, url) = behind(&["127.0.0.0/8"]).await;

    let (status, html) = ask(&stand, &url, &[client_cert(&stand.dantai03.der)]).await;
    assert_eq!(status, 200, "{html}");
    assert!(html.contains("dantai03"));

    // Believed is only what the proxy saw; whose it is, the bank's authority says.
    let another = Authority::new("another").issue("dantai03");
    let expired = stand.customers.issue_expired("dantai03");
    for known in [&another, &expired] {
        let bank = &stand.bench.bank;
        bank.register_certificate(BANK, "dantai03", known.of_bank())
            .unwrap();
    }
    let good = client_cert(&stand.dantai03.der);
    for headers in [
        vec![],
        vec![client_cert(&another.der)],
        vec![client_cert(&expired.der)],
        vec![client_cert(b"not a certificate")],
        vec![("client-cert", "dantai03".to_owned())],
        // The second line may be the attacker's, which the proxy did not take away.
        vec![good.clone(), good],
    ] {
        let (status, html) = ask(&stand, &url, &headers).await;
        assert_eq!(status, 403, "{headers:?}");
        assert!(html.contains("certificate_not_confirmed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_header_is_believed() {
    let (stand, url) = behind(&["192.0.2.1"]).await;

    let (status, html) = ask(&stand, &url, &[client_cert(&stand.dantai03.der)]).await;

    assert_eq!(status, 403);
    assert!(html.contains("certificate_not_confirmed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_of_its_own_the_host_believes_no_header() {
    let stand = CertificateBench::new().await;
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;

    let answer = stand
        .client_without_certificate()
        .get(url)
        .header("client-cert", client_cert(&stand.dantai03.der).1)
        .send()
        .await
        .expect("an answer");

    assert_eq!(answer.status().as_u16(), 403);
}
