//! What a page of a search reads: at most three rows for each that it shows, the first page and one far down.

use chrono::{DateTime, TimeDelta, Utc};
use consent::search::{
    self, Place, Search, Span,
    consents::{Among, ConsentSearch, Few, FoundConsent, Status},
    journeys::{JourneySearch, JourneyStatus},
};
use consent_domain::{
    AccountId, BankCode, ContractId, PartnerId, consent::RevocationReason, journey::Step,
};
use serde_json::Value;
use sqlx::{PgPool, Row as _, postgres::PgRow};

use crate::bench::{BANK, Bench, Options};

const PAGE: i64 = 50;

/// 20,000 consents over two years: four fifths of one partner, most of them live, one in a hundred past its
/// time without anybody having recorded that, a contract with 200 of them and 6,600 with three each.
pub const CONSENTS: &str = r#"
INSERT INTO consent_current (stream_id, version, state_version, state, began_at, changed_at)
SELECT (CASE WHEN n % 11 = 9 THEN '2951' ELSE '2963' END) || ':' || gen_random_uuid(), 1, 2,
    jsonb_strip_nulls(jsonb_build_object('status', status, 'place', 'beside', 'connected', true,
        'suspended', CASE WHEN status = 'live' AND n % 31 = 0 THEN jsonb_build_array('user_removed') END,
        'by', CASE status WHEN 'revoked' THEN 'bank' WHEN 'superseded' THEN 'another' END,
        'reason', CASE WHEN status = 'revoked' THEN
            CASE WHEN n % 13 = 0 THEN 'fraud' WHEN n % 2 = 0 THEN 'customer_request' ELSE 'not_known_here' END END,
        'effective_at', CASE WHEN status = 'expired' THEN to_jsonb(ends) END,
        'terms', jsonb_build_object('contract', contract, 'user', 'u', 'client', 'c', 'partner', partner,
            'history_from', NULL, 'valid_from', to_jsonb(began), 'valid_until', to_jsonb(ends),
            'scope', (SELECT jsonb_agg(jsonb_build_object('account', contract || '-' || a, 'task', 'balance'))
                FROM generate_series(1, 3) a)))),
    began, began + (ends - began) * 0.7
FROM (SELECT n,
        CASE WHEN n % 6 < 5 THEN 'partner-1' ELSE 'partner-' || 2 + n % 7 END AS partner,
        CASE WHEN n % 100 = 0 THEN 'contract-big' ELSE 'contract-' || n % 6600 END AS contract,
        CASE WHEN n % 20 < 14 THEN 'live' WHEN n % 20 < 16 THEN 'expired' WHEN n % 20 < 19 THEN 'revoked'
            ELSE 'superseded' END AS status,
        now() - interval '2 years' * (n / 20001.0) AS began,
        CASE WHEN n % 20 IN (14, 15) OR n % 100 = 1 THEN now() - interval '1 year' * (n / 20001.0) - interval '1 s'
            ELSE now() + interval '1 year' * (n / 20001.0) + interval '1 h' END AS ends
    FROM generate_series(1, 20000) n) g"#;

/// 20,000 journeys; one in a hundred is under way.
const JOURNEYS: &str = r#"
INSERT INTO journey_current (stream_id, version, state_version, state, began_at, changed_at)
SELECT '2963:' || gen_random_uuid(), 1, 1,
    jsonb_build_object('request', jsonb_build_object('partner', partner, 'client', 'c',
            'ends_at', to_jsonb(began + interval '1 h')))
        || CASE WHEN n % 100 = 0
            THEN jsonb_build_object('status', 'in_progress', 'revision', 0, 'stage', jsonb_build_object('stage',
                CASE WHEN n % 500 = 0 THEN 'confirming' ELSE 'awaiting_login' END))
            ELSE jsonb_build_object('status', 'ended', 'contract', NULL, 'end', CASE n % 4
                WHEN 0 THEN jsonb_build_object('end', 'authorized', 'grant', 'g')
                WHEN 1 THEN jsonb_build_object('end', 'timed_out', 'cause', 'idle', 'step',
                    CASE WHEN n % 3 = 0 THEN 'login' ELSE 'accounts' END)
                WHEN 2 THEN jsonb_build_object('end', 'cancelled', 'step',
                    CASE WHEN n % 50 = 2 THEN 'authorize' ELSE 'login' END)
                ELSE jsonb_build_object('end', 'declined') END)
            END,
    began, began + interval '10 min'
FROM (SELECT n, CASE WHEN n % 5 < 4 THEN 'partner-1' ELSE 'partner-' || 2 + n % 9 END AS partner,
        now() - interval '90 days' * (n / 20001.0) AS began FROM generate_series(1, 20000) n) g"#;

pub async fn filled() -> (Bench, PgPool) {
    let bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let owner = PgPool::connect(&bench.owner_url()).await.unwrap();
    for sql in [
        CONSENTS,
        JOURNEYS,
        "ANALYZE consent_current, journey_current",
    ] {
        sqlx::query(sql).execute(&owner).await.unwrap();
    }
    (bench, owner)
}

fn bank() -> BankCode {
    BankCode::parse(BANK).unwrap()
}

