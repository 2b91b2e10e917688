//! Passwords of the console as argon2id hashes in the PHC format (RFC 9106), with the crate's own parameters:
//! 19 MiB, 2 passes, 1 lane, the least that OWASP's password storage cheat sheet names.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::entropy;

/// Fewest characters.
pub const CHARACTERS_MIN: usize = 12;
/// Most bytes.
pub const BYTES_MAX: usize = 128;
/// Each takes 19 MiB and a core; others wait.
static RUNNING: Semaphore = Semaphore::const_new(2);

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too short or too long.
    #[error("a password has 12 characters or more, and 128 bytes or fewer")]
    Length,
    /// The library's.
    #[error("hashing failed: {0}")]
    Library(String),
}

/// The hash to store.
///
/// # Errors
/// [`HashError`].
pub(super) fn hash(password: &str) -> Result<String, HashError> {
    if password.chars().count() < CHARACTERS_MIN || password.len() > BYTES_MAX {
        return Err(HashError::Length);
    }
    let salt = SaltString::encode_b64(entropy::random_bytes::<16>().as_slice())
        .map_err(|error| HashError::Library(error.to_string()))?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| HashError::Library(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether the password is the hash's. Without a hash it takes the same time, and is wrong.
pub(super) async fn verify(password: Zeroizing<String>, stored: Option<String>) -> bool {
    /// Of a password that nobody has.
    static NOBODYS: LazyLock<Option<String>> =
        LazyLock::new(|| hash(entropy::random_token().expose()).ok());
    let Ok(_running) = RUNNING.acquire().await else {
        return false;
    };
    let verified = tokio::task::spawn_blocking(move || {
        let is_known = stored.is_some();
        let Some(text) = stored.or_else(|| NOBODYS.clone()) else {
            return false;
        };
        let Ok(parsed) = PasswordHash::new(&text) else {
            return false;
        };
        let matches = password.len() <= BYTES_MAX
            && Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok();
        matches && is_known
    });
    verified.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right_and_nothing_is_without_a_hash() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let typed = |text: &str| Zeroizing::new(text.to_owned());
        assert!(verify(typed("correct horse battery"), Some(stored.clone())).await);
        assert!(!verify(typed("correct horse batterz"), Some(stored.clone())).await);
        assert!(!verify(typed("correct horse battery"), None).await);
        assert!(!verify(typed("correct horse battery"), Some("garbage".into())).await);
    }

    #[test]
    fn short_and_long_passwords_are_refused() {
        assert!(matches!(hash("elevenchars"), Err(HashError::Length)));
        assert!(matches!(hash(&"x".repeat(129)), Err(HashError::Length)));
    }
}
