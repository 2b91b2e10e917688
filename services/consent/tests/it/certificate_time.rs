//! How long a ticket and a handover last, seen by a replica whose database's clock is ahead.

use std::net::TcpListener;

use consent::startup::Running;
use url::Url;

use crate::{
    bench::{Bench, browser},
    certificate_authority::CertificateBench,
    certificate_login::{handover_url, ticket_url},
    journey_customer::step_of,
};

/// One more replica, for which `now()` is that much later.
pub async fn replica_later(bench: &Bench, later: &str) -> Running {
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    for sql in [
        "CREATE SCHEMA later".to_owned(),
        format!(
            "CREATE FUNCTION later.now() RETURNS timestamptz STABLE
             RETURN pg_catalog.now() + interval '{later}'"
        ),
        "GRANT USAGE ON SCHEMA later TO PUBLIC".to_owned(),
    ] {
        sqlx::query(&sql).execute(&owner).await.unwrap();
    }
    owner.close().await;
    let url = bench.service_url();
    let separator = if url.contains('?') { '&' } else { '?' };
    let path = "options=-c%20search_path%3Dlater,pg_catalog,public";
    let settings = bench
        .settings()
        .replace(&url, &format!("{url}{separator}{path}"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    bench.start_replica_with(listener, &settings).await
}

pub fn at(url: &Url, port: u16) -> Url {
    let mut url = url.clone();
    url.set_port(Some(port)).unwrap();
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lasts_five_minutes() {
    let stand = CertificateBench::new().await;
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    for (later, status) in [("4 minutes 50 seconds", 200), ("5 minutes 1 second", 410)] {
        let owner = sqlx::PgPool::connect(&stand.bench.owner_url())
            .await
            .unwrap();
        sqlx::query("DROP SCHEMA IF EXISTS later CASCADE")
            .execute(&owner)
            .await
            .unwrap();
        let replica = replica_later(&stand.bench, later).await;
        let port = replica.certificate_login.unwrap().port();
        let page = stand.dantai03s().get(at(&url, port)).await.unwrap();
        assert_eq!(page.status, status, "{later}");
        if status == 410 {
            let code = page.error_code();
            assert_eq!(code.as_deref(), Some("certificate_login_expired"));
            let back = journey.get(page.link("#to-login").unwrap()).await.unwrap();
            assert_eq!(step_of(&back), "login");
        }
        replica.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_lasts_a_minute_and_is_nobodys_when_changed() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;
    let replica = replica_later(bench, "61 seconds").await;

    let changed = Url::parse(&format!("{handover}A")).unwrap();
    for refused in [at(&handover, replica.public.port()), changed] {
        let page = journey.get(refused).await.unwrap();
        assert_eq!(page.status, 410);
        let code = page.error_code();
        assert_eq!(code.as_deref(), Some("certificate_login_expired"));
    }
    assert_eq!(bench.events("LoginSucceeded").await, 0);
    let taken = journey.get(handover).await.unwrap();
    assert_eq!(taken.status, 303);
    assert_eq!(bench.events("LoginSucceeded").await, 1);
    replica.stop().await;
}