fn partner(name: &str) -> Option<PartnerId> {
    Some(PartnerId::parse(name).unwrap())
}

/// Rows that the plan's scans looked at, those that they passed over included.
pub fn rows_read(plan: &Value) -> f64 {
    let number = |name: &str| plan[name].as_f64().unwrap_or(0.0);
    let mut rows = 0.0;
    if plan.get("Relation Name").is_some() {
        let of_each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        rows += of_each * number("Actual Loops");
    }
    let below = plan["Plans"].as_array().into_iter().flatten();
    rows + below.map(rows_read).sum::<f64>()
}

/// Reads a first and a far page; `among` is how many rows may be looked at in any case.
async fn assert_cheap<S: Search>(pool: &PgPool, case: &str, search: &S, among: f64) {
    let mut connection = pool.acquire().await.unwrap();
    let mut after: Option<Place> = None;
    for number in 0..12 {
        let page = search::page(&mut connection, search, after.as_ref(), PAGE)
            .await
            .unwrap();
        if number == 0 || number == 11 || page.next.is_none() {
            let shown = page.found.len();
            assert!(number > 0 || shown > 0, "{case}: nothing was found");
            let plan = search::explain(&mut connection, search, after.as_ref(), PAGE)
                .await
                .unwrap();
            let read = rows_read(&plan[0]["Plan"]);
            let most = (3.0 * shown as f64).max(among);
            assert!(
                read <= most,
                "{case}, page {number}: {read} rows read for {shown} shown\n{plan:#}"
            );
            // The same of the plan that searches run with, which is made without knowing the values.
            let counted = search::rows_read(&mut connection, search, after.as_ref(), PAGE);
            let counted = counted.await.unwrap() as f64;
            assert!(
                counted <= most,
                "{case}, page {number}: {counted} rows were read for {shown} shown"
            );
        }
        match page.next {
            None => return,
            next => after = next,
        }
    }
}

fn spans() -> [Span; 2] {
    let now = Utc::now();
    let within = Span {
        from: Some(now - TimeDelta::days(300)),
        to: Some(now + TimeDelta::days(200)),
    };
    [Span::default(), within]
}

