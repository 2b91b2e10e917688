//! Certificates for 127.0.0.1, as files that go with the test.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tls::{ClientTls, ServerTls};

/// An authority and one certificate of it.
pub struct Pki {
    directory: PathBuf,
    ca_pem: String,
}

impl Pki {
    pub fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("renkei-tls-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).expect("a directory");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"))
            .expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .expect("a name")
            .signed_by(&key, &authority)
            .expect("a certificate");
        for (file, pem) in [
            ("ca.pem", authority.pem()),
            ("server.pem", certificate.pem()),
            ("server-key.pem", key.serialize_pem()),
        ] {
            std::fs::write(directory.join(file), pem).expect("a file");
        }
        let ca_pem = authority.pem();
        Self { directory, ca_pem }
    }

    pub fn server(&self) -> ServerTls {
        ServerTls {
            certificate_file: self.directory.join("server.pem"),
            private_key_file: self.directory.join("server-key.pem"),
            client_ca_file: None,
        }
    }

    pub fn client(&self) -> ClientTls {
        ClientTls {
            ca_file: self.directory.join("ca.pem"),
            certificate_file: None,
            private_key_file: None,
        }
    }

    /// A section of the settings.
    pub fn listener(&self, section: &str) -> String {
        let server = self.server();
        format!(
            "[{section}]\ncertificate_file = {:?}\nprivate_key_file = {:?}\n",
            server.certificate_file, server.private_key_file
        )
    }

    /// A client that trusts this authority and no other.
    pub fn http(&self) -> reqwest::Client {
        tls::install();
        let trusted = reqwest::Certificate::from_pem_bundle(self.ca_pem.as_bytes());
        reqwest::Client::builder()
            .tls_certs_only(trusted.expect("PEM"))
            .no_proxy()
            .build()
            .expect("a client")
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}
