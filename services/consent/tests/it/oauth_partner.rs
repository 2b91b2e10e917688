//! A partner at the OAuth endpoints, and what an operator does behind it.

use consent::{
    partners::{BankRegistration, register_bank},
    store::{Actor, Bus, CommandContext},
};
use consent_domain::consent::{ConsentRefusal, ConsentStream, RevocationReason, RevokedBy};
use demo::agent::{
    partner::{Answer, ParRequest, PartnerClient, Pushed, Registration, Tokens},
    walk::{
        RowChoice, Task, allow, check_registration, choose_accounts, choose_tasks, log_in,
        return_address,
    },
};
use url::Url;

use crate::bench::{BANK, Bench, FIRST, PIN, browser, dantai01, ticked};

/// What the customer allowed, as it came back to the partner.
pub struct Allowed {
    pub partner: usize,
    pub pushed: Pushed,
    pub returned: Url,
}

/// What a customer allows, and what for.
pub struct Wish {
    pub partner: usize,
    pub request: ParRequest,
    pub tasks: Vec<Task>,
    pub rows: Vec<RowChoice>,
}

impl Default for Wish {
    /// Partner A asks for both tasks by scope; the first account is ticked.
    fn default() -> Self {
        Self {
            partner: 0,
            request: ParRequest::for_both_tasks(),
            tasks: Task::ALL.into(),
            rows: vec![ticked(FIRST, PIN)],
        }
    }
}

impl Bench {
    /// Walks a journey to its end as dantai01; the code is still unused.
    pub async fn allowed(&self, wish: Wish) -> Allowed {
        let browser = browser();
        let (login, pushed) = self.begin_with(&browser, wish.partner, wish.request).await;
        let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
        let accounts = choose_tasks(&browser, &tasks, &wish.tasks)
            .await
            .expect("step 4");
        let confirm = choose_accounts(&browser, &accounts, &wish.rows)
            .await
            .expect("step 5");
        let authorize = check_registration(&browser, &confirm)
            .await
            .expect("step 6");
        let end = allow(&browser, &authorize).await.expect("the end page");
        let returned = return_address(&end).expect("the way back");
        Allowed {
            partner: wish.partner,
            pushed,
            returned,
        }
    }

    /// The tokens of a journey.
    pub async fn granted(&self, wish: Wish) -> Tokens {
        let allowed = self.allowed(wish).await;
        self.redeemed(&allowed).await
    }

    pub async fn redeemed(&self, allowed: &Allowed) -> Tokens {
        let client = self.client(allowed.partner);
        client
            .complete(&allowed.returned, &allowed.pushed)
            .await
            .expect("tokens")
    }

    /// An address under the issuer of the bank, at a replica.
    pub fn endpoint(&self, name: &str, replica: usize) -> Url {
        let url = self
            .origin
            .join(&format!("{BANK}/{name}"))
            .expect("an address");
        self.at_replica(&url, replica)
    }

    /// Ends a grant as the customer would, at a replica; acknowledged when this returns.
    pub async fn revoke(&self, grant: &str, replica: usize) {
        let bus = &self.replicas[replica].app.bus;
        bus.execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{grant}"),
            operator(),
            |consent, now| {
                let revoked =
                    consent.revoke(RevokedBy::Customer, RevocationReason::CustomerRequest, now)?;
                Ok(revoked.into_events())
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map(drop)
        .expect("the grant is revoked");
    }

    /// Registers another bank, to which nobody is let in.
    pub async fn register_bank(&self, code: &str) {
        let record = format!(
            "code = \"{code}\"
             name = \"近畿労働金庫\"
             display_name = \"近畿労働金庫（法人）\"
             phone = \"0120-000-000\"
             hours = \"平日 9:00〜17:00\""
        );
        let bank: BankRegistration = toml::from_str(&record).expect("a bank");
        let bus = Bus::new(self.pool.clone());
        register_bank(&bus, bank, "tests")
            .await
            .expect("the bank is registered");
    }

    /// Changes rows as the database's owner, where a test can't wait for the clock.
    pub async fn as_owner(&self, sql: &str) {
        let owner = sqlx::PgPool::connect(&self.owner_url())
            .await
            .expect("the owner connects");
        let changed = sqlx::query(sql)
            .execute(&owner)
            .await
            .expect("the owner may");
        assert_eq!(changed.rows_affected(), 1, "{sql}");
        owner.close().await;
    }

    /// Partner A's client with another's key, or partner A's key under another's name.
    pub fn impostor(
        &self,
        client_id: &str,
        key: &demo::agent::partner::GeneratedKey,
    ) -> PartnerClient {
        PartnerClient::try_new(Registration {
            client_id: client_id.to_owned(),
            private_key_pem: key.private_key_pem.clone(),
            kid: self.partners[0].key.kid.clone(),
            redirect_uri: self.partners[0].redirect_uri.clone(),
            issuer: self.origin.join(BANK).expect("an issuer"),
        })
        .expect("a client")
    }
}

pub fn operator() -> CommandContext {
    CommandContext {
        bank: Some(BANK.to_owned()),
        partner: None,
        contract: None,
        actor: Actor::Operator("tests".to_owned()),
        causation_id: None,
        request_id: None,
        traceparent: None,
        key: None,
    }
}

pub fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The parameters of a good push for both tasks, without the client's proof.
pub fn push_parameters(bench: &Bench, partner: usize) -> Vec<(String, String)> {
    pairs(&[
        ("response_type", "code"),
        (
            "redirect_uri",
            bench.partners[partner].redirect_uri.as_str(),
        ),
        ("scope", "balance transactions"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ])
}

/// The parameters by which a client proves itself with this assertion.
pub fn proof(assertion: &str) -> Vec<(String, String)> {
    pairs(&[
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ])
}

/// What makes an exchange of this journey's code.
pub fn exchange(allowed: &Allowed) -> Vec<(String, String)> {
    let code = code_of(&allowed.returned);
    let mut uri = allowed.returned.clone();
    uri.set_query(None);
    pairs(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", uri.as_str()),
        ("code_verifier", &allowed.pushed.verifier),
    ])
}

pub fn code_of(returned: &Url) -> String {
    let code = returned
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code");
    code.1.into_owned()
}

/// The same parameters with one of them changed.
pub fn changed(mut of: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    for pair in &mut of {
        if pair.0 == name {
            value.clone_into(&mut pair.1);
        }
    }
    of
}

/// Posts these parameters with a fresh proof of the client.
pub async fn post(client: &PartnerClient, url: &Url, parameters: &[(String, String)]) -> Answer {
    let mut body = client.authentication().expect("an assertion");
    body.extend_from_slice(parameters);
    client.post(url, &body).await.expect("an answer")
}

/// Status and OAuth error of an answer.
pub fn outcome(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["error"].as_str().unwrap_or_default(),
    )
}
