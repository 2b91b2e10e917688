//! The decision port: every answer is as strict as the last acknowledged fact.

use std::time::Duration;

use consent::{store::state_of, sweeper};
use consent_domain::{
    JourneyId,
    consent::{ConsentRefusal, ConsentStream},
};
use demo::{
    agent::{partner::Tokens, walk::Task},
    postgres::test_server_url,
};
pub use renkei_proto::decision::v1::DenialReason;
use renkei_proto::decision::v1::{
    Allowed, DecideRequest, DescribeGrantRequest, GrantDescription, Task as WireTask,
    decide_response::Decision, decisions_client::DecisionsClient,
    describe_grant_response::Result as Described,
};
use serde_json::json;
use tonic::{Code, Request, Status, transport::Channel};

use crate::{
    bench::{BANK, Bench, DECISION_CREDENTIAL, FOURTH, PIN, browser, ticked},
    oauth_partner::{Wish, exchange, operator, outcome, post},
};

/// A resource server's way to ask a replica.
pub struct DecisionPort(DecisionsClient<Channel>);

impl DecisionPort {
    pub async fn of(bench: &Bench, replica: usize) -> Self {
        let url = format!("http://{}", bench.replicas[replica].decisions);
        Self(
            DecisionsClient::connect(url)
                .await
                .expect("the port is open"),
        )
    }

    /// Whether the token may read its first account now.
    pub async fn decide(&mut self, tokens: &Tokens, task: Task) -> Result<Allowed, DenialReason> {
        self.ask(question(tokens, task)).await.expect("a decision")
    }

    /// The same for another of its accounts, counted from 0.
    pub async fn decide_nth(
        &mut self,
        tokens: &Tokens,
        account: usize,
        task: Task,
    ) -> Result<Allowed, DenialReason> {
        let account_id = tokens.account_ids()[account].clone();
        let asked = DecideRequest {
            account_id,
            ..question(tokens, task)
        };
        self.ask(asked).await.expect("a decision")
    }

    async fn ask(&mut self, asked: DecideRequest) -> Result<Result<Allowed, DenialReason>, Status> {
        let response = self.0.decide(with_credential(asked)).await?;
        match response.into_inner().decision.expect("a decision") {
            Decision::Allowed(allowed) => Ok(Ok(allowed)),
            Decision::Denied(denied) => Ok(Err(denied.reason())),
        }
    }

    async fn describe(&mut self, tokens: &Tokens) -> Result<GrantDescription, DenialReason> {
        let DecideRequest {
            bank_code,
            grant_id,
            client_id,
            jti,
            key_id,
            ..
        } = question(tokens, Task::Balance);
        let asked = DescribeGrantRequest {
            bank_code,
            grant_id,
            client_id,
            jti,
            key_id,
        };
        let response = self
            .0
            .describe_grant(with_credential(asked))
            .await
            .expect("an answer");
        match response.into_inner().result.expect("a result") {
            Described::Grant(grant) => Ok(grant),
            Described::Denied(denied) => Err(denied.reason()),
        }
    }
}

fn with_credential<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let credential = format!("Bearer {DECISION_CREDENTIAL}")
        .parse()
        .expect("ASCII");
    request.metadata_mut().insert("authorization", credential);
    request
}

