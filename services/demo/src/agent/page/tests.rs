use super::*;

fn page(html: &str) -> Page {
    let url = Url::parse("http://127.0.0.1:8080/2963/journeys/1/accounts").unwrap();
    Page {
        url,
        status: 200,
        headers: HeaderMap::new(),
        html: html.to_owned(),
    }
}

const ACCOUNTS: &str = r#"
<main data-error="expired"><h1 id="title"> API連携認証
  （口座選択） </h1>
<table id="accounts"><thead><tr><th>登録状況</th><th>照会口座</th></tr></thead>
<tbody>
<tr data-account="r1"><td><label><input type="checkbox" name="account" value="r1" checked>
  登録済み<span>*</span><span class="visually-hidden">選択</span></label></td>
  <td>豊後支店(490)
  普通&nbsp;1000014<p hidden>x</p></td></tr>
<tr data-account="r2"><td><input type="checkbox" name="account" value="r2"> 未登録</td>
  <td><p>a</p><p>b</p></td></tr>
<tr><th scope="row">-</th><td><input type="password" name="pin-r2" value="1"></td></tr>
</tbody></table></main>"#;

#[test]
fn title_and_error_code_are_read() {
    let page = page(ACCOUNTS);
    assert_eq!(page.title().as_deref(), Some("API連携認証 （口座選択）"));
    assert_eq!(page.error_code().as_deref(), Some("expired"));
    assert_eq!(page.text("#nothing"), None);
}

#[test]
fn a_table_reads_as_a_reader_sees_it() {
    let expected = [
        ["登録済み*", "豊後支店(490) 普通 1000014"],
        ["未登録", "a b"],
        ["-", ""],
    ];
    assert_eq!(page(ACCOUNTS).table("#accounts"), expected);
    assert_eq!(
        page(ACCOUNTS).table_head("#accounts"),
        ["登録状況", "照会口座"]
    );
}

#[test]
fn the_boxes_of_a_table_are_told_apart() {
    let rows = page(ACCOUNTS).rows("table#accounts");
    let ticks: Vec<Tick> = rows.iter().map(|row| row.tick).collect();
    assert_eq!(ticks, [Tick::Ticked, Tick::Unticked, Tick::Absent]);
    assert_eq!(rows[1].account.as_deref(), Some("r2"));
    assert_eq!(rows[1].value.as_deref(), Some("r2"));
}

#[test]
fn links_and_refreshes_resolve_against_the_page() {
    let page = page(
        r#"<meta http-equiv="Refresh" content="0; URL='http://localhost:8000/callback?code=1&amp;state=2'">
        <a id="retry" href="../1/tasks">戻る</a>"#,
    );
    assert_eq!(
        page.link("#retry").unwrap().path(),
        "/2963/journeys/1/tasks"
    );
    let refresh = page.refresh().unwrap();
    assert_eq!(refresh.after_s, 0);
    assert_eq!(
        refresh.url.as_str(),
        "http://localhost:8000/callback?code=1&state=2"
    );
}

#[test]
fn a_form_that_is_not_there_is_named_with_what_was_seen() {
    let error = page(ACCOUNTS).form("form#tasks-form").unwrap_err();
    assert!(error.to_string().contains("form#tasks-form"), "{error}");
    assert!(error.to_string().contains("expired"), "{error}");
}
