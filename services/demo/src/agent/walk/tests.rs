use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::*;
use crate::agent::fake_server::{FakeServer, Reply, Request};
use crate::agent::partner::{Registration, generate_key};
use crate::agent::seed_example;

/// A bank that shows the example's screens and takes whatever is sent; account-api and the
/// authorization server are the same address.
async fn bank() -> FakeServer {
    let base: Arc<OnceLock<Url>> = Arc::default();
    let own = Arc::clone(&base);
    let server =
        FakeServer::start(move |request: &Request| answer(own.get().unwrap(), request)).await;
    base.set(server.url.clone()).unwrap();
    server
}

fn screen(title: &str, form: &str, button: &str, content: &str) -> Reply {
    Reply::html(format!(
        "<main><h1 id=title>{title}</h1><form id={form}-form method=post>{content}\
         <input type=hidden name=form_key value=k><button id={button}>x</button></form></main>"
    ))
}

fn answer(base: &Url, request: &Request) -> Reply {
    let at = |path: &str| base.join(path).unwrap().to_string();
    let post = request.method == "POST";
    match request.url.path() {
        "/.well-known/oauth-authorization-server/2963" => Reply::json(
            200,
            &json!({
                "issuer": at("2963"), "authorization_endpoint": at("2963/authorize"),
                "pushed_authorization_request_endpoint": at("2963/par"),
                "token_endpoint": at("2963/token"), "jwks_uri": at("2963/jwks"),
            }),
        ),
        "/2963/par" => {
            let state = request.field("state").unwrap();
            let body = json!({"request_uri": format!("urn:{state}"), "expires_in": 60});
            Reply::json(201, &body)
        }
        "/2963/authorize" => {
            let (_, uri) = request
                .url
                .query_pairs()
                .find(|(key, _)| key == "request_uri")
                .unwrap();
            let cookie = format!("state={}; Path=/2963", uri.trim_start_matches("urn:"));
            Reply::see_other("/2963/login").header("set-cookie", &cookie)
        }
        "/2963/login" if post && request.field("password").as_deref() != Some("Rokin2026") => {
            Reply::new(
                422,
                "<main data-error=login_rejected><h1 id=title>利用登録</h1>違います</main>",
            )
        }
        "/2963/login" if post => Reply::see_other("/2963/tasks"),
        "/2963/login" => screen(
            "API連携認証（利用登録）",
            "login",
            "login-submit",
            "<input name=login_id><input type=password name=password>",
        ),
        "/2963/tasks" if post => Reply::see_other("/2963/accounts"),
        "/2963/tasks" => screen(
            "API連携認証（認可業務選択）",
            "tasks",
            "tasks-submit",
            "<input type=checkbox name=task value=balance><input type=checkbox name=task value=transactions>",
        ),
        "/2963/accounts" if post => Reply::see_other("/2963/confirm"),
        "/2963/accounts" => {
            let rows = seed_example::selection().map(|row| offered(&row)).concat();
            screen(
                "API連携認証（口座選択）",
                "accounts",
                "accounts-submit",
                &table(&rows),
            )
        }
        "/2963/confirm" if post => Reply::see_other("/2963/agree"),
        "/2963/confirm" => {
            let rows = seed_example::confirmation().map(|row| {
                let AccountRow {
                    status,
                    account,
                    memo,
                    pin,
                    ..
                } = row;
                format!("<tr><td>{status}</td><td>{account}</td><td>{memo}</td><td>{pin}</td></tr>")
            });
            screen(
                "API連携認証（登録口座確認）",
                "confirm",
                "confirm-submit",
                &table(&rows.concat()),
            )
        }
        "/2963/agree" if post => Reply::see_other("/2963/done"),
        "/2963/agree" => screen(
            "API連携認証（情報アクセス認可）",
            "authorize",
            "authorize-submit",
            "<input type=checkbox name=agree value=yes>",
        ),
        "/2963/done" => {
            let state = request
                .header("cookie")
                .unwrap()
                .trim_start_matches("state=")
                .to_owned();
            let partner = format!("http://localhost:{}", partner_port(base));
            let url = format!("{partner}/callback?code=c&state={state}&iss={}", at("2963"));
            Reply::html(format!(
                "<h1 id=title>団体IBは終了しました</h1><a id=continue href='{url}'>こちら</a>"
            ))
            .header("refresh", &format!("0; url={url}"))
        }
        "/banks" => Reply::html(
            "<h1 id=title>金融機関と口座連携</h1><ul><li data-bank=2963><form method=post action=/link>\
             <button id=link-2963-submit name=action value=default>x</button></form></ul>",
        ),
        "/link" => Reply::see_other(&at("2963/authorize?request_uri=urn:s")),
        "/callback" => Reply::see_other("/import"),
        "/import" if post => Reply::see_other("/accounts"),
        "/import" => screen("金融機関と口座連携", "import", "import-submit", ""),
        "/accounts" => Reply::html(
            "<table id=linked-accounts><thead><tr><th>口座<th>残高</thead><tbody>\
             <tr><th colspan=2>中央労働金庫</tr>\
             <tr data-account=a1><th>普通 5000000<td><a href=/a1>1,234円</a></tr>\
             <tr data-account=a2><th>普通 1000014<td>5円</tr></tbody></table>",
        ),
        "/" => Reply::html("<a href=/linkages/l1/status>x</a>"),
        "/linkages/l1/status" => Reply::html(
            "<section id=bank-status data-status=active></section>\
             <table id=reads><tbody><tr><td>普通 5000000</tr></tbody></table>",
        ),
        "/a1" => Reply::html(
            "<table id=transactions><thead><tr><th>取引日</thead><tbody><tr><td>2026-03-31</table>",
        ),
        "/2963/token" => Reply::json(
            200,
            &json!({
                "access_token": "t", "token_type": "Bearer", "expires_in": 600,
                "authorization_details": [{"type": "account_information", "accounts": [
                    {"account_id": "a1", "tasks": ["balance", "transactions"]},
                    {"account_id": "a2", "tasks": ["balance"]},
                ]}],
            }),
        ),
        "/v1/accounts" => Reply::json(
            200,
            &json!({"accounts": [{
                "account_id": "a1", "branch_code": "000", "branch_name": "インターネット支店",
                "account_type_name": "普通", "account_number": "5000000",
            }]}),
        ),
        path if path.ends_with("/balance") => Reply::json(
            200,
            &json!({
                "balance": {"amount": 1_234_567, "currency": "JPY"},
                "as_of": "2026-04-01T09:00:00+09:00",
            }),
        ),
        "/v1/accounts/a1/transactions" => Reply::json(
            200,
            &json!({"from": "2026-03-01", "to": "2026-04-01", "transactions": [{
                "transaction_date": "2026-03-31", "deposit_amount": null,
                "withdrawal_amount": 880, "balance_after": 1_234_567, "remarks": "振込手数料",
            }]}),
        ),
        _ => Reply::new(404, ""),
    }
}