fn all_consent_searches() -> Vec<(ConsentSearch, f64)> {
    let mut searches = Vec::new();
    let with = |among, partner| ConsentSearch {
        bank: bank(),
        partner,
        among,
    };
    for owner in [None, partner("partner-1"), partner("partner-3")] {
        for span in spans() {
            let begun = Among::Begun { began: span };
            searches.push((with(begun, owner.clone()), 0.0));
            let statuses = Status::ALL.map(|status| (Some(status), None));
            let reasons = [RevocationReason::Fraud, RevocationReason::Other];
            let reasons = reasons.map(|reason| (Some(Status::Revoked), Some(reason)));
            for (status, reason) in statuses.into_iter().chain(reasons).chain([(None, None)]) {
                let among = Among::Ending {
                    status,
                    reason,
                    ends: span,
                };
                searches.push((with(among, owner.clone()), 0.0));
            }
            for status in [None, Some(Status::Live), Some(Status::Expired)] {
                let big = Few {
                    contract: Some(ContractId::parse("contract-big").unwrap()),
                    status,
                    began: span,
                    ..Few::default()
                };
                let account = Few {
                    account: Some(AccountId::parse("contract-4-2").unwrap()),
                    contract: None,
                    ..big.clone()
                };
                searches.push((with(Among::Few(big), None), 200.0));
                searches.push((with(Among::Few(account), None), 4.0));
            }
        }
    }
    searches
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_consents_reads_at_most_three_rows_for_each_that_it_shows() {
    let (bench, _owner) = filled().await;
    let pool = search::connections(bench.service_url().parse().unwrap());
    for (search, among) in all_consent_searches() {
        let is_few = matches!(search.among, Among::Few(_));
        let case = format!("{search:?}");
        // Of one account there may be none with that status.
        if is_few && count(&pool, &search).await == 0 {
            continue;
        }
        assert_cheap(&pool, &case, &search, among).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_journeys_reads_at_most_three_rows_for_each_that_it_shows() {
    let (bench, _owner) = filled().await;
    let pool = search::connections(bench.service_url().parse().unwrap());
    for owner in [None, partner("partner-1"), partner("partner-3")] {
        let began = spans()[1];
        for span in [Span::default(), began] {
            let search = |status, stage| JourneySearch {
                bank: bank(),
                one: None,
                partner: owner.clone(),
                status,
                stage,
                began: span,
            };
            let mut searches = vec![search(None, None)];
            for status in JourneyStatus::ALL {
                if status != JourneyStatus::Failed {
                    searches.push(search(Some(status), None));
                }
            }
            searches.push(search(Some(JourneyStatus::TimedOut), Some(Step::Accounts)));
            searches.push(search(
                Some(JourneyStatus::Cancelled),
                Some(Step::Authorize),
            ));
            for search in searches {
                if page_through(&pool, &search).await.is_empty() {
                    continue;
                }
                assert_cheap(&pool, &format!("{search:?}"), &search, 0.0).await;
            }
            // Of those under way all are looked at.
            let stuck = search(Some(JourneyStatus::InProgress), Some(Step::Confirm));
            if !page_through(&pool, &stuck).await.is_empty() {
                assert_cheap(&pool, "stuck", &stuck, 200.0).await;
            }
        }
    }
}

async fn count(pool: &PgPool, search: &ConsentSearch) -> usize {
    page_through(pool, search).await.len()
}

async fn page_through<S: Search>(pool: &PgPool, search: &S) -> Vec<S::Found> {
    let mut connection = pool.acquire().await.unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = search::page(&mut connection, search, after.as_ref(), 700)
            .await
            .unwrap();
        all.extend(page.found);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// A row as a test reads it, without any of the columns that searches rest on; read once, for all searches.
struct Plain {
    grant: String,
    bank: String,
    partner: String,
    contract: String,
    accounts: Vec<String>,
    recorded_status: String,
    suspended: bool,
    reason: String,
    began_at: DateTime<Utc>,
    ends: DateTime<Utc>,
}

impl Plain {
    fn of(row: &PgRow) -> Self {
        let (stream, state): (String, Value) = (row.get("stream_id"), row.get("state"));
        let text = |path: &str| {
            let found = state.pointer(path).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let (bank, grant) = stream.split_once(':').unwrap();
        let recorded_status = text("/status");
        let scope = state["terms"]["scope"].as_array().unwrap();
        Self {
            grant: grant.to_owned(),
            bank: bank.to_owned(),
            partner: text("/terms/partner"),
            contract: text("/terms/contract"),
            accounts: scope
                .iter()
                .map(|each| each["account"].as_str().unwrap().to_owned())
                .collect(),
            suspended: state.get("suspended").is_some(),
            reason: match text("/reason").as_str() {
                "not_known_here" => "other".to_owned(),
                reason => reason.to_owned(),
            },
            began_at: row.get("began_at"),
            ends: match recorded_status.as_str() {
                "live" | "expired" => text("/terms/valid_until").parse().unwrap(),
                _ => row.get("changed_at"),
            },
            recorded_status,
        }
    }

    fn status(&self, now: DateTime<Utc>) -> &str {
        match self.recorded_status.as_str() {
            "live" if self.ends <= now => "expired",
            "live" if self.suspended => "suspended",
            other => other,
        }
    }

    fn is_wanted(&self, search: &ConsentSearch, now: DateTime<Utc>) -> bool {
        let within = |span: &Span, at| {
            span.from.is_none_or(|from| at >= from) && span.to.is_none_or(|to| at < to)
        };
        let status_is = |status: Option<Status>, why: Option<RevocationReason>| {
            status.is_none_or(|s| s.as_str() == self.status(now))
                && why.is_none_or(|why| why.as_str() == self.reason)
        };
        let of_bank = self.bank == search.bank.as_str();
        let of_partner = search
            .partner
            .as_ref()
            .is_none_or(|partner| partner.as_str() == self.partner);
        let is_among = match &search.among {
            Among::Begun { began } => within(began, self.began_at),
            Among::Ending {
                status,
                reason,
                ends,
            } => {
                let ended = !matches!(self.status(now), "live" | "suspended");
                within(ends, self.ends)
                    && status_is(*status, *reason)
                    && (ended || status.is_some())
            }
            Among::Few(few) => {
                let covers = |id: &AccountId| self.accounts.iter().any(|a| a == id.as_str());
                few.contract
                    .as_ref()
                    .is_none_or(|c| c.as_str() == self.contract)
                    && few.account.as_ref().is_none_or(covers)
                    && status_is(few.status, few.reason)
                    && within(&few.began, self.began_at)
                    && within(&few.ends, self.ends)
            }
        };
        of_bank && of_partner && is_among
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_search_finds_exactly_what_it_is_asked_for() {
    let (bench, _owner) = filled().await;
    let pool = search::connections(bench.service_url().parse().unwrap());
    let rows: Vec<Plain> = sqlx::query("SELECT * FROM consent_current")
        .fetch_all(&bench.pool)
        .await
        .unwrap()
        .iter()
        .map(Plain::of)
        .collect();
    for (search, _) in all_consent_searches() {
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
        let by_end = matches!(search.among, Among::Ending { .. });
        let mut wanted: Vec<_> = rows
            .iter()
            .filter(|row| row.is_wanted(&search, now))
            .map(|row| {
                let at = if by_end { row.ends } else { row.began_at };
                (at, row.grant.clone())
            })
            .collect();
        let found = page_through(&pool, &search).await;
        assert_eq!(found.len(), wanted.len(), "{search:?}");
        wanted.sort();
        let ids = |found: &[FoundConsent]| -> Vec<String> {
            found.iter().map(|found| found.grant_id.clone()).collect()
        };
        let mut expected: Vec<String> = wanted.into_iter().map(|(_, id)| id).collect();
        expected.reverse();
        let (mut got, mut sorted) = (ids(&found), expected.clone());
        // Equal times are in the order of the database's collation.
        got.sort();
        sorted.sort();
        assert_eq!(got, sorted, "{search:?}");
    }
}
