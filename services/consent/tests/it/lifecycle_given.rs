//! Consents made directly, where a test is about their life and not about the walk to 許可; and what is
//! asked of their life afterwards.

use chrono::TimeDelta;
use consent::{
    lifecycle::{OnConsent, Order},
    store::{Actor, fold, state_of},
};
use consent_domain::{
    AccountId, BankCode, ClientId, ContractId, GrantId, Instant, JourneyId, PartnerId, UserId,
    consent::{Consent, ConsentRefusal, ConsentStream, GrantTerms, Place},
    scope::{Scope, ScopePair, Task},
};

use crate::{
    bench::{BANK, Bench},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID},
    oauth_partner::operator,
};

/// The user of dantai01, as the bank names it.
pub const USER: &str = "u-2d6e80b1";

pub fn bank() -> BankCode {
    BankCode::parse(BANK).unwrap()
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub fn journey() -> JourneyId {
    JourneyId::parse("a-journey-of-tests").unwrap()
}

/// An operator who gives no key.
pub fn by_operator() -> Order {
    Order::of(Actor::Operator("tester".to_owned()))
}

/// dantai01's terms with partner A on two accounts; valid since a year, so that every warning may come.
pub fn terms(valid_until: Instant) -> GrantTerms {
    let pairs = [FIRST_ID, FOURTH_ID].into_iter().flat_map(|name| {
        Task::ALL.map(|task| ScopePair {
            account: account(name),
            task,
        })
    });
    GrantTerms {
        contract: ContractId::parse(CONTRACT).unwrap(),
        user: user(USER),
        client: ClientId::parse("partner-a").unwrap(),
        partner: PartnerId::parse("id-of-partner-a").unwrap(),
        scope: Scope::from_iter(pairs),
        history_from: None,
        valid_from: valid_until - TimeDelta::days(365),
        valid_until,
        given_under: None,
    }
}

impl Bench {
    /// A consent that ends that long from now, by the database's clock.
    pub async fn consent_for(&self, left: TimeDelta) -> GrantId {
        self.consent_with(move |now| terms(now + left)).await
    }

    pub async fn consent_with(
        &self,
        terms: impl Fn(Instant) -> GrantTerms + Send + Sync + 'static,
    ) -> GrantId {
        let grant = GrantId::parse(sqlx::types::Uuid::new_v4().to_string()).unwrap();
        self.replicas[0]
            .app
            .bus
            .execute::<ConsentStream, ConsentRefusal>(
                format!("{BANK}:{grant}"),
                operator(),
                move |consent, now| {
                    Ok(vec![consent.grant(
                        &journey(),
                        terms(now),
                        Place::Beside,
                    )?])
                },
                |_, _, _| Vec::new(),
            )
            .await
            .map(drop)
            .expect("the consent begins");
        grant
    }

    /// Lets another grant, of that service, take a consent's place.
    pub async fn supersede(&self, grant: &GrantId, by: &GrantId, client: &str) {
        let (by, client) = (by.clone(), ClientId::parse(client).unwrap());
        self.replicas[0]
            .app
            .bus
            .execute::<ConsentStream, ConsentRefusal>(
                format!("{BANK}:{grant}"),
                operator(),
                move |consent, now| Ok(consent.supersede(&by, &client, now)?.into_events()),
                |_, _, _| Vec::new(),
            )
            .await
            .map(drop)
            .expect("superseded");
    }

    /// Acts on a consent at a replica.
    pub fn on<'a>(
        &'a self,
        bank: &'a BankCode,
        grant: &'a GrantId,
        replica: usize,
    ) -> OnConsent<'a> {
        let app = &self.replicas[replica].app;
        OnConsent {
            pool: &app.pool,
            bus: &app.bus,
            bank,
            grant,
        }
    }

    /// The consent as its row says, which must be what its facts add up to.
    pub async fn consent(&self, grant: &GrantId) -> Consent {
        let stream = format!("{BANK}:{grant}");
        let live = state_of::<ConsentStream>(&self.pool, &stream)
            .await
            .unwrap();
        let folded = fold::<ConsentStream>(&self.pool, &stream).await.unwrap();
        assert_eq!(folded.state, live, "replay equals live");
        live
    }

    /// The types of a consent's facts, in order.
    pub async fn facts_of(&self, grant: &GrantId) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT event_type FROM events WHERE aggregate_type = 'consent' AND aggregate_id = $1
             ORDER BY sequence",
        )
        .bind(format!("{BANK}:{grant}"))
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The bank's notices that wait to be sent, by kind.
    pub async fn notices(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT kind FROM notices ORDER BY occurred_at")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}
