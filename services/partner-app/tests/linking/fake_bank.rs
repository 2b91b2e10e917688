//! A FAKE of a bank's authorization server and account interface, made for these tests.
//!
//! It checks what the service must send (client assertion with signature, audience, lifetime and
//! single use; PKCE; redirect URI; bearer token) and panics inside a handler, which the service
//! sees as a 500, where something is wrong. It has no customer and no journey: the test says
//! "allow" or "refuse". That the real server agrees with it is not shown here.

use std::collections::{HashMap, HashSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use p256::elliptic_curve::rand_core::OsRng;
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, RwLock};

type Form = HashMap<String, String>;

/// How the bank behaves from now on.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) expires_in: i64,
    pub(crate) grant_id: &'static str,
    pub(crate) is_grant_over: bool,
    pub(crate) metadata_issuer: Option<&'static str>,
    /// Whether the bank has stopped to list the accounts of the linkage.
    pub(crate) is_listing_lost: bool,
    /// Code and status of the account interface's refusal of balances and transactions.
    pub(crate) problem: Option<(&'static str, u16)>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            expires_in: 600,
            grant_id: "grant-1",
            is_grant_over: false,
            metadata_issuer: None,
            is_listing_lost: false,
            problem: None,
        }
    }
}

#[derive(Default)]
struct State {
    wanted: Wanted,
    pushed: Vec<Form>,
    used_jtis: HashSet<String>,
    codes: HashMap<String, usize>,
    token_requests: usize,
    access_tokens: HashSet<String>,
    asked_from: String,
    told: Vec<serde_json::Value>,
    data_requests: usize,
    /// What is told of each grant.
    grants: HashMap<String, serde_json::Value>,
}

struct Inner {
    origin: String,
    private_pem: String,
    public_pem: String,
    state: Mutex<State>,
    told: Notify,
    token_seen: Notify,
    token_gate: Arc<RwLock<()>>,
    held: Mutex<Option<tokio::sync::OwnedRwLockWriteGuard<()>>>,
}

#[derive(Clone)]
pub(crate) struct FakeBank(Arc<Inner>);

impl FakeBank {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let key = p256::SecretKey::random(&mut OsRng);
        let bank = Self(Arc::new(Inner {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            private_pem: key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
            public_pem: key.public_key().to_public_key_pem(LineEnding::LF).unwrap(),
            state: Mutex::default(),
            told: Notify::new(),
            token_seen: Notify::new(),
            token_gate: Arc::default(),
            held: Mutex::default(),
        }));
        let data = bank.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(data.clone()))
                .route(
                    "/.well-known/oauth-authorization-server/2963",
                    web::get().to(metadata),
                )
                .route("/2963/par", web::post().to(push))
                .route("/2963/token", web::post().to(token))
                .route("/2963/notifications", web::get().to(notifications))
                .route("/2963/grants/{id}", web::get().to(grant))
                .route("/2963/grants/{id}", web::delete().to(end_grant))
                .route("/v1/accounts", web::get().to(accounts))
                .route("/v1/accounts/{id}/balance", web::get().to(balance))
                .route(
                    "/v1/accounts/{id}/transactions",
                    web::get().to(transactions),
                )
        });
        actix_web::rt::spawn(server.workers(1).listen(listener).unwrap().run());
        bank
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn client_key_pem(&self) -> &str {
        &self.0.private_pem
    }

    pub(crate) fn want(&self, wanted: Wanted) {
        self.state().wanted = wanted;
    }

    pub(crate) fn last_pushed(&self) -> Form {
        self.state().pushed.last().unwrap().clone()
    }

    pub(crate) fn pushed_requests(&self) -> usize {
        self.state().pushed.len()
    }

    pub(crate) fn token_requests(&self) -> usize {
        self.state().token_requests
    }

    /// The next event of the feed.
    pub(crate) fn tell(&self, kind: &str, data: serde_json::Value) {
        let mut state = self.state();
        let number = state.told.len() + 1;
        state.told.push(json!({
            "specversion": "1.0", "id": format!("event-{number}"), "sequence": format!("{number:019}"),
            "time": "2026-04-10T02:00:00Z", "type": format!("jp.renkei.consent.v1.{kind}"),
            "subject": "grant-1", "data": data,
        }));
        drop(state);
        self.0.told.notify_waiters();
    }

    /// What the bank tells of a grant from now on.
    pub(crate) fn tell_of_grant(&self, id: &str, told: serde_json::Value) {
        self.state().grants.insert(id.to_owned(), told);
    }

    /// How often the account interface was asked.
    pub(crate) fn data_requests(&self) -> usize {
        self.state().data_requests
    }

    pub(crate) fn asked_from(&self) -> String {
        self.state().asked_from.clone()
    }

    pub(crate) fn forget_access_tokens(&self) {
        self.state().access_tokens.clear();
    }

    pub(crate) fn hold_token_answers(&self) {
        let guard = Arc::clone(&self.0.token_gate).try_write_owned().unwrap();
        *self.0.held.lock().unwrap() = Some(guard);
    }

    pub(crate) fn release_token_answers(&self) {
        self.0.held.lock().unwrap().take();
    }

    pub(crate) async fn token_request_seen(&self) {
        self.0.token_seen.notified().await;
    }

    /// The customer allows the request at `authorization_url`: the address to return to.
    pub(crate) fn allow(&self, authorization_url: &str) -> String {
        let index = self.request_index(authorization_url);
        let code = format!("code-{index}");
        let mut state = self.state();
        state.codes.insert(code.clone(), index);
        self.return_address(&state.pushed[index], &[("code", code.as_str())])
    }

    /// The request ends with an error.
    pub(crate) fn refuse(&self, authorization_url: &str, error: &str) -> String {
        let index = self.request_index(authorization_url);
        let result = [("error", error), ("error_description", "reflected")];
        self.return_address(&self.state().pushed[index], &result)
    }

    fn request_index(&self, authorization_url: &str) -> usize {
        let url = url::Url::parse(authorization_url).unwrap();
        assert_eq!(url.path(), "/2963/authorize");
        let query: Form = url.query_pairs().into_owned().collect();
        assert_eq!(query["client_id"], "sample-accounting");
        assert_eq!(query.len(), 2);
        query["request_uri"]
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    fn return_address(&self, pushed: &Form, result: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(result);
        query.append_pair("state", &pushed["state"]);
        query.append_pair("iss", &self.issuer());
        format!("/callback?{}", query.finish())
    }

    fn issuer(&self) -> String {
        format!("{}/2963", self.0.origin)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn expect_client(&self, form: &Form) {
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        let key = DecodingKey::from_ec_pem(self.0.public_pem.as_bytes()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[self.issuer()]);
        // The clock of these tests stands still; the lifetime is checked below.
        validation.validate_exp = false;
        let assertion = &form["client_assertion"];
        let token =
            jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &validation).unwrap();
        assert_eq!(token.header.kid.unwrap(), "sample-1");
        let claims = token.claims;
        assert!(claims["aud"].is_string());
        assert_eq!(claims["iss"], "sample-accounting");
        assert_eq!(claims["sub"], "sample-accounting");
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300);
        let jti = claims["jti"].as_str().unwrap().to_owned();
        assert!(
            self.state().used_jtis.insert(jti),
            "a client assertion was used twice"
        );
    }
}

