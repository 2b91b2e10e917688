//! What holds for every request and answer.

use crate::application::Application;

#[tokio::test]
async fn health_needs_no_token() {
    let app = Application::start().await;
    let answer = app.send(app.request("GET", "/healthz")).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "{\"status\":\"ok\"}")
    );
}

#[tokio::test]
async fn the_api_describes_itself_without_a_token_as_it_is_committed() {
    let app = Application::start().await;
    let answer = app.send(app.request("GET", "/openapi.json")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let committed = include_str!("../../../../docs/openapi/account-api.json");
    assert_eq!(answer.text, committed);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_that_repeat_nothing() {
    let app = Application::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/accounts/",
        "/v1/accounts/acc-1",
        "/%3Cb%3E",
        "/v1/accounts/a/b/c",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
        assert!(!answer.text.contains("<b>"));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "ODD"] {
        for path in ["/healthz", "/v1/accounts", "/v1/accounts/acc-1/balance"] {
            let answer = app.send(app.request(method, path)).await;
            assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
            assert_eq!(answer.header("allow"), Some("GET"));
        }
    }
}

#[tokio::test]
async fn resources_without_parameters_take_none() {
    let app = Application::start().await;
    for path in [
        "/v1/accounts?a=1",
        "/v1/accounts/acc-1/balance?from=2026-01-01",
    ] {
        assert_eq!(
            app.get(path).await.problem(),
            (400, "invalid_parameter".to_owned())
        );
    }
}

#[tokio::test]
async fn sizes_are_bounded() {
    let app = Application::start().await;
    let long = format!("/v1/accounts?x={}", "a".repeat(9000));
    assert_eq!(
        app.get(&long).await.problem(),
        (414, "uri_too_long".to_owned())
    );
    let heavy = app
        .request("GET", "/v1/accounts")
        .header("x-padding", "a".repeat(40_000));
    assert_eq!(
        app.send(heavy).await.problem(),
        (431, "headers_too_large".to_owned())
    );
    let body = app
        .request("GET", "/v1/accounts")
        .bearer_auth(app.token())
        .body("{}");
    assert_eq!(
        app.send(body).await.problem(),
        (413, "content_not_accepted".to_owned())
    );
}

#[tokio::test]
async fn no_answer_is_stored_and_each_has_an_id() {
    let app = Application::start().await;
    for path in ["/healthz", "/v1/accounts", "/nowhere"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
        assert_eq!(
            answer.header("x-request-id"),
            answer.header("x-fapi-interaction-id")
        );
    }
}

#[tokio::test]
async fn the_partners_id_and_trace_travel_on_to_the_services_behind() {
    let app = Application::start().await;
    let id = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let request = app
        .request("GET", "/v1/accounts/acc-1/balance")
        .bearer_auth(app.token())
        .header("x-fapi-interaction-id", id)
        .header("traceparent", format!("00-{trace_id}-b7ad6b7169203331-01"));
    let answer = app.send(request).await;
    assert_eq!(answer.header("x-fapi-interaction-id"), Some(id));
    let asked = app.decisions.asked();
    assert_eq!(asked[0].request_id.as_deref(), Some(id));
    let traceparent = asked[0].traceparent.clone().unwrap();
    assert!(
        traceparent.starts_with(&format!("00-{trace_id}-")),
        "{traceparent}"
    );
    assert!(
        app.bank
            .calls()
            .iter()
            .all(|(_, request_id)| request_id.as_deref() == Some(id))
    );
    assert_eq!(app.bank.calls().len(), 2);
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_not_taken_over() {
    let app = Application::start().await;
    let request = app
        .request("GET", "/healthz")
        .header("x-fapi-interaction-id", "<script>");
    let answer = app.send(request).await;
    assert_ne!(answer.header("x-fapi-interaction-id"), Some("<script>"));
}

#[tokio::test]
async fn a_stopped_server_takes_no_more_requests() {
    let app = Application::start().await;
    let address = app.server.address();
    app.server.stop().await.unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}
