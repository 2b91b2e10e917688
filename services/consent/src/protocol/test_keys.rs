//! Key pairs and a registration for the tests; they protect nothing.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use consent_domain::scope::Task;
use consent_domain::{ClientId, PartnerId};
use jsonwebtoken::{Algorithm, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

use super::client::ClientRegistration;

pub(super) const CLIENT_ID: &str = "kaikei-app";

/// A private key that signs whatever header it is given.
pub(super) struct TestKey {
    key: EncodingKey,
    algorithm: Algorithm,
    public: Value,
}

impl TestKey {
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = json!(kid);
        jwk
    }

    pub(super) fn sign(&self, header: Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub(super) fn registration() -> ClientRegistration {
    ClientRegistration {
        client_id: ClientId::parse(CLIENT_ID).unwrap(),
        partner_id: PartnerId::parse("partner-1").unwrap(),
        redirect_uris: vec!["https://partner.example/cb".to_owned()],
        jwks: json!({"keys": [ec().jwk("ec"), rsa().jwk("rsa"), ed().jwk("ed")]}),
        scopes: Task::ALL.into(),
    }
}

fn ec_key(scalar: u8) -> TestKey {
    let secret = p256::SecretKey::from_slice(&[scalar; 32]).unwrap();
    let point = secret.public_key().to_encoded_point(false);
    TestKey {
        key: EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes()),
        algorithm: Algorithm::ES256,
        public: json!({
            "kty": "EC", "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(point.x().unwrap()),
            "y": URL_SAFE_NO_PAD.encode(point.y().unwrap()),
        }),
    }
}

fn rsa_key(algorithm: Algorithm) -> TestKey {
    TestKey {
        key: EncodingKey::from_rsa_pem(RSA_PEM.as_bytes()).unwrap(),
        algorithm,
        public: json!({"kty": "RSA", "n": RSA_MODULUS, "e": "AQAB"}),
    }
}

pub(super) fn ec() -> &'static TestKey {
    static KEY: LazyLock<TestKey> = LazyLock::new(|| ec_key(7));
    &KEY
}

/// Not registered.
pub(super) fn other_ec() -> &'static TestKey {
    static KEY: LazyLock<TestKey> = LazyLock::new(|| ec_key(8));
    &KEY
}

pub(super) fn rsa() -> &'static TestKey {
    static KEY: LazyLock<TestKey> = LazyLock::new(|| rsa_key(Algorithm::PS256));
    &KEY
}

/// The same RSA key, signing with PKCS #1 v1.5 padding.
pub(super) fn rsa_pkcs1() -> &'static TestKey {
    static KEY: LazyLock<TestKey> = LazyLock::new(|| rsa_key(Algorithm::RS256));
    &KEY
}

pub(super) fn ed() -> &'static TestKey {
    static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey {
        key: EncodingKey::from_ed_pem(ED_PEM.as_bytes()).unwrap(),
        algorithm: Algorithm::EdDSA,
        public: json!({"kty": "OKP", "crv": "Ed25519", "x": "q0orF2DaNkk9s-5JJRcGxDeFVV0iESLhm-vLR3pLVcA"}),
    });
    &KEY
}

const ED_PEM: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICvyoHvjVx7NJ+lMfQPN+V7yVlDSi1QVsYWM2hxg/aGj
-----END PRIVATE KEY-----
";

const RSA_MODULUS: &str = "s_AgyUCykFYO-2fLBF03f6l5rwzTc-74JgvwrMX9EeKhHpRq4G37SN1VKQs361Mcr9KROX-2tmIEFu9B76QMoNJfIvyekVbCvtiNxua8HtGTurRkin338bmHlUjaKOsa6F9tuw3xrvEY1hJByl0JsQfhmem8dh3bn1ddPn7r9tbuXWcjU5v9PI0PObVWV3ppA8RjGGgz6pkYpfuVN1AShItdSYNDoSglZwaKZ_2EAEn8XT4OWBLz1hPp5wdGjSJZerl-8ZVuyaOrVPv_kZtcY08fTJ3mMAiC_KfiCWIb5rn9LAEi-WaaHS94Hc0WIc_FsPm2vvBu-aD91iLiSQJCCQ";

