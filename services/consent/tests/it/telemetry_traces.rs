//! One trace through page, command, SQL and the bank; and from the account API through the decision to
//! the bank.

use demo::agent::walk::log_in;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};

use crate::{
    bench::{Bench, browser, dantai01},
    oauth_account_api::serve,
    oauth_partner::Wish,
    telemetry_collector::{attribute, collector, hex},
};

fn named<'s>(spans: &'s [Span], name: &str, kind: SpanKind) -> &'s Span {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    spans
        .iter()
        .find(|span| span.name == name && span.kind == kind as i32)
        .unwrap_or_else(|| panic!("{name} {kind:?} is not in {names:?}"))
}

/// Whether `span` lies below `above`, however deep.
fn is_below(spans: &[Span], span: &Span, above: &Span) -> bool {
    let mut parent = &span.parent_span_id;
    while let Some(next) = spans.iter().find(|candidate| &candidate.span_id == parent) {
        if next.span_id == above.span_id {
            return true;
        }
        parent = &next.parent_span_id;
    }
    false
}

const PAGE: &str = "POST /{bank}/journeys/{journey}/login";
const AUTHENTICATE: &str = "renkei.bank.v1.BankPort/Authenticate";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_runs_through_page_command_sql_and_bank_and_the_event_names_it() {
    let collector = collector();
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    log_in(&browser, &login, &dantai01()).await.expect("step 3");

    let traceparent: String =
        sqlx::query_scalar("SELECT traceparent FROM events WHERE event_type = 'LoginSucceeded'")
            .fetch_one(&bench.pool)
            .await
            .expect("the event names its trace");
    let spans = collector.trace(&traceparent[3..35]).await;
    let page = named(&spans, PAGE, SpanKind::Server);
    assert_eq!(
        attribute(page, "http.route"),
        "/{bank}/journeys/{journey}/login"
    );
    assert_eq!(attribute(page, "http.response.status_code"), "303");

    // The bank's own span hangs below our call of it.
    let call = named(&spans, AUTHENTICATE, SpanKind::Client);
    assert_eq!(attribute(call, "rpc.grpc.status_code"), "0");
    let bank = named(&spans, AUTHENTICATE, SpanKind::Server);
    assert_eq!(bank.parent_span_id, call.span_id);
    assert!(is_below(&spans, call, page));

    // The event names the command's span, and the statements are its own.
    let command = spans
        .iter()
        .find(|span| hex(&span.span_id) == traceparent[36..52]);
    let command = command.expect("the span that wrote the event");
    assert_eq!(attribute(command, "outcome"), "committed");
    assert!(is_below(&spans, command, page));
    for part in ["load", "append"] {
        let statement = spans
            .iter()
            .find(|s| s.name == part && is_below(&spans, s, command));
        let statement = statement.unwrap_or_else(|| panic!("{part} is missing"));
        assert_eq!(attribute(statement, "db.system.name"), "postgresql");
    }
    let decided = spans
        .iter()
        .any(|s| s.name == "decide" && is_below(&spans, s, command));
    assert!(decided, "the decision has no span");
    for guess in ["reserve guess", "settle guess"] {
        assert!(is_below(
            &spans,
            named(&spans, guess, SpanKind::Client),
            page
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_trace_runs_through_the_account_api_and_the_decision_to_the_bank() {
    let collector = collector();
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let server = serve(&bench, 0);
    let (trace_id, span_id) = (
        uuid::Uuid::new_v4().simple().to_string(),
        "b7ad6b7169203331",
    );
    let answer = reqwest::Client::new()
        .get(format!("{}/v1/accounts", server.base_url()))
        .bearer_auth(&tokens.access_token)
        .header("traceparent", format!("00-{trace_id}-{span_id}-01"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);

    let spans = collector.trace(&trace_id).await;
    let request = named(&spans, "GET /v1/accounts", SpanKind::Server);
    assert_eq!(hex(&request.parent_span_id), span_id);
    for name in [
        "renkei.decision.v1.Decisions/DescribeGrant",
        "renkei.bank.v1.BankPort/ListAccounts",
    ] {
        let call = named(&spans, name, SpanKind::Client);
        assert!(is_below(&spans, call, request), "{name}");
        assert_eq!(
            named(&spans, name, SpanKind::Server).parent_span_id,
            call.span_id
        );
    }
    let answered = named(
        &spans,
        "renkei.decision.v1.Decisions/DescribeGrant",
        SpanKind::Server,
    );
    assert!(is_below(
        &spans,
        named(&spans, "decision", SpanKind::Client),
        answered
    ));
}
