//! One question of Kafka's protocol, which a broker answers as soon as it takes requests.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A broker that starts accepts connections before it answers on them.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
/// `ApiVersions`: the first request of every client.
const API_VERSIONS: i16 = 18;
const REQUEST_ID: i32 = 7;

/// Whether a broker answers on a loopback port without TLS.
pub(super) fn answers(port: u16) -> bool {
    ask(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap_or(false)
}

fn ask(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWERED_WITHIN)?;
    stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
    stream.write_all(&request())?;
    // The length, the request's id, an error code of two bytes, and what the versions are.
    let mut answer = [0_u8; 10];
    stream.read_exact(&mut answer)?;
    let (_, rest) = answer.split_at(4);
    let (id, code) = rest.split_at(4);
    Ok(id == REQUEST_ID.to_be_bytes() && code == [0, 0])
}

/// The length, then the header: key, version 0, id, and no client id.
fn request() -> Vec<u8> {
    let header = [
        API_VERSIONS.to_be_bytes().as_slice(),
        &0_i16.to_be_bytes(),
        &REQUEST_ID.to_be_bytes(),
        &(-1_i16).to_be_bytes(),
    ]
    .concat();
    let length = i32::try_from(header.len()).unwrap_or_default();
    [length.to_be_bytes().as_slice(), &header].concat()
}
