use reqwest::header::HeaderMap;

use super::*;

const FORM: &str = r#"
<form id="f" method="post" action="accounts?x=1">
 <input type="hidden" name="form_key" value="k1">
 <input name="login_id" value="old"> <input type="password" name="password">
 <input type="checkbox" name="task" value="balance" checked>
 <input type="checkbox" name="task" value="transactions">
 <input type="checkbox" name="agree">
 <input type="radio" name="range" value="all" checked> <input type="radio" name="range" value="from">
 <select name="s"><option value="1">a<option selected value="2">b</select>
 <textarea name="t">text</textarea>
 <input name="off" value="1" disabled> <fieldset disabled><input name="off2"></fieldset>
 <input name="other" form="g"> <input value="no name">
 <button id="next" name="go" value="on"> 次へ </button>
 <button id="back" formaction="tasks">戻る</button>
</form>
<input name="late" value="1" form="f"><form id="g"></form>"#;

fn form() -> Form {
    let url = Url::parse("http://127.0.0.1:8080/2963/journeys/1/tasks").unwrap();
    let page = Page {
        url,
        status: 200,
        headers: HeaderMap::new(),
        html: FORM.to_owned(),
    };
    page.form("form#f").unwrap()
}

fn text(form: &Form) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form.fields())
        .finish()
}

#[test]
fn a_form_comes_filled_with_what_a_browser_would_send() {
    let expected = "form_key=k1&login_id=old&password=&task=balance&range=all&s=2&t=text&late=1";
    assert_eq!(text(&form()), expected);
    assert_eq!(
        form().action().as_str(),
        "http://127.0.0.1:8080/2963/journeys/1/accounts?x=1"
    );
}

#[test]
fn values_boxes_and_radio_buttons_change() {
    let mut form = form();
    form.set("login_id", "dantai01")
        .check("task", "transactions")
        .uncheck("task", "balance");
    form.check("range", "from")
        .check("agree", "on")
        .remove("t")
        .remove("s")
        .set("extra", "1");
    let expected = "form_key=k1&login_id=dantai01&password=&task=transactions&agree=on\
                    &range=from&late=1&extra=1";
    assert_eq!(text(&form), expected);
}

#[test]
fn a_forged_choice_and_a_repeat_are_sent_too() {
    let mut form = form();
    form.check("task", "transfer")
        .repeat("form_key", "k2")
        .set("range", "none");
    let sent = text(&form);
    for part in ["task=transfer", "form_key=k1", "form_key=k2", "range=none"] {
        assert!(sent.contains(part), "{sent}");
    }
    assert!(!sent.contains("range=all"), "{sent}");
}

#[test]
fn choices_tell_what_is_offered() {
    let choice = |value: &str, chosen| Choice {
        value: value.to_owned(),
        chosen,
    };
    let expected = [choice("balance", true), choice("transactions", false)];
    assert_eq!(form().choices("task"), expected);
    assert!(form().has("login_id") && !form().has("off"));
}

#[test]
fn the_pressed_button_goes_along_and_may_lead_elsewhere() {
    let mut next = form();
    next.press("next").unwrap();
    assert!(text(&next).ends_with("&go=on"));
    assert_eq!(next.button("next"), Some("次へ"));
    let mut back = form();
    assert!(
        back.press("back")
            .unwrap()
            .action()
            .path()
            .ends_with("/tasks")
    );
    assert!(form().press("missing").is_err());
}

#[test]
fn debug_output_holds_no_value() {
    let mut form = form();
    form.set("password", "Rokin2026");
    assert!(!format!("{form:?}").contains("Rokin2026"));
}