async fn metadata(bank: web::Data<FakeBank>) -> HttpResponse {
    let issuer = bank.issuer();
    let told = bank
        .state()
        .wanted
        .metadata_issuer
        .map_or(issuer.clone(), str::to_owned);
    HttpResponse::Ok().json(json!({
        "issuer": told,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "grant_management_endpoint": format!("{issuer}/grants"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
        "authorization_details_types_supported": ["account_information"],
    }))
}

fn expect_own(request: &HttpRequest, token: &str) {
    let sent = request.headers().get("authorization").unwrap();
    assert_eq!(sent.to_str().unwrap(), format!("Bearer {token}"));
}

async fn grant(
    bank: web::Data<FakeBank>,
    request: HttpRequest,
    id: web::Path<String>,
) -> HttpResponse {
    expect_own(&request, "query-token");
    match bank.state().grants.get(id.as_str()) {
        Some(told) => HttpResponse::Ok().json(told),
        None => HttpResponse::NotFound().json(json!({ "code": "unknown_grant" })),
    }
}

async fn end_grant(
    bank: web::Data<FakeBank>,
    request: HttpRequest,
    id: web::Path<String>,
) -> HttpResponse {
    expect_own(&request, "revoke-token");
    let mut state = bank.state();
    match state.grants.get_mut(id.as_str()) {
        Some(told) => {
            told["status"] = json!("revoked");
            told["revoked_by"] = json!("partner");
            HttpResponse::NoContent().finish()
        }
        None => HttpResponse::NotFound().json(json!({ "code": "unknown_grant" })),
    }
}

async fn push(bank: web::Data<FakeBank>, form: web::Form<Form>) -> HttpResponse {
    bank.expect_client(&form);
    assert_eq!(form["response_type"], "code");
    let mut state = bank.state();
    let request_uri = format!("urn:ietf:params:oauth:request_uri:{}", state.pushed.len());
    state.pushed.push(form.into_inner());
    HttpResponse::Created().json(json!({ "request_uri": request_uri, "expires_in": 60 }))
}

async fn token(bank: web::Data<FakeBank>, form: web::Form<Form>) -> HttpResponse {
    bank.expect_client(&form);
    if form["grant_type"] == "client_credentials" {
        let token = match form["scope"].as_str() {
            "notifications" => "own-token",
            "grant_management_query" => "query-token",
            "grant_management_revoke" => "revoke-token",
            other => panic!("scope {other}"),
        };
        return HttpResponse::Ok().json(json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": form["scope"],
        }));
    }
    bank.state().token_requests += 1;
    bank.0.token_seen.notify_one();
    let _open = bank.0.token_gate.read().await;
    let mut state = bank.state();
    let is_allowed = match form["grant_type"].as_str() {
        "authorization_code" => state.codes.remove(&form["code"]).is_some_and(|index| {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
            let pushed = &state.pushed[index];
            pushed["code_challenge"] == challenge && pushed["redirect_uri"] == form["redirect_uri"]
        }),
        "refresh_token" => form["refresh_token"] == "refresh-1" && !state.wanted.is_grant_over,
        other => panic!("grant type {other}"),
    };
    if !is_allowed {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    }
    let access_token = format!("access-{}", state.token_requests);
    state.access_tokens.insert(access_token.clone());
    HttpResponse::Ok().json(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": state.wanted.expires_in,
        "refresh_token": "refresh-1",
        "scope": "balance transactions",
        "grant_id": state.wanted.grant_id,
        "authorization_details": [{
            "type": "account_information",
            "accounts": [{ "account_id": "acc-1", "tasks": ["balance", "transactions"] }],
            "valid_until": "2027-03-31T14:59:59Z",
        }],
    }))
}