/// The sample partner is the same server by its other name, so that its cookies are its own.
fn partner_port(base: &Url) -> u16 {
    base.port().unwrap()
}

fn partner_app(server: &FakeServer) -> Url {
    Url::parse(&format!("http://localhost:{}/", partner_port(&server.url))).unwrap()
}

fn table(rows: &str) -> String {
    format!("<table id=accounts><tbody>{rows}</tbody></table>")
}

fn offered(row: &AccountRow) -> String {
    let AccountRow {
        status,
        account,
        memo,
        ..
    } = row;
    let checked = if status.ends_with('*') { "checked" } else { "" };
    let reference = account.chars().rev().take(7).collect::<String>();
    format!(
        "<tr data-account={reference}><td><input type=checkbox name=account value={reference} \
         {checked}> {status}</td><td>{account}</td><td>{memo}</td>\
         <td><input type=password name=pin-{reference}></td></tr>"
    )
}

fn example(server: &FakeServer) -> Walk {
    let key = generate_key().unwrap();
    Walk {
        browser: Browser::try_new().unwrap(),
        partner: PartnerClient::try_new(Registration {
            client_id: "sample".to_owned(),
            private_key_pem: key.private_key_pem,
            kid: key.kid,
            redirect_uri: partner_app(server).join("callback").unwrap(),
            issuer: server.at("/2963"),
        })
        .unwrap(),
        request: ParRequest::for_both_tasks(),
        choices: seed_example::choices(),
        account_api: Some(server.url.clone()),
    }
}