fn question(tokens: &Tokens, task: Task) -> DecideRequest {
    let claims = tokens.claims().expect("claims");
    let claim = |name: &str| claims[name].as_str().expect("a text").to_owned();
    DecideRequest {
        bank_code: BANK.to_owned(),
        grant_id: claim("grant_id"),
        client_id: claim("client_id"),
        jti: claim("jti"),
        task: match task {
            Task::Balance => WireTask::Balance.into(),
            Task::Transactions => WireTask::Transactions.into(),
        },
        account_id: tokens.account_ids().first().expect("an account").clone(),
        key_id: tokens.kid().expect("a kid"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_credential_nothing_is_decided() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let mut port = DecisionPort::of(&bench, 0).await;
    for credential in [
        None,
        Some("Bearer another credential of tests"),
        Some("Bearer "),
        Some(DECISION_CREDENTIAL),
    ] {
        let mut request = Request::new(question(&tokens, Task::Balance));
        if let Some(credential) = credential {
            request
                .metadata_mut()
                .insert("authorization", credential.parse().unwrap());
        }
        let refused = port.0.decide(request).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthenticated, "{credential:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_within_the_grant_is_allowed_with_what_the_bank_must_be_asked_for() {
    let bench = Bench::new().await;
    let request = demo::agent::partner::ParRequest::new().authorization_details(&json!([{
        "type": "account_information", "tasks": ["balance", "transactions"],
        "history_from": "2026-01-05",
    }]));
    let tokens = bench
        .granted(Wish {
            request,
            ..Wish::default()
        })
        .await;
    let mut port = DecisionPort::of(&bench, 0).await;
    for task in Task::ALL {
        let allowed = port.decide(&tokens, task).await.expect("allowed");
        assert_eq!(allowed.contract_id, "c-7f3a91d2");
        assert_eq!(allowed.bank_account_id, "a-1c84e6f0");
        assert_eq!(allowed.history_from_date, "2026-01-05");
        let subject = allowed.subject.unwrap();
        assert_eq!(
            (subject.contract_id.as_str(), subject.user_id.as_str()),
            ("c-7f3a91d2", "u-2d6e80b1")
        );
    }
    let grant = port.describe(&tokens).await.expect("the grant");
    assert_eq!(grant.accounts.len(), 1);
    assert_eq!(grant.accounts[0].account_id, tokens.account_ids()[0]);
    assert_eq!(grant.accounts[0].tasks().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_outside_the_grant_is_denied_with_its_reason() {
    let bench = Bench::new().await;
    let tasks = vec![Task::Balance];
    let narrow = bench
        .granted(Wish {
            tasks,
            ..Wish::default()
        })
        .await;
    let request = demo::agent::partner::ParRequest::for_both_tasks().create_grant();
    let rows = vec![ticked(FOURTH, PIN)];
    let beside = bench
        .granted(Wish {
            request,
            rows,
            ..Wish::default()
        })
        .await;
    let of_b = bench
        .granted(Wish {
            partner: 1,
            ..Wish::default()
        })
        .await;
    let mut port = DecisionPort::of(&bench, 0).await;
    let good = question(&narrow, Task::Balance);
    port.ask(good.clone()).await.unwrap().expect("allowed");
    let of = |tokens: &Tokens| question(tokens, Task::Balance);
    let nobody = "018f0000-0000-7000-8000-000000000000".to_owned();
    for (what, asked, reason) in [
        (
            "a task",
            question(&narrow, Task::Transactions),
            DenialReason::TaskNotInScope,
        ),
        (
            "another grant's account",
            DecideRequest {
                account_id: of(&beside).account_id,
                ..good.clone()
            },
            DenialReason::AccountNotInScope,
        ),
        (
            "another partner's id of the account",
            DecideRequest {
                account_id: of(&of_b).account_id,
                ..good.clone()
            },
            DenialReason::AccountNotInScope,
        ),
        (
            "no id",
            DecideRequest {
                account_id: String::new(),
                ..good.clone()
            },
            DenialReason::AccountNotInScope,
        ),
        (
            "no such grant",
            DecideRequest {
                grant_id: nobody.clone(),
                ..good.clone()
            },
            DenialReason::UnknownGrant,
        ),
        (
            "another client's grant",
            DecideRequest {
                grant_id: of(&of_b).grant_id,
                ..good.clone()
            },
            DenialReason::UnknownGrant,
        ),
        (
            "another client",
            DecideRequest {
                client_id: "partner-b".to_owned(),
                ..good.clone()
            },
            DenialReason::UnknownGrant,
        ),
        (
            "another bank",
            DecideRequest {
                bank_code: "2978".to_owned(),
                ..good.clone()
            },
            DenialReason::UnknownGrant,
        ),
        (
            "a token that was never given",
            DecideRequest {
                jti: nobody,
                ..good.clone()
            },
            DenialReason::TokenRevoked,
        ),
        (
            "another grant's token",
            DecideRequest {
                jti: of(&beside).jti,
                ..good.clone()
            },
            DenialReason::TokenRevoked,
        ),
    ] {
        assert_eq!(
            port.ask(asked).await.unwrap().expect_err(what),
            reason,
            "{what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_question_is_the_callers_mistake() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let mut port = DecisionPort::of(&bench, 0).await;
    let good = question(&tokens, Task::Balance);
    let long = "x".repeat(10_000);
    for asked in [
        DecideRequest {
            bank_code: String::new(),
            ..good.clone()
        },
        DecideRequest {
            bank_code: "29\u{0}3".to_owned(),
            ..good.clone()
        },
        DecideRequest {
            grant_id: String::new(),
            ..good.clone()
        },
        DecideRequest {
            grant_id: "a:b".to_owned(),
            ..good.clone()
        },
        DecideRequest {
            grant_id: long.clone(),
            ..good.clone()
        },
        DecideRequest {
            client_id: "\u{0}".to_owned(),
            ..good.clone()
        },
        DecideRequest {
            client_id: long.clone(),
            ..good.clone()
        },
        DecideRequest {
            jti: "zz".to_owned(),
            ..good.clone()
        },
        DecideRequest {
            jti: long.clone(),
            ..good.clone()
        },
        DecideRequest {
            task: 0,
            ..good.clone()
        },
        DecideRequest {
            task: 99,
            ..good.clone()
        },
    ] {
        let refused = port.ask(asked.clone()).await.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument, "{asked:?}");
    }
    for account_id in ["\u{0}".to_owned(), "口座".to_owned(), long] {
        let denied = port
            .ask(DecideRequest {
                account_id,
                ..good.clone()
            })
            .await
            .unwrap();
        assert_eq!(denied.expect_err("denied"), DenialReason::AccountNotInScope);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_at_every_replica_for_each_question_after_it() {
    let bench = Bench::replicas(2).await;
    let mut ports = [
        DecisionPort::of(&bench, 0).await,
        DecisionPort::of(&bench, 1).await,
    ];
    let tokens = bench.granted(Wish::default()).await;
    for port in &mut ports {
        port.decide(&tokens, Task::Balance).await.expect("allowed");
    }
    bench.revoke(tokens.grant_id.as_ref().unwrap(), 0).await;
    for port in &mut ports {
        let denied = port
            .decide(&tokens, Task::Balance)
            .await
            .expect_err("denied");
        assert_eq!(denied, DenialReason::Revoked);
        assert_eq!(
            port.describe(&tokens).await.expect_err("denied"),
            DenialReason::Revoked
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_disabled_at_the_bank_is_suspended_until_it_is_enabled_again() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let mut ports = [
        DecisionPort::of(&bench, 0).await,
        DecisionPort::of(&bench, 1).await,
    ];
    bench.enable_only_at(&bench.partners[0], &[]).await;
    for port in &mut ports {
        let denied = port
            .decide(&tokens, Task::Balance)
            .await
            .expect_err("denied");
        assert_eq!(denied, DenialReason::Suspended);
    }
    bench.enable_only_at(&bench.partners[0], &[BANK]).await;
    for port in &mut ports {
        port.decide(&tokens, Task::Balance)
            .await
            .expect("allowed again");
    }
}

/// Amends the grant so that its time is over from now on.
async fn let_expire(bench: &Bench, grant: &str) {
    let journey = JourneyId::parse("a-journey-of-tests").unwrap();
    bench.replicas[0]
        .app
        .bus
        .execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{grant}"),
            operator(),
            move |consent, now| {
                let mut terms = consent
                    .live_terms(now)
                    .ok_or(ConsentRefusal::Unknown)?
                    .clone();
                terms.valid_until = now;
                let basis = terms.scope.clone();
                Ok(vec![consent.amend(&journey, terms, &basis, now)?])
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map(drop)
        .expect("the grant is amended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_ends_a_grant_and_the_sweeper_only_writes_it_down() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = tokens.grant_id.clone().unwrap();
    let_expire(&bench, &grant).await;
    assert_eq!(bench.events("AccessExpired").await, 0);
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        let denied = port
            .decide(&tokens, Task::Balance)
            .await
            .expect_err("denied");
        assert_eq!(denied, DenialReason::Expired);
    }
    let refused = bench
        .client(0)
        .refresh(tokens.refresh_token.as_ref().unwrap())
        .await;
    assert_eq!(refused.expect_err("refused").code(), Some("invalid_grant"));

    sweeper::round(&bench.replicas[1].app)
        .await
        .expect("a sweep");
    assert_eq!(bench.events("AccessExpired").await, 1);
    let consent = state_of::<ConsentStream>(&bench.pool, &format!("{BANK}:{grant}"))
        .await
        .unwrap();
    assert!(matches!(
        consent,
        consent_domain::consent::Consent::Expired { .. }
    ));
    let mut port = DecisionPort::of(&bench, 0).await;
    let denied = port
        .decide(&tokens, Task::Balance)
        .await
        .expect_err("denied");
    assert_eq!(denied, DenialReason::Expired);
}

/// Shuts the test's own database, or opens it.
async fn shut(bench: &Bench, closed: bool) {
    let admin = sqlx::PgPool::connect(&test_server_url().unwrap())
        .await
        .unwrap();
    let name = bench.database.name();
    let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !closed);
    sqlx::query(&sql).execute(&admin).await.unwrap();
    if closed {
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(name)
            .execute(&admin)
            .await
            .unwrap();
    }
    admin.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_nothing_is_decided_and_nothing_is_given() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let allowed = bench.allowed(Wish::default()).await;
    let client = bench.client(0);
    let mut port = DecisionPort::of(&bench, 0).await;
    shut(&bench, true).await;
    for _ in 0..2 {
        let failed = port
            .ask(question(&tokens, Task::Balance))
            .await
            .expect_err("no decision");
        assert_eq!(failed.code(), Code::Unavailable);
    }
    for (endpoint, parameters) in [("token", exchange(&allowed)), ("par", Vec::new())] {
        let answer = post(&client, &bench.endpoint(endpoint, 0), &parameters).await;
        assert_eq!(
            outcome(&answer),
            (503, "temporarily_unavailable"),
            "{endpoint}"
        );
        assert!(answer.headers.contains_key("retry-after"), "{endpoint}");
    }
    let page = browser()
        .get(client.authorization_url(&allowed.pushed))
        .await
        .unwrap();
    assert_eq!(
        (page.status, page.error_code().as_deref()),
        (503, Some("service_unavailable"))
    );
    assert!(page.header("retry-after").is_some());

    shut(&bench, false).await;
    let recovered = async {
        while port.ask(question(&tokens, Task::Balance)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), recovered)
        .await
        .expect("decisions again");
    // Everything else shares connections, and each that broke fails one more request.
    let redeemed = async {
        while let Err(refused) = client.complete(&allowed.returned, &allowed.pushed).await {
            assert_eq!(refused.code(), Some("temporarily_unavailable"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), redeemed)
        .await
        .expect("tokens again");
}
