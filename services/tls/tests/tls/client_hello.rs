//! Handshakes' first messages written by hand, since no client here can speak what is refused.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A version as it stands on the wire.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    Tls11 = 0x0302,
    Tls12 = 0x0303,
}

/// RFC 5246 sections 6.2.1 and 7.4.1.2: a record with a hello, offering these suites, P-256 and
/// ECDSA with SHA-256.
fn client_hello(version: Version, suites: &[u16]) -> Vec<u8> {
    let version = (version as u16).to_be_bytes();
    let groups_and_signatures: [u8; 16] = [
        0, 10, 0, 4, 0, 2, 0, 23, // supported_groups: secp256r1
        0, 13, 0, 4, 0, 2, 4, 3, // signature_algorithms: ecdsa_secp256r1_sha256
    ];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(length(2 * suites.len()));
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend(length(groups_and_signatures.len()));
    body.extend(groups_and_signatures);

    let mut record = vec![22, 3, 1];
    record.extend(length(body.len() + 4));
    record.extend([1, 0]);
    record.extend(length(body.len()));
    record.extend(body);
    record
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("a short one").to_be_bytes()
}

/// What a server does with a hello.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It goes on: the handshake record of its own hello.
    Hello,
    /// It ends with this alert (RFC 8446 section 6).
    Alert(u8),
}

pub(crate) const HANDSHAKE_FAILURE: u8 = 40;
pub(crate) const PROTOCOL_VERSION: u8 = 70;

pub(crate) async fn say_hello(
    address: std::net::SocketAddr,
    version: Version,
    suites: &[u16],
) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream
        .write_all(&client_hello(version, suites))
        .await
        .expect("it is sent");
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.expect("an answer");
    match head[0] {
        22 => Answer::Hello,
        21 => Answer::Alert(head[6]),
        other => panic!("a record of type {other}"),
    }
}
