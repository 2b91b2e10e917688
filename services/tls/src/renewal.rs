//! Renewed certificates are taken up while the service runs.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{TlsError, credentials::CredentialFiles};

/// Between two looks at the files. A look is two `stat` calls within a handshake.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificate as it was when the files were last whole.
#[derive(Debug)]
pub(crate) struct RenewedCertificate {
    files: CredentialFiles,
    look_every: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    key: Arc<CertifiedKey>,
    seen: Seen,
    looked_at: Instant,
}

/// When each file was written; a change of either means a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    certificate: Option<SystemTime>,
    private_key: Option<SystemTime>,
}

impl Seen {
    fn of(files: &CredentialFiles) -> Self {
        let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        Self {
            certificate: written(&files.certificate),
            private_key: written(&files.private_key),
        }
    }
}

impl RenewedCertificate {
    pub(crate) fn read(files: CredentialFiles) -> Result<Self, TlsError> {
        Self::looking_every(LOOK_EVERY, files)
    }

    fn looking_every(look_every: Duration, files: CredentialFiles) -> Result<Self, TlsError> {
        // Before they are read: what is written meanwhile is seen at the next look.
        let seen = Seen::of(&files);
        let key = files.certified_key(&files.read(SystemTime::now())?)?;
        Ok(Self {
            files,
            look_every,
            state: Mutex::new(State {
                key: Arc::new(key),
                seen,
                looked_at: Instant::now(),
            }),
        })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut state = self.state();
        if state.looked_at.elapsed() >= self.look_every {
            state.looked_at = Instant::now();
            self.look(&mut state);
        }
        Arc::clone(&state.key)
    }

    /// Files of which one is not renewed yet don't fit each other: the old certificate stays, and
    /// they are looked at again.
    fn look(&self, state: &mut State) {
        let seen = Seen::of(&self.files);
        if seen == state.seen {
            return;
        }
        let renewed = self
            .files
            .read(SystemTime::now())
            .and_then(|credentials| self.files.certified_key(&credentials));
        match renewed {
            Ok(key) => {
                state.key = Arc::new(key);
                state.seen = seen;
                tracing::info!(section = self.files.section, "renewed certificate");
            }
            Err(error) => {
                tracing::warn!(%error, "the renewed certificate is not taken; the old one stays");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every write.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for RenewedCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn write(files: &CredentialFiles) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.private_key, key.serialize_pem()).unwrap();
        certificate.pem()
    }

    fn files(name: &str) -> (PathBuf, CredentialFiles) {
        let directory =
            std::env::temp_dir().join(format!("tls-renewal-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let files = CredentialFiles {
            section: "tls".to_owned(),
            certificate: directory.join("certificate.pem"),
            private_key: directory.join("key.pem"),
        };
        (directory, files)
    }

    #[test]
    fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
        let (directory, files) = files("taken");
        write(&files);
        let certificate = RenewedCertificate::looking_every(Duration::ZERO, files.clone()).unwrap();
        let first = certificate.current();
        assert_eq!(
            certificate.current().cert,
            first.cert,
            "nothing was written"
        );

        fs::write(&files.private_key, "half written").unwrap();
        let during = certificate.current();
        write(&files);
        let after = certificate.current();

        fs::remove_dir_all(directory).unwrap();
        assert_eq!(during.cert, first.cert);
        assert_ne!(after.cert, first.cert);
    }
}
