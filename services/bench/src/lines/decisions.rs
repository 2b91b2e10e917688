//! Decisions in process: the whole of what the decision port does for a question, from its message to
//! the answer's; without HTTP/2 and protobuf's encoding.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::web;
use async_trait::async_trait;
use consent::{app::App, decisions::DecisionService, protocol::shared_key::KeyPurpose};
use consent_domain::consent::ConsentStream;
use renkei_proto::decision::v1::{
    DecideRequest, Task, decide_response::Decision, decisions_server::Decisions as _,
};
use tonic::{Request, metadata::MetadataValue};
use uuid::Uuid;

use super::{
    commands::{context, decided},
    primary_key::primary_key_read,
};
use crate::{
    error::BenchError,
    flow::{Command, Linkage, Sender},
    ground::{BANK, CLIENT, CREDENTIAL, Ground},
    in_flight::rate_in_flight,
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
};

/// Live consents, each with two accounts, both tasks and an access token.
pub const GRANTS: usize = 20_000;

/// The `kid` of their tokens.
const SIGNED_BY: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

/// One after the other.
pub const ONE: Line = line(
    "decisions-1",
    "decisions/s, one by one",
    "pgbench, primary-key read, 1 client",
    Some(0.65),
    |ground| prepare(ground, 1, 1),
);
/// A few.
pub const EIGHT: Line = line(
    "decisions-8",
    "decisions/s, 8 in flight",
    "pgbench, primary-key read, 8 clients",
    None,
    |ground| prepare(ground, 8, 8),
);
/// As many as pgbench has clients.
pub const THIRTY_TWO: Line = line(
    "decisions-32",
    "decisions/s, 32 in flight",
    "pgbench, primary-key read, 32 clients",
    None,
    |ground| prepare(ground, 32, 32),
);
/// As many as one read answers.
pub const COALESCED: Line = line(
    "decisions-256",
    "decisions/s, 256 in flight",
    "pgbench, primary-key read, 32 clients",
    Some(4.0),
    |ground| prepare(ground, 256, 32),
);

const fn line(
    name: &'static str,
    ours: &'static str,
    reference: &'static str,
    aim: Option<f64>,
    prepare: fn(&Ground) -> Preparing<'_>,
) -> Line {
    Line {
        name,
        ours,
        reference,
        unit: Unit::PerSecond,
        spread_max: SPREAD_MAX,
        aim,
        prepare,
    }
}

fn prepare(ground: &Ground, in_flight: usize, clients: u32) -> Preparing<'_> {
    Box::pin(async move {
        let ours = Decisions {
            service: Arc::new(DecisionService::new(
                ground.app().clone(),
                CREDENTIAL.to_owned(),
            )),
            questions: questions(ground).await?,
            in_flight,
        };
        Ok(Pair {
            ours: Box::new(ours),
            reference: Box::new(primary_key_read(ground, clients)),
        })
    })
}

struct Decisions {
    service: Arc<DecisionService>,
    questions: Arc<Vec<DecideRequest>>,
    in_flight: usize,
}

#[async_trait(?Send)]
impl Contender for Decisions {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let credential = format!("Bearer {CREDENTIAL}");
        let credential = MetadataValue::try_from(credential).map_err(BenchError::wrong)?;
        let (service, questions) = (Arc::clone(&self.service), Arc::clone(&self.questions));
        rate_in_flight(self.in_flight, period, move |task, done| {
            let service = Arc::clone(&service);
            let question = questions.get(scattered(task, done)).cloned();
            let credential = credential.clone();
            async move {
                let question = question.ok_or_else(|| BenchError::wrong("no such question"))?;
                let mut request = Request::new(question);
                request.metadata_mut().insert("authorization", credential);
                let answer = service.decide(request).await.map_err(BenchError::wrong)?;
                match answer.into_inner().decision {
                    Some(Decision::Allowed(_)) => Ok(()),
                    other => Err(BenchError::Wrong(format!("{other:?}"))),
                }
            }
        })
        .await
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        let in_flight = u32::try_from(self.in_flight).unwrap_or(u32::MAX);
        Ok(BTreeMap::from([("in_flight", f64::from(in_flight))]))
    }
}

/// A grant in no order that a cache would like.
fn scattered(task: usize, done: u64) -> usize {
    let mixed = (task as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(done.wrapping_mul(0xD1B5_4A32_D192_ED03));
    usize::try_from((mixed >> 20) % GRANTS as u64).unwrap_or_default()
}

/// The same for every line; made once.
static QUESTIONS: Mutex<Option<Arc<Vec<DecideRequest>>>> = Mutex::new(None);

async fn questions(ground: &Ground) -> Result<Arc<Vec<DecideRequest>>, BenchError> {
    let made = || QUESTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(questions) = made().clone() {
        return Ok(questions);
    }
    let mut giving = tokio::task::JoinSet::new();
    const GIVERS: usize = 32;
    for giver in 0..GIVERS {
        let app = ground.app().clone();
        giving.spawn(async move {
            for number in (giver..GRANTS).step_by(GIVERS) {
                give(&app, number).await?;
            }
            Ok::<(), BenchError>(())
        });
    }
    while let Some(given) = giving.join_next().await {
        given.map_err(BenchError::wrong)??;
    }
    let mut questions = Vec::with_capacity(GRANTS);
    let (mut jtis, mut grants) = (Vec::new(), Vec::new());
    let key = ground.app().keys.shared(KeyPurpose::Pairwise);
    for number in 0..GRANTS {
        let linkage = numbered(number);
        let jti = Uuid::new_v4();
        jtis.push(jti);
        grants.push(linkage.grant());
        questions.push(DecideRequest {
            bank_code: BANK.to_owned(),
            grant_id: linkage.grant(),
            client_id: CLIENT.to_owned(),
            jti: jti.to_string(),
            task: Task::Transactions.into(),
            account_id: linkage
                .account_for_partner(key)
                .map_err(BenchError::wrong)?
                .to_string(),
            key_id: SIGNED_BY.to_owned(),
        });
    }
    sqlx::query(
        "INSERT INTO issued_access_tokens
            (bank, jti, client_id, grant_id, code_id, issued_at, expires_at, kid)
         SELECT $1, jti, $2, granted, jti, now(), now() + interval '1 day', $5
         FROM UNNEST($3::uuid[], $4::text[]) AS t (jti, granted)",
    )
    .bind(BANK)
    .bind(CLIENT)
    .bind(jtis)
    .bind(grants)
    .bind(SIGNED_BY)
    .execute(&ground.pool)
    .await?;
    ground.analyze().await?;
    let questions = Arc::new(questions);
    *made() = Some(Arc::clone(&questions));
    Ok(questions)
}

fn numbered(number: usize) -> Linkage {
    Linkage {
        name: number.to_string(),
    }
}

async fn give(app: &web::Data<App>, number: usize) -> Result<(), BenchError> {
    let linkage = numbered(number);
    let context = context(&linkage, Sender::Service, 0);
    match linkage.grant_access() {
        Command::Consent(decide) => {
            decided::<ConsentStream>(&app.bus, linkage.consent_stream(), context, decide).await
        }
        Command::Contract(_) => Err(BenchError::wrong("a grant is no command of the contract")),
    }
}
