use super::*;
use crate::agent::fake_server::{FakeServer, Reply, Request};

async fn bank() -> FakeServer {
    FakeServer::start(|request: &Request| match request.url.path() {
        "/login" => Reply::html("<h1 id=title>ログイン</h1>")
            .header("set-cookie", "session=one; Path=/; HttpOnly; SameSite=Lax")
            .header("set-cookie", "strict=two; Path=/; SameSite=Strict"),
        "/logout" => Reply::html("").header("set-cookie", "session=; Path=/; Max-Age=0"),
        "/hop" => Reply::see_other("/hop2"),
        "/hop2" => Reply::see_other("end"),
        "/away" => Reply::see_other("http://localhost:1/callback?code=c"),
        "/loop" => Reply::see_other("/loop"),
        "/form" => Reply::html(
            r#"<form id=f method=post action=/post><input type=hidden name=k value="あ&b"></form>"#,
        )
        .header("referrer-policy", "no-referrer"),
        _ => Reply::html("end"),
    })
    .await
}

#[tokio::test]
async fn cookies_come_back_until_the_server_ends_them() {
    let (server, browser) = (bank().await, Browser::try_new().unwrap());
    browser.get(server.at("/login")).await.unwrap();
    browser.clone().get(server.at("/end")).await.unwrap();
    assert_eq!(
        server.last().header("cookie"),
        Some("session=one; strict=two")
    );
    browser.get(server.at("/logout")).await.unwrap();
    browser.get(server.at("/end")).await.unwrap();
    assert_eq!(server.last().header("cookie"), Some("strict=two"));
}

#[tokio::test]
async fn a_fork_starts_with_a_copy_and_goes_its_own_way() {
    let (server, browser) = (bank().await, Browser::try_new().unwrap());
    browser.get(server.at("/login")).await.unwrap();
    let fork = browser.fork();
    fork.get(server.at("/logout")).await.unwrap();
    assert_eq!(
        fork.cookies("127.0.0.1"),
        [("strict".to_owned(), "two".to_owned())]
    );
    assert_eq!(browser.cookies("127.0.0.1").len(), 2);
}

#[tokio::test]
async fn strict_cookies_stay_when_another_site_sends_the_browser() {
    let (server, browser) = (bank().await, Browser::try_new().unwrap());
    browser.get(server.at("/login")).await.unwrap();
    let mut elsewhere = browser.get(server.at("/end")).await.unwrap();
    elsewhere.url = Url::parse("http://localhost:8000/").unwrap();
    browser.open(&elsewhere, server.at("/end")).await.unwrap();
    assert_eq!(server.last().header("cookie"), Some("session=one"));
    assert_eq!(server.last().header("sec-fetch-site"), Some("cross-site"));
}

#[tokio::test]
async fn redirects_are_followed_one_hop_at_a_time_and_within_an_origin() {
    let (server, browser) = (bank().await, Browser::try_new().unwrap());
    let page = browser.get(server.at("/hop")).await.unwrap();
    assert_eq!(
        (page.status, page.location()),
        (303, Some(server.at("/hop2")))
    );
    assert_eq!(browser.follow(&page).await.unwrap().url, server.at("/hop2"));
    assert_eq!(
        browser.follow_to_end(page, &server.url).await.unwrap().url,
        server.at("/end")
    );

    let away = browser.get(server.at("/away")).await.unwrap();
    let away = browser.follow_to_end(away, &server.url).await.unwrap();
    assert_eq!(
        away.location().unwrap().as_str(),
        "http://localhost:1/callback?code=c"
    );

    let looping = browser.get(server.at("/loop")).await.unwrap();
    let end = browser.follow_to_end(looping, &server.url).await;
    assert!(matches!(end, Err(BrowserError::RedirectLoop { .. })));

    let page = browser.get(server.at("/end")).await.unwrap();
    assert!(matches!(
        browser.follow(&page).await,
        Err(BrowserError::NoRedirect { .. })
    ));
}

#[tokio::test]
async fn a_form_is_posted_urlencoded_with_every_repeat_and_as_often_as_wanted() {
    let (server, browser) = (bank().await, Browser::try_new().unwrap());
    let page = browser.get(server.at("/form")).await.unwrap();
    let mut form = page.form("#f").unwrap();
    form.repeat("k", "2");
    let twin = form.clone();
    let (first, second) = tokio::join!(form.submit(&browser), twin.submit(&browser));
    assert_eq!((first.unwrap().status, second.unwrap().status), (200, 200));
    let posts: Vec<Request> = server
        .requests()
        .into_iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert_eq!(posts.len(), 2);
    for post in posts {
        let pair = |value: &str| ("k".to_owned(), value.to_owned());
        assert_eq!(post.fields(), [pair("あ&b"), pair("2")]);
        assert_eq!(post.header("origin"), Some("null"));
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_that_names_it() {
    let browser = Browser::try_new().unwrap();
    // Nothing listens on the discard port of the loopback.
    let error = browser.get("http://127.0.0.1:9/").await.unwrap_err();
    assert_eq!(error.to_string(), "no answer from http://127.0.0.1:9/");
    let error = browser.get("no address").await.unwrap_err();
    assert!(matches!(error, BrowserError::Address { .. }));
}