#[tokio::test]
async fn a_bank_that_shows_the_example_passes_its_check() {
    let server = bank().await;
    let story = walk(&example(&server)).await.unwrap();
    assert_eq!(seed_example::check(&story), []);
    assert_eq!(story.tokens().unwrap().account_ids(), ["a1", "a2"]);
    let Received::Tokens {
        reading: Some(reading),
        ..
    } = &story.received
    else {
        panic!()
    };
    assert!(reading.each[0].transactions.is_some() && reading.each[1].transactions.is_none());

    let posts = server.requests();
    let sent = posts
        .iter()
        .find(|request| request.field("account").is_some())
        .unwrap();
    let accounts: Vec<String> = sent
        .fields()
        .into_iter()
        .filter(|(name, _)| name == "account")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(accounts, ["0000005", "1111111", "4100001"]);
    assert_eq!(
        sent.field("pin-9999999").as_deref(),
        Some(seed_example::UNSENT_PIN)
    );
    assert_eq!(
        sent.field("pin-1111111").as_deref(),
        Some(seed_example::WRONG_PIN)
    );
}

#[tokio::test]
async fn the_sample_partners_pages_stand_at_both_ends() {
    let server = bank().await;
    let steps = PartnerAppWalk {
        browser: Browser::try_new().unwrap(),
        partner_app_url: partner_app(&server),
        bank_code: seed_example::BANK_CODE.to_owned(),
        choices: seed_example::choices(),
    };
    let story = walk_through_partner_app(&steps).await.unwrap();
    assert_eq!(seed_example::check(&story), []);
    let Received::PartnerApp(view) = &story.received else {
        panic!()
    };
    assert_eq!(
        view.accounts.rows,
        [["普通 5000000", "1,234円"], ["普通 1000014", "5円"]]
    );
    assert_eq!(view.transactions.len(), 1);
    assert_eq!(view.transactions[0].0, "普通 5000000");
    assert_eq!(view.transactions[0].1.rows, [["2026-03-31"]]);
    assert_eq!(story.screens.last().unwrap().step, Step::Receive);
}

#[tokio::test]
async fn the_story_prints_titles_and_both_tables() {
    let server = bank().await;
    let story = walk(&example(&server)).await.unwrap();
    let mut out = Vec::new();
    seed_example::print_story(&mut out, &story).unwrap();
    let text = String::from_utf8(out).unwrap();
    for line in [
        "手順4  API連携認証（口座選択）",
        "    [x] 登録済み*  豊後支店(490) 普通 1000014            口座メモ5678901234567890  ●●●●",
        "    未登録     インターネット支店(000) 普通 1111111  -                         -",
        "  インターネット支店(000) 普通 5000000",
        "    残高 1,234,567円（2026-04-01T09:00:00+09:00）",
        "    2026-03-31  振込手数料 ",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
    assert!(!text.contains(seed_example::PIN) && !text.contains(seed_example::PASSWORD));
}

#[tokio::test]
async fn a_difference_is_told_with_its_place() {
    let server = bank().await;
    let mut story = walk(&example(&server)).await.unwrap();
    story.confirmation[1].status = "登録済み".to_owned();
    story.confirmation.pop();
    let places: Vec<String> = seed_example::check(&story)
        .into_iter()
        .map(|mismatch| mismatch.place)
        .collect();
    assert_eq!(
        places,
        [
            "step 5 (登録口座確認), row 2",
            "step 5 (登録口座確認), row 4"
        ]
    );
}

#[tokio::test]
async fn a_walk_that_fails_names_the_step_and_what_it_saw() {
    let server = bank().await;
    let mut wrong = example(&server);
    wrong.choices.credentials.password = "wrong1".to_owned();
    let error = walk(&wrong).await.unwrap_err();
    assert_eq!(
        error.seen().unwrap().error_code.as_deref(),
        Some("login_rejected")
    );
    let text = error.to_string();
    assert!(
        text.starts_with("step 2 (利用登録): expected step 3"),
        "{text}"
    );
    assert!(!text.contains("wrong1"), "{text}");

    let mut wrong = example(&server);
    wrong.choices.rows[0].account = "本店(001) 普通 1".to_owned();
    let error = walk(&wrong).await.unwrap_err();
    assert!(
        error.to_string().contains("the row 「本店(001) 普通 1」"),
        "{error}"
    );
}
