//! A contract that the bank closed is destroyed by the same act as its consents and journeys, after them and
//! only when nothing else of it is left; one that is not closed stays.

use consent::{
    rebuild::{Purpose, rebuild},
    retention::{
        RetentionSettings, destruction,
        legal_hold::{self, Held},
    },
};
use consent_domain::{
    ContractId, GrantId, PartnerId,
    consent::{RevocationReason, RevokedBy},
};
use demo::agent::walk::{Step, allow, cancel, choose_accounts};
use renkei_proto::bank::v1::{
    NotifyRequest,
    notify_request::{ContractClosed, Notice},
};
use sqlx::Connection as _;

use crate::{
    bench::{BANK, Bench, FIRST, WRONG_PIN, browser, ticked},
    journey_customer::{CONTRACT, linkages},
    lifecycle_bank_notices::{notice, password_changed, port, send, tell},
    lifecycle_given::by_operator,
    lifecycle_races::until_waiting,
    retention_archive::archive_all_but_the_last,
    retention_given::{
        Directory, bank, begin, count, events_of, let_time_pass, order, owner, preview,
    },
};

fn contract() -> String {
    format!("{BANK}:{CONTRACT}")
}

/// A contract with a consent that ended, a journey that was cancelled and a guess that was wrong, all eleven
/// years ago and archived.
struct Old {
    bench: Bench,
    grant: GrantId,
    closed: Option<NotifyRequest>,
    _directory: Directory,
}

impl Old {
    async fn closed() -> Self {
        let mut old = Self::lived().await;
        old.closed = Some(tell(&old.bench, Notice::ContractClosed(ContractClosed {})).await);
        old.aged().await
    }

    /// The consent was revoked; the bank closed nothing.
    async fn open() -> Self {
        let old = Self::lived().await;
        let (by, why) = (RevokedBy::Customer, RevocationReason::NoLongerNeeded);
        let bank = bank();
        let on = old.bench.on(&bank, &old.grant, 0);
        on.revoke(by, why, by_operator()).await.expect("revoked");
        old.aged().await
    }

    async fn lived() -> Self {
        let bench = Bench::new().await;
        let customer = browser();
        let (page, _) = bench.to_authorize(&customer, 0).await;
        allow(&customer, &page).await.expect("the end page");
        let grant = linkages(&bench).await[0].grant.clone();
        let other = browser();
        let (accounts, _) = bench.to_accounts(&other, 1).await;
        let confirm = choose_accounts(&other, &accounts, &[ticked(FIRST, WRONG_PIN)]).await;
        cancel(&other, &confirm.expect("step 5"), Step::CheckRegistration)
            .await
            .expect("cancelled");
        Self {
            bench,
            grant,
            closed: None,
            _directory: Directory::new(),
        }
    }

    async fn aged(self) -> Self {
        let_time_pass(&self.bench, "11 years").await;
        archive_all_but_the_last(&self.bench, &self._directory).await;
        // The rows follow the facts' times.
        let owner_url = self.bench.owner_url();
        rebuild(&owner_url, Purpose::Replace).await.unwrap();
        self
    }

    async fn destroy(&self, count: i64) -> destruction::Act {
        let act = begin(&self.bench, count).await.expect("as previewed");
        let mut owner = owner(&self.bench).await;
        destruction::carry_on(&mut owner, act).await.unwrap()
    }

