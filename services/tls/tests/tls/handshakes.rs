//! Who gets in, and whom a client believes.

use std::{net::SocketAddr, sync::Arc};

use tls::rustls::{ClientConfig, ServerConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt as _;

use crate::{
    client_hello::{Answer, HANDSHAKE_FAILURE, PROTOCOL_VERSION, Version, say_hello},
    pki::Pki,
};

const ECDHE_ECDSA_AES128_GCM: u16 = 0xc02b;
const ECDHE_ECDSA_AES128_CBC: u16 = 0xc009;
const ECDHE_ECDSA_AES128_CBC_SHA256: u16 = 0xc023;
const RSA_AES128_GCM: u16 = 0x009c;
const ECDHE_ECDSA_CHACHA20: u16 = 0xcca9;

/// A server that answers "ok" to whoever comes through the handshake.
pub(crate) async fn server(config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut connections = Box::pin(tls::grpc::incoming(listener, Some(config)));
    tokio::spawn(async move {
        while let Some(Ok(mut connection)) = connections.next().await {
            connection.write_all(b"ok").await.ok();
            connection.shutdown().await.ok();
        }
    });
    address
}

/// What a client reads after the handshake.
pub(crate) async fn read(config: ClientConfig, address: SocketAddr) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_in_over_tls_1_3_and_1_2() {
    let pki = Pki::new("trusted");
    let address = server(pki.server().http("tls").expect("settings")).await;
    let client = pki.client().http("client").expect("settings");
    assert_eq!(read(client, address).await.expect("an answer"), "ok");

    let suites = [ECDHE_ECDSA_AES128_CBC, ECDHE_ECDSA_AES128_GCM];
    let tls12 = say_hello(address, Version::Tls12, &suites).await;
    assert_eq!(tls12, Answer::Hello);
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_ends_the_handshake() {
    let (pki, other) = (Pki::new("ours"), Pki::new("theirs"));
    let address = server(pki.server().http("tls").expect("settings")).await;
    let client = other.client().http("client").expect("settings");

    let error = read(client, address).await.expect_err("it is not trusted");

    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    let pki = Pki::new("tls11");
    let address = server(pki.server().http("tls").expect("settings")).await;
    let suites = [ECDHE_ECDSA_AES128_CBC, ECDHE_ECDSA_AES128_GCM];
    assert_eq!(
        say_hello(address, Version::Tls11, &suites).await,
        Answer::Alert(PROTOCOL_VERSION)
    );
}

#[tokio::test]
async fn suites_that_are_not_recommended_for_tls_1_2_are_refused() {
    let pki = Pki::new("suites");
    let address = server(pki.server().http("tls").expect("settings")).await;
    for suites in [
        [ECDHE_ECDSA_AES128_CBC, ECDHE_ECDSA_AES128_CBC_SHA256],
        [RSA_AES128_GCM, RSA_AES128_GCM],
        [ECDHE_ECDSA_CHACHA20, ECDHE_ECDSA_CHACHA20],
    ] {
        assert_eq!(
            say_hello(address, Version::Tls12, &suites).await,
            Answer::Alert(HANDSHAKE_FAILURE),
            "{suites:x?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_holds_nobody_up() {
    let pki = Pki::new("silent");
    let address = server(pki.server().http("tls").expect("settings")).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.expect("a connection"));
    }
    let client = pki.client().http("client").expect("settings");
    assert_eq!(read(client, address).await.expect("an answer"), "ok");
}
