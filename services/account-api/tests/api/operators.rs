//! The operators' listener: health and metrics, where partners are not.

use std::net::TcpListener;

use crate::application::Application;

async fn ask(base: &str, path: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{base}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn operators_see_health_and_counts_and_partners_do_not() {
    let app = Application::start().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let operators = account_api::start_operators(listener).unwrap();
    let base = format!("http://{}", operators.address());

    app.get("/v1/accounts/acc-1/balance").await;
    app.get("/v1/accounts/marked-account/balance").await;
    app.get_with("/v1/marked-path", "marked-token").await;

    assert_eq!(ask(&base, "/health/live").await.0, 200);
    assert_eq!(ask(&base, "/health/ready").await.0, 200);
    let (status, text) = ask(&base, "/metrics").await;
    assert_eq!(status, 200);
    for counted in [
        "renkei_http_requests_total{route=\"/v1/accounts/{account_id}/balance\",method=\"GET\",status=\"2xx\"}",
        "renkei_problems_total{code=\"account_not_in_scope\"}",
        "renkei_bank_calls_total{rpc=\"GetBalance\",outcome=\"ok\"}",
        "renkei_bank_call_duration_seconds_bucket",
    ] {
        assert!(text.contains(counted), "{counted}: {text}");
    }
    assert!(!text.contains("marked-"), "{text}");

    for path in ["/metrics", "/health/live", "/health/ready"] {
        let partners = app.send(app.request("GET", path)).await;
        assert_eq!(partners.status, 404, "{path}");
    }
    let of_partners = ask(&base, "/v1/accounts").await;
    assert_eq!(of_partners.0, 404);
    operators.stop().await.unwrap();
}
