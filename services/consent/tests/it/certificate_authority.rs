//! The authorities and certificates of the certificate login's tests, on real TLS connections.

use std::path::{Path, PathBuf};

use demo::agent::{browser::Browser, trust::Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use sandbox_bank::CustomerCertificate;

use crate::bench::{BANK, Bench, CertificateOptions, Options};

/// Who issues: the servers' authority, the customers', or somebody else's.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A customer's certificate with its key.
pub struct Issued {
    pub der: Vec<u8>,
    pem: String,
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("an authority"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, 4096)
    }

    /// Over since years.
    pub fn issue_expired(&self, name: &str) -> Issued {
        self.issue_until(name, 2001)
    }

    fn issue_until(&self, name: &str, year: i32) -> Issued {
        let mut params = CertificateParams::default();
        let subject = &mut params.distinguished_name;
        subject.push(DnType::OrganizationName, "見本教職員組合");
        subject.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        self.sign(params)
    }

    fn issue_for_the_host(&self) -> Issued {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        self.sign(CertificateParams::new(names).expect("a name"))
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Issued {
            der: certificate.der().to_vec(),
            pem: format!("{}{}", certificate.pem(), key.serialize_pem()),
        }
    }
}

impl Issued {
    pub fn of_bank(&self) -> CustomerCertificate {
        CustomerCertificate::from_der(&self.der).expect("a certificate")
    }
}

/// A bench with the certificate login, and dantai03's certificate known to the bank.
pub struct CertificateBench {
    pub bench: Bench,
    pub customers: Authority,
    pub dantai03: Issued,
    servers: Authority,
    /// The files, as long as the test runs.
    _files: Directory,
}

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

/// Whether the certificate login's host has its own TLS, or stands behind a proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Front {
    OwnTls,
    /// Plain HTTP; these addresses are believed.
    Proxy(&'static [&'static str]),
}

impl CertificateBench {
    pub async fn new() -> Self {
        Self::with(Options::default(), Front::OwnTls).await
    }

    pub async fn with(options: Options, front: Front) -> Self {
        let name = format!("renkei-certificates-{}", uuid::Uuid::new_v4());
        let files = Directory(std::env::temp_dir().join(name));
        std::fs::create_dir(&files.0).expect("a directory");
        let servers = Authority::new("servers");
        let customers = Authority::new("中央労働金庫 電子証明書認証局");
        let host = servers.issue_for_the_host();
        let server_file = write(&files.0, "server.pem", &host.pem);
        let (tls, trusted_proxies): (_, &[&str]) = match front {
            Front::OwnTls => (Some((server_file.clone(), server_file)), &[]),
            Front::Proxy(addresses) => (None, addresses),
        };
        let certificate_login = CertificateOptions {
            customer_ca_file: write(&files.0, "customers.pem", &customers.pem()),
            tls,
            trusted_proxies,
        };
        let bench = Bench::with(Options {
            certificate_login: Some(certificate_login),
            ..options
        })
        .await;
        let dantai03 = customers.issue("dantai03");
        bench
            .bank
            .register_certificate(BANK, "dantai03", dantai03.of_bank())
            .expect("a known login id");
        Self {
            bench,
            customers,
            dantai03,
            servers,
            _files: files,
        }
    }

    fn trust(&self) -> Trust {
        Trust::of_authorities(self.servers.pem().as_bytes()).expect("PEM")
    }

    /// A browser without a certificate.
    pub fn browser(&self) -> Browser {
        Browser::try_trusting(&self.trust()).expect("a browser")
    }

    /// A browser that shows a certificate, with a cookie jar of its own: what it gets on the certificate
    /// login's host does not come from cookies of the journey's.
    pub fn showing(&self, certificate: &Issued) -> Browser {
        let trust = self.trust().with_identity(certificate.pem.as_bytes());
        Browser::try_trusting(&trust.expect("PEM")).expect("a browser")
    }

    /// Not a browser: it sends what it is told.
    pub fn client_without_certificate(&self) -> reqwest::Client {
        let authorities = reqwest::Certificate::from_pem_bundle(self.servers.pem().as_bytes());
        reqwest::Client::builder()
            .tls_certs_only(authorities.expect("PEM"))
            .build()
            .expect("a client")
    }

    pub fn dantai03s(&self) -> Browser {
        self.showing(&self.dantai03)
    }
}
