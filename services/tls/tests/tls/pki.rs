//! An authority, and what it issues, in a directory that goes with the test.

use std::{fs, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tls::{ClientTls, ServerTls};

pub(crate) struct Pki {
    directory: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let mut params = CertificateParams::new(Vec::new()).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let pki = Self { directory, issuer };
        pki.write("ca.pem", &pki.issuer.pem());
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// A certificate for `localhost` with its key, as files.
    pub(crate) fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ServerTls {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        ServerTls {
            certificate_file: self.write(&format!("{name}.pem"), &certificate.pem()),
            private_key_file: self.write(&format!("{name}-key.pem"), &key.serialize_pem()),
            client_ca_file: None,
        }
    }

    pub(crate) fn server(&self) -> ServerTls {
        self.issue("server", |_| {})
    }

    pub(crate) fn expired(&self) -> ServerTls {
        self.issue("expired", |params| {
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    pub(crate) fn client(&self) -> ClientTls {
        ClientTls {
            ca_file: self.path("ca.pem"),
            certificate_file: None,
            private_key_file: None,
        }
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}