const RSA_PEM: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCz8CDJQLKQVg77
Z8sEXTd/qXmvDNNz7vgmC/Csxf0R4qEelGrgbftI3VUpCzfrUxyv0pE5f7a2YgQW
70HvpAyg0l8i/J6RVsK+2I3G5rwe0ZO6tGSKfffxuYeVSNoo6xroX227DfGu8RjW
EkHKXQmxB+GZ6bx2HdufV10+fuv21u5dZyNTm/08jQ85tVZXemkDxGMYaDPqmRil
+5U3UBKEi11Jg0OhKCVnBopn/YQASfxdPg5YEvPWE+nnB0aNIll6uX7xlW7Jo6tU
+/+Rm1xjTx9MneYwCIL8p+IJYhvmuf0sASL5ZpodL3gdzRYhz8Ww+ba+8G75oP3W
IuJJAkIJAgMBAAECggEACI7IMgCJA/LvDBQcvf/kjSAVZyoAGOu87JGCNRotFfLG
QLfEheXLkjF70XoBnLt1FuprH4w/hD9EIrnm7Zh+Eaky5VPINnElNCg4RSuH6rVP
+XMgs8xK6wZ5kgC6TQ2yPjcvqlPlWMsjQcC+u64FSuCgYUGr32txgwuhWSdDKxgF
KDbTHmtpttvoSMJwdV+N486ND8WHIWQFRIC6QQBIwslUxL8yD/tF/o93WwdGyIhu
r5z+JeASB1bddt0a3TI0+eDXCFeAuYVR6ewQWOPcbwcRYAJ8WyjHk6HeTYcT2iXP
7lIsNuGyaO69aKh2OjWMBbySmQrfbRa+iuPc0D2BSQKBgQDa+SdTgkEI+9I5u6rB
rPvpdLPKawggBQ0/yICT63H91Rh8IyGIizOABB5VHuFmZ9RMUDSrG2SvTsQ6nPE1
gpf4JCnLl8mo+9kqINcgqRPtLRB5jBCex5LtH0VlDw87HJ8ybaFhs+ghswVv5flv
yHHscvOcl3CGBp6uuoyXR9UCRQKBgQDSXTp4btetp1pj1NRH/FaonK/0BgnjJjap
jgA6aMI7j64u4d6Uiu0mN5weceLcHDdMSd/OlEHtBfw+4UVOn9PiG3ckV6yOhK5O
Prdj3mr0/anKI4zDqcbUC+8WroARuvqMYJ56GU48AwJoZVbIzEn+luZ2NSTzSv4A
rzh0tAce9QKBgQCdkl0yQrD5/fwxf1JJPGmqfUhDiPG32OrH00hzKSJGPmn4Km+f
Ckxs+om5Rxd70Yt7vtunpXa2kD+0zerlTqx868kHsJp094Y2QpuL7R9htOP+E0SC
farE55PQPR4As3/7kdhnrkaEuYZYF21/ewY/2BhlvrRCPdFCewtgcVhe4QKBgDDc
QpZyeFn3QwFpD51guOgU7LFrLaS63XtoZhkq9+JJrxVolQA/fHGh/Pr9TMn/K8Dm
b7tVqDJbb4lTXXuzl80uv++LBaNcofe+jW3+3SzmNiejNjDEIFBkLTZBdbGokkVE
s8p8UjWSJV8GGrAs8wrVFdZi5aA0zOZvzFce8YB5AoGAZrvzBi0y5kobi5w6uqIl
QZfR18uS2FKFjKWQ801BmmOD1c3F+1EQKTqaw11ik445DP0nKBvFxFqgWf3a4u8G
Qx5dY7BUwndOxeAFyCZ7ebn+EVNDalrRLagLryhmj8/NPsMbIMpSp6Bz0HKqbGN4
+ywhzr2ZcHOrO4VciuDckXc=
-----END PRIVATE KEY-----
";