/// The refusal of a token that is not known, or the one that the test wants.
fn refusal(
    bank: &FakeBank,
    request: &HttpRequest,
    wanted: Option<(&str, u16)>,
) -> Option<HttpResponse> {
    bank.state().data_requests += 1;
    let header = request
        .headers()
        .get("authorization")
        .unwrap()
        .to_str()
        .unwrap();
    let token = header.strip_prefix("Bearer ").unwrap();
    let is_known = bank.state().access_tokens.contains(token);
    let (code, status) = if is_known {
        wanted?
    } else {
        ("invalid_token", 401)
    };
    let status = actix_web::http::StatusCode::from_u16(status).unwrap();
    Some(
        HttpResponse::build(status)
            .content_type("application/problem+json")
            .json(json!({ "type": "about:blank", "title": "x", "code": code })),
    )
}

async fn accounts(bank: web::Data<FakeBank>, request: HttpRequest) -> HttpResponse {
    let is_lost = bank.state().wanted.is_listing_lost;
    refusal(&bank, &request, None).unwrap_or_else(|| {
        if is_lost {
            let row = |id: &str| {
                json!({
                    "account_id": id, "status": "unavailable", "branch_code": null,
                    "branch_name": null, "account_type": null, "account_type_name": null,
                    "account_number": null, "tasks": [],
                })
            };
            return HttpResponse::Ok().json(json!({ "accounts": [row("acc-1"), row("acc-3")] }));
        }
        HttpResponse::Ok().json(json!({ "accounts": [
            { "account_id": "acc-1", "branch_code": "000", "branch_name": "インターネット支店",
              "account_type": "ordinary", "account_type_name": "普通", "account_number": "5000000",
              "tasks": [{ "task": "balance", "available_from": "2026-04-10" },
                        { "task": "transactions", "available_from": "2026-01-01" }] },
            { "account_id": "acc-2", "branch_code": "490", "branch_name": "豊後支店",
              "account_type": "ordinary", "account_type_name": "普通", "account_number": "1000014",
              "tasks": [{ "task": "balance", "available_from": "2026-04-10" }] },
        ]}))
    })
}

async fn balance(bank: web::Data<FakeBank>, request: HttpRequest) -> HttpResponse {
    let wanted = bank.state().wanted.problem;
    refusal(&bank, &request, wanted).unwrap_or_else(|| {
        HttpResponse::Ok().json(json!({
            "account_id": request.match_info().get("id"),
            "balance": { "amount": 1_234_567, "currency": "JPY" },
            "available_balance": { "amount": 1_200_000, "currency": "JPY" },
            "as_of": "2026-04-10T12:00:00+09:00",
        }))
    })
}

async fn transactions(
    bank: web::Data<FakeBank>,
    request: HttpRequest,
    query: web::Query<Form>,
) -> HttpResponse {
    let wanted = bank.state().wanted.problem;
    if let Some(refusal) = refusal(&bank, &request, wanted) {
        return refusal;
    }
    bank.state().asked_from = query["from"].clone();
    assert_eq!(query["to"], "2026-04-10");
    let next_cursor = query.get("cursor").map_or(json!("page-2"), |_| json!(null));
    HttpResponse::Ok().json(json!({
        "account_id": "acc-1", "from": query["from"], "to": query["to"],
        "transactions": [
            { "item_key": "k1", "transaction_date": "2026-04-01", "value_date": "2026-04-01",
              "type": "deposit", "deposit_amount": 50_000, "withdrawal_amount": null,
              "balance_after": 1_234_567, "remarks": "カイヒ" },
        ],
        "next_cursor": next_cursor,
    }))
}

/// Puts an empty answer off until something is told.
async fn notifications(
    bank: web::Data<FakeBank>,
    request: HttpRequest,
    query: web::Query<Form>,
) -> HttpResponse {
    assert_eq!(
        request.headers().get("authorization").unwrap(),
        "Bearer own-token"
    );
    let after: usize = query["after"].parse().unwrap();
    loop {
        let told = bank.0.told.notified();
        let all = bank.state().told.clone();
        if all.len() > after {
            // The one that was handled last comes again, as after a failure.
            let events = &all[after.saturating_sub(1)..];
            return HttpResponse::Ok()
                .content_type("application/cloudevents-batch+json")
                .body(json!(events).to_string());
        }
        told.await;
    }
}
