//! A client's public keys (RFC 7517), each tied to the one algorithm that its type may be used
//! with, so that no header of a token chooses it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

/// The signature algorithms that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256, keys from 2048 to 4096 bits.
    Ps256,
    /// Ed25519.
    EdDsa,
}

impl KeyAlgorithm {
    /// Every accepted algorithm.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Ps256, Self::EdDsa];

    /// The `alg` value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The accepted algorithm of that name, byte for byte.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }

    fn implementation(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Ps256 => Algorithm::PS256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// Members of private and symmetric keys (RFC 7518 6.2.2, 6.3.2 and 6.4.1).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Keys in one set, and so signature checks for one assertion without `kid`.
const KEYS_MAX: usize = 10;
const KID_BYTES_MAX: usize = 128;

/// Why a key or key set was refused at registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Not `{"keys": [...]}` with 1 to 10 members.
    #[error("the key set must have 1 to 10 keys")]
    NotAKeySet,
    /// `kid` missing, empty, over 128 bytes, or twice in the set.
    #[error("each key needs a kid of its own")]
    BadKid,
    /// A private or symmetric member is present.
    #[error("a private or symmetric key was given")]
    NotPublic,
    /// Neither P-256, RSA nor Ed25519.
    #[error("the key type or curve is not supported")]
    UnsupportedType,
    /// A member is missing, not base64url, of the wrong length, or no point of the curve.
    #[error("the key is malformed")]
    Malformed,
    /// An RSA modulus outside 2048 to 4096 bits, or an unusable exponent.
    #[error("RSA keys must have 2048 to 4096 bits and an odd exponent from 3")]
    BadRsaSize,
    /// `alg` or `use` says that the key is for something else.
    #[error("the key's alg or use does not allow signatures with it")]
    OtherUse,
}

/// One public key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kid: String,
    algorithm: KeyAlgorithm,
    key: DecodingKey,
}

impl PublicKey {
    /// Reads one JWK.
    ///
    /// # Errors
    /// [`KeyRefused`].
    pub fn parse(jwk: &Value) -> Result<Self, KeyRefused> {
        let jwk = jwk.as_object().ok_or(KeyRefused::Malformed)?;
        if SECRET_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyRefused::NotPublic);
        }
        let kid = text(jwk, "kid").map_err(|_| KeyRefused::BadKid)?;
        if kid.is_empty() || kid.len() > KID_BYTES_MAX {
            return Err(KeyRefused::BadKid);
        }
        let (algorithm, key) = match text(jwk, "kty")? {
            "EC" => (KeyAlgorithm::Es256, elliptic_curve_key(jwk)?),
            "RSA" => (KeyAlgorithm::Ps256, rsa_key(jwk)?),
            "OKP" => (KeyAlgorithm::EdDsa, edwards_key(jwk)?),
            _ => return Err(KeyRefused::UnsupportedType),
        };
        let allowed = |member: &str, value: &str| {
            jwk.get(member)
                .is_none_or(|given| given.as_str() == Some(value))
        };
        if !allowed("alg", algorithm.as_str()) || !allowed("use", "sig") {
            return Err(KeyRefused::OtherUse);
        }
        Ok(Self {
            kid: kid.to_owned(),
            algorithm,
            key,
        })
    }

    /// The key's id within its set.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm for this key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Whether `signature` (base64url) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let algorithm = self.algorithm.implementation();
        jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm).unwrap_or(false)
    }
}

/// Whether a secret may stand anywhere in what was given for a key or a set of keys, whatever else is wrong with
/// it: a member of a private key at any depth, or a key in another form as a text.
pub fn may_hold_secret(given: &Value) -> bool {
    match given {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| SECRET_MEMBERS.contains(&name.as_str()) || may_hold_secret(value)),
        Value::Array(values) => values.iter().any(may_hold_secret),
        Value::String(text) => {
            text.contains("PRIVATE KEY") || text.trim_start().starts_with(['{', '['])
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Reads a JWK set.
///
/// # Errors
/// [`KeyRefused`]; one refused key refuses the set.
pub fn parse_key_set(jwks: &Value) -> Result<Vec<PublicKey>, KeyRefused> {
    let keys = jwks
        .get("keys")
        .and_then(Value::as_array)
        .ok_or(KeyRefused::NotAKeySet)?;
    if keys.is_empty() || keys.len() > KEYS_MAX {
        return Err(KeyRefused::NotAKeySet);
    }
    let mut parsed: Vec<PublicKey> = Vec::with_capacity(keys.len());
    for jwk in keys {
        let key = PublicKey::parse(jwk)?;
        if parsed.iter().any(|other| other.kid == key.kid) {
            return Err(KeyRefused::BadKid);
        }
        parsed.push(key);
    }
    Ok(parsed)
}

fn text<'jwk>(jwk: &'jwk Map<String, Value>, name: &str) -> Result<&'jwk str, KeyRefused> {
    jwk.get(name)
        .and_then(Value::as_str)
        .ok_or(KeyRefused::Malformed)
}

