//! Push (RFC 8935): in order, until it is taken, by one replica at a time, and only to where it may go.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use consent::{
    protocol::key_wrap::KeyEncryptionKey,
    security_events::push::{
        Authorization, PushTarget, TargetError, TargetState, list_targets, remove_target,
        set_target,
    },
};
use consent_domain::{BankCode, ClientId};
use zeroize::Zeroizing;

use crate::{
    bench::{BANK, Bench, Options},
    feed_polling::verified,
    oauth_partner::Wish,
};

/// A receiver that answers as it is told, 202 where it is told nothing.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

struct Listening {
    url: String,
    server: ServerHandle,
    port: u16,
}

impl Receiver {
    async fn listen(&self, port: u16) -> Listening {
        let receiver = self.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(receiver.clone()))
                .default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", port))
        .unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Listening {
            url: format!("http://127.0.0.1:{port}/events"),
            server: handle,
            port,
        }
    }

    fn will_answer(&self, answers: &[(u16, &'static str)]) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn receive(
    receiver: web::Data<Receiver>,
    request: HttpRequest,
    body: String,
) -> HttpResponse {
    let header = |name: &str| {
        let value = request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    assert_eq!(request.method(), "POST");
    assert_eq!(header("content-type"), "application/secevent+jwt");
    receiver
        .asked
        .lock()
        .unwrap()
        .push((body.clone(), header("authorization")));
    let answer = receiver.answers.lock().unwrap().pop_front();
    let (status, text) = answer.unwrap_or((202, ""));
    if status == 202 {
        receiver.taken.lock().unwrap().push(body);
    }
    let mut answer = HttpResponse::build(status.try_into().unwrap());
    if status == 302 {
        answer.insert_header(("Location", text));
        return answer.finish();
    }
    answer.content_type("application/json").body(text)
}

impl Bench {
    async fn set_target(&self, url: &str, authorization: Option<&str>) -> Result<(), TargetError> {
        let authorization = authorization
            .map(|value| Authorization::parse(&Zeroizing::new(value.to_owned())).unwrap());
        let target = PushTarget {
            bank: &BankCode::parse(BANK).unwrap(),
            client: &ClientId::parse("partner-a").unwrap(),
            url,
            authorization,
            after: Some(0),
        };
        set_target(&self.pool, &kek(), target, "an operator").await
    }

    async fn target(&self) -> TargetState {
        list_targets(&self.pool).await.unwrap().remove(0)
    }

    /// Makes the target due now, as if its back-off had passed.
    async fn due(&self) {
        sqlx::query("UPDATE push_targets SET next_attempt_at = '-infinity'")
            .execute(&self.pool)
            .await
            .unwrap();
    }
}

fn kek() -> KeyEncryptionKey {
    KeyEncryptionKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn jtis(bench: &Bench, tokens: &[String]) -> Vec<String> {
    let issuer = bench.origin.join(BANK).unwrap();
    let mut ids = Vec::new();
    for token in tokens {
        let (header, claims) = verified(issuer.as_str(), "partner-a", token).await;
        assert_eq!(header["typ"], "secevent+jwt");
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    ids
}

async fn own_ids(bench: &Bench) -> Vec<String> {
    let read = bench.feed(&bench.own_token(0).await, "limit=500").await;
    read.ids().into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_deliver_every_event_once_and_in_order() {
    let bench = Bench::replicas(2).await;
    let granted = bench.granted(Wish::default()).await;
    let other = Wish {
        partner: 1,
        ..Wish::default()
    };
    bench.granted(other).await;
    bench
        .copy_grant(granted.grant_id.as_deref().unwrap(), 60)
        .await;
    bench.sequence().await;
    let receiver = Receiver::default();
    let listening = receiver.listen(0).await;

    bench
        .set_target(&listening.url, Some("Bearer a-secret-of-the-receiver"))
        .await
        .unwrap();
    let all = own_ids(&bench).await;
    until("everything is taken", async || {
        receiver.taken().len() >= all.len()
    })
    .await;
    bench.revoke(granted.grant_id.as_deref().unwrap(), 0).await;
    bench.sequence().await;
    until("the end is taken", async || {
        receiver.taken().len() > all.len()
    })
    .await;

    assert_eq!(jtis(&bench, &receiver.taken()).await, own_ids(&bench).await);
    for (_, authorization) in receiver.asked.lock().unwrap().iter() {
        assert_eq!(authorization, "Bearer a-secret-of-the-receiver");
    }
    let stored: Vec<u8> = sqlx::query_scalar("SELECT authorization_wrapped FROM push_targets")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("secret"));
    listening.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_out_and_nothing_is_lost_or_overtaken() {
    let bench = Bench::new().await;
    let granted = bench.granted(Wish::default()).await;
    bench
        .copy_grant(granted.grant_id.as_deref().unwrap(), 5)
        .await;
    bench.sequence().await;
    let receiver = Receiver::default();
    receiver.will_answer(&[
        (202, ""),
        (500, ""),
        (503, ""),
        (404, ""),
        (401, ""),
        (200, ""),
    ]);
    receiver.will_answer(&[(202, ""); 4]);
    receiver.will_answer(&[(503, ""); 100]);
    let listening = receiver.listen(0).await;

    bench.set_target(&listening.url, None).await.unwrap();
    let all = own_ids(&bench).await;
    for asked in 2..=6 {
        until("it is asked again", async || receiver.asked() >= asked).await;
        until("the failure is recorded", async || {
            bench.target().await.failures >= i32::try_from(asked).unwrap() - 1
        })
        .await;
        bench.due().await;
    }
    until("five are taken, and the receiver fails again", async || {
        receiver.taken().len() == 5 && bench.target().await.failures > 0
    })
    .await;
    listening.server.stop(false).await;
    let granted = own_ids(&bench).await.len();
    let down = bench.target().await;
    receiver.answers.lock().unwrap().clear();
    let again = receiver.listen(listening.port).await;
    until("the rest is taken", async || {
        bench.due().await;
        receiver.taken().len() >= granted
    })
    .await;

    let got = jtis(&bench, &receiver.taken()).await;
    // Where the receiver died between taking and answering, one comes again.
    let mut once = got.clone();
    once.dedup();
    assert_eq!(once, all);
    assert!(got.len() <= all.len() + 1);
    assert!(down.waiting > 0);
    until("the failure is forgotten", async || {
        bench.target().await.failures == 0
    })
    .await;
    again.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_five_times_is_set_aside_and_one_without_access_never_is() {
    let bench = Bench::new().await;
    bench.granted(Wish::default()).await;
    bench.sequence().await;
    let receiver = Receiver::default();
    let denied = (
        400,
        "{\"err\":\"authentication_failed\",\"description\":\"who?\"}",
    );
    let invalid = (
        400,
        "{\"err\":\"invalid_audience\",\"description\":\"not me\"}",
    );
    receiver.will_answer(&[[denied; 7].as_slice(), [invalid; 5].as_slice()].concat());
    let listening = receiver.listen(0).await;

    bench.set_target(&listening.url, None).await.unwrap();
    let all = own_ids(&bench).await;
    until("the rest is taken", async || {
        bench.due().await;
        receiver.taken().len() >= all.len() - 1
    })
    .await;

    let got = jtis(&bench, &receiver.taken()).await;
    let refused: Vec<(uuid::Uuid, String, String)> =
        sqlx::query_as("SELECT jti, error, delivery FROM refused_events")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    assert_eq!(got, all[1..]);
    let expected = (
        all[0].parse().unwrap(),
        "invalid_audience".to_owned(),
        "push".to_owned(),
    );
    assert_eq!(refused, [expected]);
    // Failures that were no refusals of the token do not count towards its five.
    let asked: Vec<String> = receiver
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|a| a.0.clone())
        .collect();
    let asked = jtis(&bench, &asked).await;
    let tries = asked.iter().filter(|id| **id == all[0]).count();
    assert_eq!((tries, asked.len()), (7 + 5, 7 + 5 + got.len()));
    listening.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let elsewhere = Receiver::default();
    let there = elsewhere.listen(0).await;
    let receiver = Receiver::default();
    let location: &'static str = there.url.clone().leak();
    receiver.will_answer(&[(302, location)]);
    let listening = receiver.listen(0).await;

    bench.set_target(&listening.url, None).await.unwrap();
    until("it failed", async || bench.target().await.failures > 0).await;

    let target = bench.target().await;
    assert_eq!(
        target.last_failure.as_deref(),
        Some("a redirect, which is not followed")
    );
    assert_eq!(elsewhere.asked(), 0);
    there.server.stop(false).await;
    listening.server.stop(false).await;
}

/// A replica as outside the demo: whatever stands in the table, it does not go inwards.
#[tokio::test(flavor = "multi_thread")]
async fn outside_the_demo_no_address_inside_is_reached_by_name_or_number() {
    let bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = bench
        .settings()
        .replace("insecure_http = true", "")
        .replace(bench.origin.as_str(), "https://consent.example/");
    let replica = bench.start_replica_with(listener, &settings).await;
    bench.sequence().await;
    let receiver = Receiver::default();
    let listening = receiver.listen(0).await;

    for (url, why) in [
        (
            format!("http://127.0.0.1:{}/", listening.port),
            "the target's address is not allowed",
        ),
        (
            format!("https://127.0.0.1:{}/", listening.port),
            "the target's address is not allowed",
        ),
        (
            format!("https://localhost:{}/", listening.port),
            "no connection",
        ),
    ] {
        bench.set_target(&url, None).await.unwrap();
        until("it failed", async || bench.target().await.failures > 0).await;
        assert_eq!(
            bench.target().await.last_failure.as_deref(),
            Some(why),
            "{url}"
        );
    }

    assert_eq!(receiver.asked(), 0);
    replica.stop().await;
    listening.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_set_and_removed_a_target_is_on_record() {
    let bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let (bank, client) = (
        BankCode::parse(BANK).unwrap(),
        ClientId::parse("partner-a").unwrap(),
    );
    bench
        .set_target("https://partner.example/a", None)
        .await
        .unwrap();
    bench
        .set_target("https://partner.example/b", None)
        .await
        .unwrap();
    remove_target(&bench.pool, &bank, &client, "another")
        .await
        .unwrap();

    let again = remove_target(&bench.pool, &bank, &client, "another").await;

    assert!(matches!(again, Err(TargetError::NoTarget)));
    let acts: Vec<(String, String, String)> =
        sqlx::query_as("SELECT act, url, operator FROM push_target_acts ORDER BY act_id")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    let act = |act: &str, url: &str, by: &str| {
        (
            act.to_owned(),
            format!("https://partner.example/{url}"),
            by.to_owned(),
        )
    };
    assert_eq!(
        acts,
        [
            act("set", "a", "an operator"),
            act("set", "b", "an operator"),
            act("removed", "b", "another")
        ]
    );
    assert!(list_targets(&bench.pool).await.unwrap().is_empty());
}
