//! `/linkages/{linkage}/import`: step 7 of the procedure, the start date.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use super::explanation::Explanation;
use super::layout::{Place, Site, page, see_other};
use super::locale::{bank_name, say};
use super::{display, message, visitor};
use crate::access::{LinkageReader, told_apart};
use crate::account_api::{Account, Task};
use crate::application::Services;
use crate::store::{ImportRange, Linkage, LinkageId, RangeError, Session};

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage<'a> {
    site: Site<'a>,
    form_key: &'a str,
    linkage_id: &'a str,
    bank_name: String,
    choice: Choice,
    today: NaiveDate,
    error: Option<&'static str>,
    is_date_wrong: bool,
    accounts: Vec<AvailableAccount>,
    problem: Option<Explanation>,
}

/// What the form shows as chosen.
struct Choice {
    is_all: bool,
    is_from: bool,
    start_date: String,
}

struct AvailableAccount {
    label: String,
    available: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportForm {
    form_key: String,
    #[serde(default)]
    range: String,
    #[serde(default)]
    start_date: String,
}

pub(super) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> HttpResponse {
    let Some((session, linkage)) = find(&request, &services, &path) else {
        return message::missing(&services);
    };
    let choice = Choice::of(linkage.range.unwrap_or(ImportRange::All));
    render(&services, &session, &linkage, choice, None).await
}

pub(super) async fn save(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<String>,
    form: web::Form<ImportForm>,
) -> HttpResponse {
    let Some((session, linkage)) = find(&request, &services, &path) else {
        return message::form_expired(&services);
    };
    if session.form_key() != form.form_key {
        return message::form_expired(&services);
    }
    match ImportRange::parse(&form.range, &form.start_date, services.clock.japan_today()) {
        Ok(range) => {
            session.with(|state| {
                state.change_linkage(&linkage.id, |linkage| linkage.range = Some(range));
            });
            see_other(&format!("/accounts?saved={}", linkage.id.as_str()))
        }
        Err(error) => {
            let choice = Choice::typed(&form.range, &form.start_date);
            render(&services, &session, &linkage, choice, Some(error)).await
        }
    }
}

fn find(request: &HttpRequest, services: &Services, id: &str) -> Option<(Arc<Session>, Linkage)> {
    let session = visitor::find(request, services)?;
    let linkage = session.find_linkage(&LinkageId::from_address(id))?;
    Some((session, linkage))
}

async fn render(
    services: &Services,
    session: &Session,
    linkage: &Linkage,
    choice: Choice,
    error: Option<RangeError>,
) -> HttpResponse {
    let reader = LinkageReader::new(services, session, &linkage.id);
    let (accounts, problem) = match reader.accounts().await {
        Ok(accounts) => (accounts, None),
        Err(error) => {
            let reason = told_apart(error, linkage, services);
            let now = services.clock.now();
            (
                linkage.accounts.clone(),
                Some(Explanation::of_reason(reason, now)),
            )
        }
    };
    let limit = linkage.limits.history_from;
    let template = ImportPage {
        site: Site::new(&services.settings, Place::Elsewhere),
        form_key: session.form_key(),
        linkage_id: linkage.id.as_str(),
        bank_name: bank_name(&linkage.bank),
        choice,
        today: services.clock.japan_today(),
        error: error.map(explain),
        is_date_wrong: error.is_some_and(|error| error != RangeError::NotChosen),
        accounts: accounts
            .iter()
            .map(|account| AvailableAccount::new(account, limit))
            .collect(),
        problem,
    };
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page(status, &template)
}

fn explain(error: RangeError) -> &'static str {
    match error {
        RangeError::NotChosen => say(
            "取り込む範囲を選択してください。",
            "Select the range to import.",
        ),
        RangeError::NoDate => say("開始日を入力してください。", "Enter the start date."),
        RangeError::NotADate => say(
            "開始日は、2026-04-01 のように正しい日付で入力してください。",
            "Enter the start date as a valid date, such as 2026-04-01.",
        ),
        RangeError::Future => say(
            "開始日に未来の日付は指定できません。今日（日本時間）以前の日付を入力してください。",
            "The start date can't be in the future. Enter today (Japan time) or an earlier day.",
        ),
        RangeError::TooEarly => say(
            "開始日は、2000年1月1日以降の日付を入力してください。",
            "Enter a start date from January 1, 2000 on.",
        ),
    }
}

impl Choice {
    fn of(range: ImportRange) -> Self {
        match range {
            ImportRange::All => Self {
                is_all: true,
                is_from: false,
                start_date: String::new(),
            },
            ImportRange::From(start) => Self {
                is_all: false,
                is_from: true,
                start_date: start.to_string(),
            },
        }
    }

    /// What was typed comes back, as far as a date field can show it.
    fn typed(range: &str, start_date: &str) -> Self {
        let start_date = start_date.chars().take(10).collect();
        Self {
            is_all: range == "all",
            is_from: range == "from",
            start_date,
        }
    }
}

impl AvailableAccount {
    fn new(account: &Account, limit: Option<NaiveDate>) -> Self {
        let available = match account.find_task(Task::Transactions) {
            None if account.is_unavailable() => say(
                "金融機関からデータを取得できません",
                "The bank gives no data",
            )
            .to_owned(),
            None => say(
                "入出金明細は連携の対象外です",
                "Transactions are not part of the linkage",
            )
            .to_owned(),
            Some(task) => match task.available_from.max(limit) {
                Some(first) => display::from(first),
                None => say("開始日は金融機関が決めます", "The bank sets the first day").to_owned(),
            },
        };
        Self {
            label: account.label(),
            available,
        }
    }
}
