//! 電子証明書: the certificate that a customer's browser shows at the certificate login's host, from
//! the connection itself or, by RFC 9440, from a proxy that is trusted.

mod address_range;
mod client_cert_header;
mod identity;
mod settings;

use std::{
    any::Any,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::SystemTime,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{HttpRequest, dev::Extensions, rt::net::TcpStream};
use consent_domain::BankCode;
use tls::{ClientAuthorities, Untrusted, rustls::pki_types::CertificateDer};

use client_cert_header::{certificate_of_header, chain_of_header};

pub use address_range::AddressRange;
pub use identity::{CertificateIdentity, Holder};
pub use settings::{CertificateLoginError, CertificateLoginSettings};

/// The certificate login, where the settings have one.
pub struct CertificateLogin {
    /// Its host's origin, without a slash at its end.
    pub origin: String,
    /// Who issues the certificates of each bank's customers.
    authorities: BTreeMap<BankCode, ClientAuthorities>,
    trusted_proxies: Vec<AddressRange>,
}

/// Why there is no certificate to go on with.
#[derive(Debug, thiserror::Error)]
pub enum NoCertificate {
    /// The bank has no certificate login here.
    #[error("this bank has no certificate login here")]
    NotOffered,
    /// The browser showed none.
    #[error("no certificate was shown")]
    Absent,
    /// The proxy's header is not one of RFC 9440.
    #[error("Client-Cert is malformed")]
    MalformedHeader,
    /// The bank's authority did not issue it, or its time is over.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It can't be read.
    #[error("the certificate can't be read")]
    Unreadable,
}

/// A certificate with what came along, as DER.
struct Shown {
    certificate: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
}

/// What the TLS connection itself showed.
struct ShownInHandshake(Vec<CertificateDer<'static>>);

/// Keeps what a connection showed for its requests (for `HttpServer::on_connect`).
pub fn keep_shown(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
        return;
    };
    let (_, session) = stream.get_ref();
    if let Some(shown) = session.peer_certificates() {
        let owned = shown.iter().map(|der| der.clone().into_owned()).collect();
        data.insert(ShownInHandshake(owned));
    }
}

impl CertificateLogin {
    /// Whether customers of the bank may log in by certificate here.
    pub fn is_offered_by(&self, bank: &BankCode) -> bool {
        self.authorities.contains_key(bank)
    }

    /// The certificate of a request, judged by the authorities of that bank and today's time.
    ///
    /// # Errors
    /// [`NoCertificate`].
    pub fn certificate_of(
        &self,
        request: &HttpRequest,
        bank: &BankCode,
    ) -> Result<CertificateIdentity, NoCertificate> {
        let authorities = self
            .authorities
            .get(bank)
            .ok_or(NoCertificate::NotOffered)?;
        let shown = self.shown(request)?;
        authorities.judge(&shown.certificate, &shown.chain, SystemTime::now())?;
        CertificateIdentity::of_der(&shown.certificate).ok_or(NoCertificate::Unreadable)
    }

    /// From a trusted proxy only its header counts: the connection's certificate would be the proxy's
    /// own. From anybody else the header is nothing.
    fn shown(&self, request: &HttpRequest) -> Result<Shown, NoCertificate> {
        if self.trusts(request.peer_addr()) {
            let certificate = certificate_of_header(request.headers())?;
            let chain = chain_of_header(request.headers())?;
            return Ok(Shown { certificate, chain });
        }
        if request.headers().contains_key(client_cert_header::NAME) {
            tracing::warn!("Client-Cert from an address that is no trusted proxy was not believed");
        }
        let shown = request
            .conn_data::<ShownInHandshake>()
            .ok_or(NoCertificate::Absent)?;
        let (first, rest) = shown.0.split_first().ok_or(NoCertificate::Absent)?;
        Ok(Shown {
            certificate: first.clone(),
            chain: rest.to_vec(),
        })
    }

    fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        let Some(peer) = peer else { return false };
        let address: IpAddr = peer.ip().to_canonical();
        self.trusted_proxies
            .iter()
            .any(|range| range.contains(address))
    }
}
