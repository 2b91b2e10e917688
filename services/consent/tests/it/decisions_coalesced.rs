//! Decisions that share a read are as strict as each by itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use actix_web::web;
use consent::{
    app::App,
    decisions::DecisionService,
    protocol::{pairwise::PairwiseId, shared_key::KeyPurpose},
};
use consent_domain::{
    AccountId, BankCode, ClientId, ContractId, JourneyId, PartnerId, UserId,
    consent::{ConsentRefusal, ConsentStream, GrantTerms, Place},
    scope::{ScopePair, Task},
};
use renkei_proto::decision::v1::{
    DecideRequest, DenialReason, Task as WireTask, decide_response::Decision,
    decisions_server::Decisions as _,
};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench, DECISION_CREDENTIAL},
    oauth_partner::operator,
};

/// A grant without a journey, with an access token of it.
struct Granted {
    id: String,
    question: DecideRequest,
}

async fn grant(bench: &Bench, number: usize) -> Granted {
    let (id, jti) = (format!("grant-{number}"), Uuid::new_v4());
    let (bank, partner) = (
        BankCode::parse(BANK).unwrap(),
        PartnerId::parse("id-of-partner-a").unwrap(),
    );
    let account = AccountId::parse(format!("account-{number}")).unwrap();
    let app = &bench.replicas[0].app;
    let key = app.keys.shared(KeyPurpose::Pairwise);
    let account_id = PairwiseId::of_account(key, &partner, &bank, &account).to_string();
    let contract = ContractId::parse(format!("contract-{number}")).unwrap();
    app.bus
        .execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{id}"),
            operator(),
            move |consent, now| {
                let terms = GrantTerms {
                    contract: contract.clone(),
                    user: UserId::parse("a-user").unwrap(),
                    client: ClientId::parse("partner-a").unwrap(),
                    partner: partner.clone(),
                    scope: std::iter::once(ScopePair {
                        account: account.clone(),
                        task: Task::Balance,
                    })
                    .collect(),
                    history_from: None,
                    valid_from: now,
                    valid_until: now + chrono::Duration::days(1),
                    given_under: None,
                };
                let journey = JourneyId::parse("a-journey-of-tests").unwrap();
                Ok(vec![consent.grant(&journey, terms, Place::Default)?])
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map(drop)
        .expect("the grant is given");
    sqlx::query(
        "INSERT INTO issued_access_tokens
            (bank, jti, client_id, grant_id, code_id, issued_at, expires_at)
         VALUES ($1, $2, 'partner-a', $3, $2, now(), now() + interval '10 minutes')",
    )
    .bind(BANK)
    .bind(jti)
    .bind(&id)
    .execute(&bench.pool)
    .await
    .unwrap();
    let question = DecideRequest {
        bank_code: BANK.to_owned(),
        grant_id: id.clone(),
        client_id: "partner-a".to_owned(),
        jti: jti.to_string(),
        task: WireTask::Balance.into(),
        account_id,
        key_id: String::new(),
    };
    Granted { id, question }
}

fn service(app: &web::Data<App>) -> DecisionService {
    DecisionService::new(app.clone(), DECISION_CREDENTIAL.to_owned())
}

async fn ask(service: &DecisionService, question: DecideRequest) -> Result<Decision, Status> {
    let mut request = Request::new(question);
    let credential = format!("Bearer {DECISION_CREDENTIAL}").parse().unwrap();
    request.metadata_mut().insert("authorization", credential);
    let response = service.decide(request).await?;
    Ok(response.into_inner().decision.expect("a decision"))
}

#[derive(Default)]
struct Tally {
    acknowledged: AtomicBool,
    allowed: AtomicU64,
    denied: AtomicU64,
    allowed_though_acknowledged: AtomicU64,
}

struct Revocations {
    grants: Vec<(Granted, Tally)>,
    all_acknowledged: AtomicBool,
}

/// Asks for one grant after the other, and for each once more after the last revocation.
async fn hammer(service: Arc<DecisionService>, revocations: Arc<Revocations>, from: usize) {
    let mut last_round = false;
    while !last_round {
        last_round = revocations.all_acknowledged.load(Ordering::SeqCst);
        for turn in from..from + revocations.grants.len() {
            let (grant, tally) = &revocations.grants[turn % revocations.grants.len()];
            let acknowledged = tally.acknowledged.load(Ordering::SeqCst);
            let decision = ask(&service, grant.question.clone()).await;
            match decision.expect("a decision") {
                Decision::Allowed(_) if acknowledged => {
                    tally
                        .allowed_though_acknowledged
                        .fetch_add(1, Ordering::SeqCst);
                }
                Decision::Allowed(_) => {
                    tally.allowed.fetch_add(1, Ordering::SeqCst);
                }
                Decision::Denied(denied) => {
                    assert_eq!(denied.reason(), DenialReason::Revoked);
                    tally.denied.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_is_allowed_after_the_revocation_was_acknowledged_however_many_ask_at_once() {
    const GRANTS: usize = 24;
    const ASKERS: usize = 96;
    let bench = Bench::replicas(2).await;
    let mut grants = Vec::new();
    for number in 0..GRANTS {
        grants.push((grant(&bench, number).await, Tally::default()));
    }
    let revocations = Arc::new(Revocations {
        grants,
        all_acknowledged: AtomicBool::new(false),
    });
    let services = [0, 1].map(|replica: usize| Arc::new(service(&bench.replicas[replica].app)));
    let askers: Vec<_> = (0..ASKERS)
        .map(|asker| {
            let service = Arc::clone(&services[asker % 2]);
            tokio::spawn(hammer(service, Arc::clone(&revocations), asker))
        })
        .collect();

    for (number, (grant, tally)) in revocations.grants.iter().enumerate() {
        // Not before it is read, so that each revocation meets decisions under way.
        let before = tally.allowed.load(Ordering::SeqCst);
        while tally.allowed.load(Ordering::SeqCst) < before + 8 {
            tokio::task::yield_now().await;
        }
        bench.revoke(&grant.id, number % 2).await;
        tally.acknowledged.store(true, Ordering::SeqCst);
    }
    revocations.all_acknowledged.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.expect("every answer was as expected");
    }

    for (grant, tally) in &revocations.grants {
        let too_late = tally.allowed_though_acknowledged.load(Ordering::SeqCst);
        assert_eq!(too_late, 0, "{}", grant.id);
        assert!(tally.denied.load(Ordering::SeqCst) > 0, "{}", grant.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_each_get_the_answer_to_their_own_question() {
    let bench = Bench::new().await;
    let mut grants = Vec::new();
    for number in 0..40 {
        grants.push(grant(&bench, number).await);
    }
    let service = Arc::new(service(&bench.replicas[0].app));
    let asking: Vec<_> = (0..600)
        .map(|asker: usize| {
            let mut question = grants[asker % grants.len()].question.clone();
            let expected = match asker % 3 {
                // Another grant's token, and no grant at all.
                1 => {
                    question.jti = grants[(asker + 1) % grants.len()].question.jti.clone();
                    Err(DenialReason::TokenRevoked)
                }
                2 => {
                    question.grant_id = format!("nothing-{asker}");
                    Err(DenialReason::UnknownGrant)
                }
                _ => Ok(format!("account-{}", asker % grants.len())),
            };
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                let answered = match ask(&service, question).await.expect("a decision") {
                    Decision::Allowed(allowed) => Ok(allowed.bank_account_id),
                    Decision::Denied(denied) => Err(denied.reason()),
                };
                assert_eq!(answered, expected);
            })
        })
        .collect();
    for asking in asking {
        asking.await.expect("its own answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_ended_costs_nobody_a_decision() {
    let bench = Bench::new().await;
    let granted = grant(&bench, 0).await;
    let service = service(&bench.replicas[0].app);
    let superuser = sqlx::PgPool::connect(bench.database.url()).await.unwrap();
    for _ in 0..3 {
        let decision = ask(&service, granted.question.clone()).await;
        assert!(matches!(decision, Ok(Decision::Allowed(_))), "{decision:?}");
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND query LIKE '%LEFT JOIN consent_current c ON c.stream_id = q.stream%'",
        )
        .fetch_all(&superuser)
        .await
        .unwrap();
        // One, or two where the first answer took its time.
        assert!(
            !ended.is_empty() && ended.iter().all(|ended| *ended),
            "{ended:?}"
        );
    }
}