    async fn is_here(&self) -> bool {
        let facts = events_of(&self.bench, &contract()).await;
        let rows = format!(
            "SELECT count(*) FROM contract_current WHERE stream_id = '{}'",
            contract()
        );
        let rows = count(&self.bench, &rows).await;
        assert_eq!(facts > 0, rows > 0, "{facts} facts, {rows} rows");
        rows > 0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_contract_goes_after_its_consents_with_everything_that_names_it() {
    let old = Old::closed().await;
    let bench = &old.bench;
    let seen = preview(bench).await;
    assert_eq!(
        (
            seen.consents,
            seen.unfinished_journeys,
            seen.closed_contracts
        ),
        (1, 1, 1),
        "{seen:?}"
    );

    let done = old.destroy(3).await;

    assert_eq!((done.consents, done.journeys, done.contracts), (1, 2, 1));
    assert!(done.completed_at.is_some());
    assert!(!old.is_here().await);
    for (table, naming) in [
        ("events", "contract"),
        ("notices", "contract"),
        ("bank_sessions", "contract"),
        ("customer_sessions", "contract"),
        ("bank_notices", "contract"),
        ("access_records", "contract"),
        ("consent_current", "contract"),
        ("guesses", "split_part(guess_scope, ':', 1)"),
        ("guess_counters", "split_part(guess_scope, ':', 1)"),
    ] {
        let sql = format!("SELECT count(*) FROM {table} WHERE {naming} = '{CONTRACT}'");
        assert_eq!(count(bench, &sql).await, 0, "{table}");
    }
    // The contract went last, in a batch of its own with its digest.
    let digests = "SELECT count(*) FROM destruction_batches WHERE contracts = 1 AND consents = 0
        AND streams_sha256 = encode(sha256(convert_to(format(E'contract/%s\\n', '{}'), 'UTF8')), 'hex')";
    assert_eq!(count(bench, &digests.replace("{}", &contract())).await, 1);
    let rebuilt = rebuild(&bench.owner_url(), Purpose::Verify).await.unwrap();
    assert!(
        rebuilt.iter().all(|table| table.differences == 0),
        "{rebuilt:?}"
    );
    // What the bank told of it is forgotten, and still not taken twice.
    let told = old.closed.as_ref().expect("closed");
    send(&mut port(bench, 0).await, told).await.expect("taken");
    assert!(!old.is_here().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_contracts_go_batch_by_batch_after_all_else() {
    let old = Old::lived().await;
    let mut port_0 = port(&old.bench, 0).await;
    for contract in [CONTRACT, "c-nothing-linked", "c-nor-here"] {
        let closed = NotifyRequest {
            contract_id: contract.to_owned(),
            ..notice(Notice::ContractClosed(ContractClosed {}))
        };
        send(&mut port_0, &closed).await.expect("taken");
    }
    let old = old.aged().await;
    let seen = preview(&old.bench).await;
    let act = begin(&old.bench, seen.count()).await.expect("as previewed");
    let mut owner = owner(&old.bench).await;
    let mut destroyed = Vec::new();
    loop {
        let (consents, journeys, contracts, done): (i32, i32, i32, bool) =
            sqlx::query_as("SELECT consents, journeys, contracts, done FROM destroy_batch($1, 1)")
                .bind(act)
                .fetch_one(&mut owner)
                .await
                .unwrap();
        if done {
            break;
        }
        destroyed.push((consents + journeys, contracts));
    }
    assert_eq!(seen.closed_contracts, 3, "{seen:?}");
    // The consent with its journey and the cancelled one, in one batch or two; then a contract each.
    let (others, contracts) = destroyed.split_at(destroyed.len() - 3);
    assert_eq!(contracts, [(0, 1); 3]);
    assert_eq!(others.iter().map(|batch| batch.0).sum::<i32>(), 3);
    assert!(!old.is_here().await);
    let said = "SELECT count(*) FROM bank_notices WHERE contract IS NOT NULL";
    assert_eq!(count(&old.bench, said).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_not_closed_stays_however_old_it_is() {
    let old = Old::open().await;
    let seen = preview(&old.bench).await;
    assert_eq!((seen.consents, seen.closed_contracts), (1, 0), "{seen:?}");
    assert!(seen.staying.is_empty(), "{seen:?}");
    let done = old.destroy(2).await;
    assert_eq!((done.consents, done.contracts), (1, 0));
    assert!(old.is_here().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_contract_of_which_anything_is_held_stays() {
    let old = Old::closed().await;
    let bench = &old.bench;
    let (bank, by, mut owner) = (bank(), order(), owner(bench).await);
    // Of partner B there is but a journey that ended without a consent.
    let of_b = Held::Partner(PartnerId::parse("id-of-partner-b").unwrap());
    let itself = Held::Contract(ContractId::parse(CONTRACT).unwrap());
    for (held, consents, left) in [(of_b, 1, 2), (itself, 0, 2)] {
        let hold = legal_hold::place(&mut owner, &bank, &held, &by).await;
        let seen = preview(bench).await;
        assert_eq!(
            (
                seen.consents,
                seen.unfinished_journeys,
                seen.closed_contracts
            ),
            (consents, 0, 0),
            "{held:?}: {seen:?}"
        );
        let done = old.destroy(consents).await;
        assert_eq!((done.consents, done.contracts), (consents, 0));
        assert!(old.is_here().await, "{held:?}");
        legal_hold::lift(&mut owner, hold.unwrap(), &by)
            .await
            .unwrap();
        assert_eq!(preview(bench).await.count(), left, "{held:?}");
    }
    old.destroy(2).await;
    assert!(!old.is_here().await, "nothing is held any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_contract_stays_where_the_act_left_a_consent_whose_hold_was_lifted_since() {
    let old = Old::closed().await;
    let (bank, by, mut owner) = (bank(), order(), owner(&old.bench).await);
    let held = Held::Grant(old.grant.clone());
    let hold = legal_hold::place(&mut owner, &bank, &held, &by).await;
    let seen = preview(&old.bench).await;
    assert_eq!(
        (seen.consents, seen.closed_contracts),
        (0, 0),
        "held: {seen:?}"
    );
    let act = begin(&old.bench, seen.count()).await.expect("as previewed");
    // The first batch looks at the consent; then the hold is lifted.
    sqlx::query("SELECT destroy_batch($1, 1)")
        .bind(act)
        .execute(&mut owner)
        .await
        .unwrap();
    legal_hold::lift(&mut owner, hold.unwrap(), &by)
        .await
        .unwrap();

    let done = destruction::carry_on(&mut owner, act).await.unwrap();

    assert_eq!((done.consents, done.contracts), (0, 0));
    assert!(old.is_here().await);
    let done = old.destroy(2).await;
    assert_eq!((done.consents, done.contracts), (1, 1));
    assert!(!old.is_here().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_closed_contract_is_kept_is_a_setting_of_its_own() {
    let old = Old::closed().await;
    let mut owner = owner(&old.bench).await;
    let kept = RetentionSettings {
        closed_contracts_years_of_bank: [(BANK.to_owned(), 20)].into(),
        ..RetentionSettings::default()
    };
    let criteria = destruction::criteria(&mut owner, &bank(), &kept)
        .await
        .unwrap();
    let seen = destruction::preview(&mut owner, &bank(), &criteria)
        .await
        .unwrap();
    assert_eq!((seen.consents, seen.closed_contracts), (1, 0));
    assert_eq!(seen.staying.get("too_young"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_of_which_the_bank_tells_something_at_that_moment_stays_whole() {
    let old = Old::closed().await;
    let bench = &old.bench;
    let act = begin(bench, 3).await.unwrap();
    let mut destroyer = owner(bench).await;
    // Someone holds the contract's row; a notice waits for it, and then the destruction.
    let mut holder = owner(bench).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM contract_current WHERE stream_id = $1 FOR UPDATE")
        .bind(contract())
        .execute(&mut *held)
        .await
        .unwrap();
    let mut at = port(bench, 0).await;
    let told = notice(password_changed());
    let telling = send(&mut at, &told);
    let destroying = async {
        until_waiting(bench, 1).await;
        destruction::carry_on(&mut destroyer, act).await
    };
    let release = async {
        until_waiting(bench, 2).await;
        held.commit().await.unwrap();
    };
    let (told, done, ()) = tokio::join!(telling, destroying, release);
    told.expect("taken");
    let done = done.unwrap();
    assert_eq!((done.consents, done.contracts), (1, 0));
    assert!(old.is_here().await);
    let facts = bench.events("PasswordChanged").await;
    assert_eq!((facts, bench.events("ContractClosed").await), (1, 1));
}
