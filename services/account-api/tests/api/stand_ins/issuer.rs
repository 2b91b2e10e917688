//! An issuer: signs tokens with a test key and publishes key sets.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::header;
use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

/// A key pair of a test; the same seed gives the same key.
#[derive(Clone)]
pub(crate) struct TestKey {
    pub(crate) key_id: String,
    signing_key: SigningKey,
}

impl TestKey {
    pub(crate) fn new(key_id: &str, seed: u8) -> Self {
        let signing_key = SigningKey::from_slice(&[seed; 32]).unwrap();
        Self {
            key_id: key_id.to_owned(),
            signing_key,
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.signing_key.verifying_key().to_encoded_point(false);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(point.x().unwrap()),
            "y": URL_SAFE_NO_PAD.encode(point.y().unwrap()),
        })
    }

    /// The header of a good access token under this key.
    pub(crate) fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": "ES256", "kid": self.key_id })
    }

    /// A compact JWS with an ES256 signature, whatever the header says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature: Signature = self.signing_key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// Header and claims of a compact JWS.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// What the key set's URL answers.
#[derive(Clone)]
pub(crate) enum KeySetAnswer {
    Keys(Vec<Value>),
    Status(u16),
    Redirect(String),
    Text(String),
    Hangs,
}

/// Serves a key set.
pub(crate) struct KeySetServer {
    pub(crate) url: String,
    answer: Arc<Mutex<KeySetAnswer>>,
    loads: Arc<AtomicUsize>,
}

impl KeySetServer {
    pub(crate) fn start(answer: KeySetAnswer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(answer));
        let loads = Arc::new(AtomicUsize::new(0));
        let (shared_answer, shared_loads) = (Arc::clone(&answer), Arc::clone(&loads));
        let server = HttpServer::new(move || {
            let (answer, loads) = (Arc::clone(&shared_answer), Arc::clone(&shared_loads));
            App::new().default_service(web::to(move || {
                loads.fetch_add(1, Ordering::SeqCst);
                let answer = answer.lock().unwrap().clone();
                async move { respond(answer).await }
            }))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        tokio::spawn(server);
        Self { url, answer, loads }
    }

    pub(crate) fn now_answers(&self, answer: KeySetAnswer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How often it was asked.
    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

async fn respond(answer: KeySetAnswer) -> HttpResponse {
    match answer {
        KeySetAnswer::Keys(keys) => HttpResponse::Ok().json(json!({ "keys": keys })),
        KeySetAnswer::Status(status) => HttpResponse::build(status.try_into().unwrap()).finish(),
        KeySetAnswer::Redirect(to) => HttpResponse::Found()
            .insert_header((header::LOCATION, to))
            .finish(),
        KeySetAnswer::Text(text) => HttpResponse::Ok().body(text),
        KeySetAnswer::Hangs => std::future::pending().await,
    }
}
