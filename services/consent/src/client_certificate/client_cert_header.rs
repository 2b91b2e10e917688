//! `Client-Cert` and `Client-Cert-Chain` of RFC 9440: an Item and a List whose values are Byte
//! Sequences (RFC 8941 section 3.3.5). Whether they may be believed is decided elsewhere.

use actix_web::http::header::HeaderMap;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use tls::rustls::pki_types::CertificateDer;

use super::NoCertificate;

/// RFC 9440 section 2.2.
pub(super) const NAME: &str = "Client-Cert";
/// RFC 9440 section 2.3.
const CHAIN_NAME: &str = "Client-Cert-Chain";

/// Certificates between the customer's and its authority; more than any CA uses.
const CHAIN_LENGTH_MAX: usize = 4;

/// RFC 8941 section 4.2.7: padding may be missing.
const BYTE_SEQUENCE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The customer's certificate.
///
/// # Errors
/// [`NoCertificate::Absent`], or [`NoCertificate::MalformedHeader`] for anything but one certificate:
/// a second field line may be one that the proxy did not take away.
pub(super) fn certificate_of_header(
    headers: &HeaderMap,
) -> Result<CertificateDer<'static>, NoCertificate> {
    let mut lines = headers.get_all(NAME);
    let line = lines.next().ok_or(NoCertificate::Absent)?;
    if lines.next().is_some() {
        return Err(NoCertificate::MalformedHeader);
    }
    let text = line.to_str().map_err(|_| NoCertificate::MalformedHeader)?;
    byte_sequence(text)
}

/// The certificates between it and its authority, which are judged like those of a handshake.
///
/// # Errors
/// [`NoCertificate::MalformedHeader`].
pub(super) fn chain_of_header(
    headers: &HeaderMap,
) -> Result<Vec<CertificateDer<'static>>, NoCertificate> {
    let mut chain = Vec::new();
    for line in headers.get_all(CHAIN_NAME) {
        let text = line.to_str().map_err(|_| NoCertificate::MalformedHeader)?;
        for member in text.split(',') {
            if chain.len() == CHAIN_LENGTH_MAX {
                return Err(NoCertificate::MalformedHeader);
            }
            chain.push(byte_sequence(member)?);
        }
    }
    Ok(chain)
}

/// RFC 9440 defines no parameters, so that none is accepted.
fn byte_sequence(text: &str) -> Result<CertificateDer<'static>, NoCertificate> {
    let encoded = text
        .trim_matches([' ', '\t'])
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'))
        .filter(|encoded| !encoded.is_empty())
        .ok_or(NoCertificate::MalformedHeader)?;
    BYTE_SEQUENCE
        .decode(encoded)
        .map(CertificateDer::from)
        .map_err(|_| NoCertificate::MalformedHeader)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{NoCertificate, certificate_of_header, chain_of_header};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn one_byte_sequence_is_the_certificate() {
        for value in [":AQID:", "  :AQID: ", ":AQI=:", ":AQI:"] {
            let found = certificate_of_header(&headers(&[("client-cert", value)])).unwrap();
            assert_eq!(found.first_chunk(), Some(&[1, 2]), "{value}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for value in [
            "",
            ":",
            "::",
            "AQID",
            ":AQ*D:",
            ":AQID:;a=1",
            ":AQID:, :AQID:",
            "\"AQID\"",
        ] {
            assert!(
                matches!(
                    certificate_of_header(&headers(&[("client-cert", value)])),
                    Err(NoCertificate::MalformedHeader)
                ),
                "{value}"
            );
        }
        let twice = headers(&[("client-cert", ":AQID:"), ("client-cert", ":AQID:")]);
        assert!(matches!(
            certificate_of_header(&twice),
            Err(NoCertificate::MalformedHeader)
        ));
        assert!(matches!(
            certificate_of_header(&HeaderMap::new()),
            Err(NoCertificate::Absent)
        ));
    }

    #[test]
    fn a_chain_is_a_list_over_one_line_or_more_and_short() {
        let chain = |lines: &[(&'static str, &'static str)]| chain_of_header(&headers(lines));
        let name = "client-cert-chain";
        assert_eq!(chain(&[]).unwrap().len(), 0);
        assert_eq!(
            chain(&[(name, ":AQ==:, :Ag==:"), (name, ":Aw==:")])
                .unwrap()
                .len(),
            3
        );
        assert!(chain(&[(name, ":AQ==:,:Ag==:,:Aw==:,:BA==:,:BQ==:")]).is_err());
        assert!(chain(&[(name, ":AQ==:,")]).is_err());
    }
}
