//! Whom a handler of the API or the console is called for: the extractors, asked directly.

use actix_web::{FromRequest as _, HttpRequest, cookie::Cookie, dev::Payload, test::TestRequest};
use consent::{
    operator::{
        Acts, Api, Console, Reads, Role,
        console::{ConsoleRefusal, admit, roles_of},
        form_key,
        password::log_in,
        session::{self, SessionCookie},
    },
    request_context::RequestContext,
    store::Actor,
};
use zeroize::Zeroizing;

use crate::{
    bench::{BANK, Bench},
    operator_given::operator_id,
};

const PASSWORD: &str = "correct horse battery";

fn request(bench: &Bench, bank: &str) -> TestRequest {
    TestRequest::default()
        .app_data(bench.replicas[0].app.clone())
        .param("bank", bank.to_owned())
}

fn with_token(bench: &Bench, bank: &str, token: &str) -> HttpRequest {
    request(bench, bank)
        .insert_header(("Authorization", format!("Bearer {token}")))
        .to_http_request()
}

async fn with_session(bench: &Bench, role: Role) -> SessionCookie {
    bench.operator("suzuki", role).await;
    let mut administration = bench.administration().await;
    let id = operator_id("suzuki");
    administration.set_password(&id, PASSWORD).await.unwrap();
    let context = RequestContext {
        request_id: "r".to_owned(),
        traceparent: None,
    };
    let password = Zeroizing::new(PASSWORD.to_owned());
    let app = &bench.replicas[0].app;
    log_in(app, "suzuki", password, context)
        .await
        .unwrap()
        .cookie
}

fn with_cookie(bench: &Bench, bank: &str, cookie: &SessionCookie) -> HttpRequest {
    let set: Cookie<'static> = cookie.set(&bench.replicas[0].app);
    request(bench, bank)
        .cookie(Cookie::new(set.name().to_owned(), set.value().to_owned()))
        .to_http_request()
}

async fn refused_by_console(request: &HttpRequest) -> Option<ConsoleRefusal> {
    let admitted = Console::<Reads>::from_request(request, &mut Payload::None).await;
    admitted.err()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_and_does_not_act() {
    let bench = Bench::new().await;
    let auditor = bench.operator("sato", Role::Auditor).await;
    let operator = bench.operator("ito", Role::Operator).await;
    let mut none = Payload::None;
    let ask = with_token(&bench, BANK, &auditor);
    assert!(Api::<Reads>::from_request(&ask, &mut none).await.is_ok());
    let refused = Api::<Acts>::from_request(&ask, &mut none)
        .await
        .err()
        .unwrap();
    assert_eq!(actix_web::ResponseError::status_code(&refused), 403);

    let ask = with_token(&bench, BANK, &operator);
    let admitted = Api::<Acts>::from_request(&ask, &mut none)
        .await
        .ok()
        .unwrap();
    assert_eq!(admitted.actor(), Actor::Operator("ito".to_owned()));
    assert_eq!(admitted.role, Role::Operator);
    let elsewhere = with_token(&bench, "2951", &operator);
    let refused = Api::<Acts>::from_request(&elsewhere, &mut none)
        .await
        .err()
        .unwrap();
    assert_eq!(actix_web::ResponseError::status_code(&refused), 404);
    let refusals: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM operator_acts WHERE act = 'enter' AND outcome = 'refused'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(refusals, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_admits_to_the_banks_of_its_operator_until_it_ends() {
    let bench = Bench::new().await;
    let cookie = with_session(&bench, Role::Auditor).await;
    let here = with_cookie(&bench, BANK, &cookie);
    assert_eq!(refused_by_console(&here).await, None);
    let acting = Console::<Acts>::from_request(&here, &mut Payload::None).await;
    assert_eq!(acting.err(), Some(ConsoleRefusal::RoleTooLow));
    let elsewhere = with_cookie(&bench, "2951", &cookie);
    assert_eq!(
        refused_by_console(&elsewhere).await,
        Some(ConsoleRefusal::NothingHere)
    );
    let (who, _) = admit(&here).await.unwrap();
    let roles = roles_of(&bench.pool, &who.operator.id).await.unwrap();
    assert_eq!(roles.len(), 1);

    let stranger = with_cookie(&bench, BANK, &SessionCookie::mint());
    let over = Some(ConsoleRefusal::NotLoggedIn);
    assert_eq!(refused_by_console(&stranger).await, over);
    let bare = request(&bench, BANK).to_http_request();
    assert_eq!(refused_by_console(&bare).await, over);
    session::end(&bench.pool, &cookie).await.unwrap();
    assert_eq!(refused_by_console(&here).await, over);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_idle_when_it_is_old_and_with_its_operator() {
    let bench = Bench::new().await;
    let cookie = with_session(&bench, Role::Operator).await;
    let here = with_cookie(&bench, BANK, &cookie);
    for (over, again) in [
        (
            "last_seen_at = now() - interval '16 min'",
            "last_seen_at = now()",
        ),
        ("expires_at = now()", "expires_at = now() + interval '1 h'"),
    ] {
        for (change, refusal) in [(over, Some(ConsoleRefusal::NotLoggedIn)), (again, None)] {
            let sql = format!("UPDATE operator_sessions SET {change}");
            sqlx::query(&sql).execute(&bench.pool).await.unwrap();
            assert_eq!(refused_by_console(&here).await, refusal, "{change}");
        }
    }
    let mut administration = bench.administration().await;
    administration
        .disable(&operator_id("suzuki"))
        .await
        .unwrap();
    administration.enable(&operator_id("suzuki")).await.unwrap();
    let over = Some(ConsoleRefusal::NotLoggedIn);
    assert_eq!(refused_by_console(&here).await, over, "disabling ended it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forms_key_is_good_for_its_form_and_its_browser_only() {
    let bench = Bench::replicas(2).await;
    let (app, other) = (&bench.replicas[0].app, &bench.replicas[1].app);
    let (mine, yours) = (SessionCookie::mint(), SessionCookie::mint());
    let key = form_key::mint(app, &mine, "revoke");
    assert!(form_key::find(other, &mine, "revoke", &key).is_some());
    assert!(form_key::find(app, &yours, "revoke", &key).is_none());
    assert!(form_key::find(app, &mine, "suspend", &key).is_none());
    assert!(form_key::find(app, &mine, "revoke", &format!("{key}x")).is_none());
    assert!(form_key::find(app, &mine, "revoke", "").is_none());
}
