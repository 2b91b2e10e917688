//! The authorization endpoint: a handle of ours and its client, and nothing else.

use demo::agent::browser::Page;

use crate::{
    bench::{Bench, browser},
    oauth_partner::Wish,
};

/// Stands in what is sent, and never in what comes back.
const MARK: &str = "zz-sent-zz";

fn refused(page: &Page, status: u16, code: &str) {
    assert_eq!(
        (page.status, page.error_code().as_deref()),
        (status, Some(code)),
        "{}",
        page.url
    );
    assert!(page.location().is_none());
    assert!(page.header("content-security-policy").is_some());
    assert!(!page.html.contains(MARK), "reflected: {}", page.url);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_beside_the_handle_and_the_client_is_ignored() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let pushed = client
        .push(&demo::agent::partner::ParRequest::for_both_tasks())
        .await
        .unwrap();
    let mut url = client.authorization_url(&pushed);
    url.query_pairs_mut()
        .append_pair("redirect_uri", &format!("https://{MARK}.example/"))
        .append_pair("state", MARK)
        .append_pair("state", &format!("\"><script>{MARK}"))
        .append_pair("scope", MARK)
        .append_pair("response_type", "token")
        .append_pair("request", "a.b.c")
        .append_pair("prompt", "none");
    let browser = browser();
    let hop = browser.get(&url).await.unwrap();
    assert_eq!(hop.status, 303);
    assert!(!hop.location().unwrap().as_str().contains(MARK));
    let login = browser.follow(&hop).await.unwrap();
    assert!(login.has("form#login-form"));
    assert!(!login.html.contains(MARK));
    let parameters: serde_json::Value =
        sqlx::query_scalar("SELECT parameters FROM pushed_requests")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(parameters["state"], pushed.state);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_handle_of_this_client_the_customer_stays_with_the_bank() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let pushed = client
        .push(&demo::agent::partner::ParRequest::for_both_tasks())
        .await
        .unwrap();
    let uri = pushed.request_uri.as_str();
    let unknown = format!("urn:ietf:params:oauth:request_uri:{}", "A".repeat(43));
    let elsewhere = format!("https://{MARK}.example/request.jwt");
    for (query, status, code) in [
        (vec![], 400, "invalid_request"),
        (vec![("client_id", "partner-a")], 400, "invalid_request"),
        (vec![("request_uri", uri)], 400, "invalid_request"),
        (
            vec![("client_id", MARK), ("request_uri", "urn:x")],
            400,
            "invalid_request",
        ),
        (
            vec![("client_id", "partner-a"), ("request_uri", &elsewhere)],
            400,
            "invalid_request",
        ),
        (
            vec![
                ("client_id", "partner-a"),
                ("request_uri", uri),
                ("client_id", "partner-a"),
            ],
            400,
            "invalid_request",
        ),
        (
            vec![("client_id", "partner-a"), ("request_uri", &unknown)],
            410,
            "request_expired",
        ),
        (
            vec![("client_id", "partner-b"), ("request_uri", uri)],
            410,
            "request_expired",
        ),
        (
            vec![("client_id", MARK), ("request_uri", uri)],
            410,
            "request_expired",
        ),
        (
            vec![
                ("client_id", "partner-a"),
                ("response_type", "code"),
                ("redirect_uri", bench.partners[0].redirect_uri.as_str()),
                ("scope", "balance"),
                ("state", MARK),
            ],
            400,
            "invalid_request",
        ),
    ] {
        let mut url = bench.endpoint("authorize", 0);
        url.query_pairs_mut().extend_pairs(query);
        refused(&browser().get(&url).await.unwrap(), status, code);
    }
    let url = client
        .authorization_url(&pushed)
        .as_str()
        .replace("/2963/", "/2978/");
    refused(&browser().get(&url).await.unwrap(), 404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_nobody_opened_in_time_is_dead() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let pushed = client
        .push(&demo::agent::partner::ParRequest::for_both_tasks())
        .await
        .unwrap();
    assert_eq!(pushed.expires_in_s, 60);
    bench
        .as_owner(
            "UPDATE pushed_requests SET created_at = created_at - interval '61 seconds',
             expires_at = expires_at - interval '61 seconds'",
        )
        .await;
    let page = browser()
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    refused(&page, 410, "request_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_was_opened_lives_ten_minutes_for_any_browser_until_a_login() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let (_, pushed) = bench.begin(&browser(), 0).await;
    let back = |seconds: u32| {
        format!(
            "UPDATE pushed_requests SET created_at = created_at - interval '{seconds} seconds',
             expires_at = expires_at - interval '{seconds} seconds'"
        )
    };
    bench.as_owner(&back(590)).await;
    let second = browser();
    let page = second.get(client.authorization_url(&pushed)).await.unwrap();
    let page = second.follow_to_end(page, &bench.origin).await.unwrap();
    assert!(
        page.has("form#login-form"),
        "a mail scanner opened it first: {}",
        page.excerpt(200)
    );
    bench.as_owner(&back(11)).await;
    let page = browser()
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    refused(&page, 410, "request_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_login_or_the_end_a_handle_opens_nothing_for_others() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let (_, bound) = bench.to_accounts(&browser(), 0).await;
    let page = browser()
        .get(client.authorization_url(&bound))
        .await
        .unwrap();
    refused(&page, 410, "request_expired");
    let finished = bench.allowed(Wish::default()).await.pushed;
    let page = browser()
        .get(client.authorization_url(&finished))
        .await
        .unwrap();
    refused(&page, 410, "request_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_disabled_after_its_push_gets_no_customer() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let pushed = client
        .push(&demo::agent::partner::ParRequest::for_both_tasks())
        .await
        .unwrap();
    bench.enable_only_at(&bench.partners[0], &[]).await;
    let page = browser()
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    refused(&page, 403, "partner_not_available");
}
