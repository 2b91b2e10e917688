//! Proof key for code exchange (RFC 7636), S256 only and always.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::sha256;
use super::secret::Secret;

/// `code_challenge`: 43 characters of base64url, the SHA-256 of a verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// A challenge or verifier that RFC 7636 4.1 and 4.2 do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code challenge or verifier is malformed")]
pub struct MalformedPkce;

impl CodeChallenge {
    /// Reads a challenge; one whose last character carries stray bits is no SHA-256.
    ///
    /// # Errors
    /// [`MalformedPkce`].
    pub fn parse(challenge: &str) -> Result<Self, MalformedPkce> {
        let digest = URL_SAFE_NO_PAD
            .decode(challenge)
            .map_err(|_| MalformedPkce)?;
        if digest.len() == 32 {
            Ok(Self(challenge.to_owned()))
        } else {
            Err(MalformedPkce)
        }
    }

    /// As sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the verifier is the one that the challenge was made from.
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        verifier
            .challenge()
            .0
            .as_bytes()
            .ct_eq(self.0.as_bytes())
            .into()
    }
}

/// `code_verifier`: 43 to 128 unreserved characters.
#[derive(Clone, Debug)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Reads a verifier.
    ///
    /// # Errors
    /// [`MalformedPkce`].
    pub fn parse(verifier: Zeroizing<String>) -> Result<Self, MalformedPkce> {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved) {
            Ok(Self(Secret::new(verifier)))
        } else {
            Err(MalformedPkce)
        }
    }

    /// The challenge that this verifier meets.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(URL_SAFE_NO_PAD.encode(sha256(self.0.expose().as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn verifier(text: &str) -> Result<CodeVerifier, MalformedPkce> {
        CodeVerifier::parse(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn the_rfc_example_is_met() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_met_by(&verifier(VERIFIER).unwrap()));
        assert!(!challenge.is_met_by(&verifier(&VERIFIER.replace('d', "e")).unwrap()));
    }

    #[test]
    fn a_malformed_challenge_is_refused() {
        for challenge in [
            "",
            "short",
            &CHALLENGE[..42],
            &format!("{CHALLENGE}="),
            &format!("{CHALLENGE}A"),
            &CHALLENGE.replace('-', "+"),
            &CHALLENGE.replace("cM", "cN"),
        ] {
            assert_eq!(
                CodeChallenge::parse(challenge),
                Err(MalformedPkce),
                "{challenge}"
            );
        }
    }

    #[test]
    fn a_malformed_verifier_is_refused() {
        assert!(verifier(&VERIFIER[..42]).is_err());
        assert!(verifier(&"a".repeat(129)).is_err());
        assert!(verifier(&VERIFIER.replace('d', "+")).is_err());
        assert!(verifier(&"a~.".repeat(20)).is_ok());
    }
}