fn octets(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, KeyRefused> {
    URL_SAFE_NO_PAD
        .decode(text(jwk, name)?)
        .map_err(|_| KeyRefused::Malformed)
}

fn elliptic_curve_key(jwk: &Map<String, Value>) -> Result<DecodingKey, KeyRefused> {
    if text(jwk, "crv")? != "P-256" {
        return Err(KeyRefused::UnsupportedType);
    }
    let (x, y) = (octets(jwk, "x")?, octets(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(KeyRefused::Malformed);
    }
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    p256::PublicKey::from_sec1_bytes(&point).map_err(|_| KeyRefused::Malformed)?;
    Ok(DecodingKey::from_ec_der(&point))
}

fn rsa_key(jwk: &Map<String, Value>) -> Result<DecodingKey, KeyRefused> {
    let (n, e) = (octets(jwk, "n")?, octets(jwk, "e")?);
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let significant = n.get(zeros..).unwrap_or_default();
    let leading = significant
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = significant.len() * 8 - leading;
    // Exponents over 32 bits are refused by the verifier; even ones and 1 are no RSA.
    let exponent = e
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let usable = e.len() <= 4 && exponent >= 3 && exponent % 2 == 1;
    if !(2048..=4096).contains(&bits) || !usable {
        return Err(KeyRefused::BadRsaSize);
    }
    Ok(DecodingKey::from_rsa_raw_components(significant, &e))
}

fn edwards_key(jwk: &Map<String, Value>) -> Result<DecodingKey, KeyRefused> {
    if text(jwk, "crv")? != "Ed25519" {
        return Err(KeyRefused::UnsupportedType);
    }
    let x = octets(jwk, "x")?;
    // The verifier reads the first 32 bytes without looking for them.
    if x.len() != 32 {
        return Err(KeyRefused::Malformed);
    }
    Ok(DecodingKey::from_ed_der(&x))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::test_keys;
    use super::*;

    #[test]
    fn each_supported_key_type_has_one_algorithm() {
        let jwks = json!({"keys": [
            test_keys::ec().jwk("a"), test_keys::rsa().jwk("b"), test_keys::ed().jwk("c")
        ]});
        let keys = parse_key_set(&jwks).unwrap();
        let algorithms: Vec<_> = keys.iter().map(|key| key.algorithm().as_str()).collect();
        assert_eq!(algorithms, ["ES256", "PS256", "EdDSA"]);
    }

    fn refused(change: impl FnOnce(&mut Value), mut jwk: Value) -> KeyRefused {
        change(&mut jwk);
        PublicKey::parse(&jwk).unwrap_err()
    }

    #[test]
    fn a_short_rsa_key_is_refused() {
        // 1024 and 2047 bits.
        let modulus = |bytes: usize, first: u8| {
            let mut n = vec![0xAB; bytes];
            n[0] = first;
            URL_SAFE_NO_PAD.encode(n)
        };
        for n in [modulus(128, 0xFF), modulus(256, 0x7F), modulus(513, 0x01)] {
            let change = |jwk: &mut Value| jwk["n"] = json!(n);
            assert_eq!(
                refused(change, test_keys::rsa().jwk("k")),
                KeyRefused::BadRsaSize
            );
        }
    }

    #[test]
    fn an_unusable_rsa_exponent_is_refused() {
        for e in ["", "AQ", "BA", "AQAAAAAB"] {
            let change = |jwk: &mut Value| jwk["e"] = json!(e);
            assert_eq!(
                refused(change, test_keys::rsa().jwk("k")),
                KeyRefused::BadRsaSize
            );
        }
    }

    #[test]
    fn other_curves_and_types_are_refused() {
        let ec =
            |crv: &'static str| refused(|jwk| jwk["crv"] = json!(crv), test_keys::ec().jwk("k"));
        assert_eq!(ec("P-384"), KeyRefused::UnsupportedType);
        assert_eq!(ec("secp256k1"), KeyRefused::UnsupportedType);
        let oct = json!({"kty": "oct", "kid": "k", "k": "AAAA"});
        assert_eq!(PublicKey::parse(&oct).unwrap_err(), KeyRefused::NotPublic);
        let okp = refused(|jwk| jwk["crv"] = json!("X25519"), test_keys::ed().jwk("k"));
        assert_eq!(okp, KeyRefused::UnsupportedType);
    }

    #[test]
    fn a_point_outside_the_curve_or_a_short_key_is_refused() {
        let zeros = URL_SAFE_NO_PAD.encode([0_u8; 32]);
        let ec = refused(|jwk| jwk["x"] = json!(zeros), test_keys::ec().jwk("k"));
        assert_eq!(ec, KeyRefused::Malformed);
        let ed = refused(|jwk| jwk["x"] = json!("AAAA"), test_keys::ed().jwk("k"));
        assert_eq!(ed, KeyRefused::Malformed);
    }

    #[test]
    fn a_private_key_is_refused() {
        let change = |jwk: &mut Value| jwk["d"] = json!("AAAA");
        assert_eq!(
            refused(change, test_keys::ec().jwk("k")),
            KeyRefused::NotPublic
        );
    }

    #[test]
    fn a_key_for_something_else_is_refused() {
        let rs256 = refused(|jwk| jwk["alg"] = json!("RS256"), test_keys::rsa().jwk("k"));
        assert_eq!(rs256, KeyRefused::OtherUse);
        let enc = refused(|jwk| jwk["use"] = json!("enc"), test_keys::ec().jwk("k"));
        assert_eq!(enc, KeyRefused::OtherUse);
    }

    #[test]
    fn a_kid_is_needed_once_per_key() {
        let missing = refused(|jwk| jwk["kid"] = Value::Null, test_keys::ec().jwk("k"));
        assert_eq!(missing, KeyRefused::BadKid);
        let twice = json!({"keys": [test_keys::ec().jwk("k"), test_keys::ed().jwk("k")]});
        assert_eq!(parse_key_set(&twice).unwrap_err(), KeyRefused::BadKid);
        assert_eq!(
            parse_key_set(&json!({"keys": []})).unwrap_err(),
            KeyRefused::NotAKeySet
        );
    }
}
