//! `/linkages/{linkage}/status`: what the bank says of a linkage now, and the button that ends it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::layout::{Place, Site, page, see_other};
use super::locale::{bank_name, say};
use super::{display, message, visitor};
use crate::application::Services;
use crate::oauth::grant_management::{GrantNow, GrantStatus, Reads, Told};
use crate::own_grants;
use crate::store::{Linkage, LinkageId, Session};

#[derive(Template)]
#[template(path = "bank_status.html")]
struct StatusPage<'a> {
    site: Site<'a>,
    form_key: &'a str,
    linkage_id: &'a str,
    bank_name: String,
    /// For programs.
    code: &'static str,
    headline: &'static str,
    text: &'static str,
    valid_until: Option<String>,
    rows: Vec<Row>,
    can_be_ended: bool,
    error: Option<&'static str>,
}

/// What was read of an account.
struct Row {
    account: String,
    task: &'static str,
    last_read_at: String,
    last_served: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndForm {
    form_key: String,
    #[serde(default)]
    agree: String,
}

pub(super) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> HttpResponse {
    match find(&request, &services, &path) {
        Some((session, linkage)) => render(&services, &session, &linkage, None).await,
        None => message::missing(&services),
    }
}

pub(super) async fn end(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<String>,
    form: web::Form<EndForm>,
) -> HttpResponse {
    let found =
        find(&request, &services, &path).filter(|(session, _)| session.form_key() == form.form_key);
    let Some((session, linkage)) = found else {
        return message::form_expired(&services);
    };
    if form.agree != "yes" {
        let error = say(
            "終了するには、「連携を終了する」にチェックを入れてください。",
            "To end the linkage, tick “End the linkage”.",
        );
        let refused = (StatusCode::UNPROCESSABLE_ENTITY, error);
        return render(&services, &session, &linkage, Some(refused)).await;
    }
    match own_grants::end(&services, &linkage).await {
        Ok(()) => see_other(&format!("/linkages/{}/status", linkage.id.as_str())),
        Err(error) => {
            tracing::warn!(bank = %linkage.bank.code, %error, "a linkage could not be ended");
            let error = say(
                "連携を終了できませんでした。時間をおいて、もう一度お試しください。",
                "The linkage could not be ended. Please try again later.",
            );
            let failed = (StatusCode::BAD_GATEWAY, error);
            render(&services, &session, &linkage, Some(failed)).await
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
    error: Option<(StatusCode, &'static str)>,
) -> HttpResponse {
    let now = match own_grants::ask(services, linkage).await {
        Ok(Told::Known(now)) => Ok(Some(now)),
        Ok(Told::Unknown) => Ok(None),
        Err(error) => {
            tracing::warn!(bank = %linkage.bank.code, %error, "the bank says nothing of a linkage");
            Err(error)
        }
    };
    let (code, headline, text) = match &now {
        Ok(Some(now)) => explain(now),
        Ok(None) => unknown(),
        Err(_) => unanswered(),
    };
    let now = now.ok().flatten();
    let template = StatusPage {
        site: Site::new(&services.settings, Place::Elsewhere),
        form_key: session.form_key(),
        linkage_id: linkage.id.as_str(),
        bank_name: bank_name(&linkage.bank),
        code,
        headline,
        text,
        valid_until: now
            .iter()
            .flat_map(|now| &now.authorization_details)
            .find_map(|allowed| allowed.valid_until)
            .map(display::last_minute),
        rows: now
            .iter()
            .flat_map(|now| &now.reads)
            .filter_map(|reads| Row::new(linkage, reads))
            .collect(),
        can_be_ended: now
            .is_some_and(|now| matches!(now.status, GrantStatus::Active | GrantStatus::Suspended)),
        error: error.map(|(_, text)| text),
    };
    page(
        error.map_or(StatusCode::OK, |(status, _)| status),
        &template,
    )
}

impl Row {
    /// None of what belongs to no account.
    fn new(linkage: &Linkage, reads: &Reads) -> Option<Self> {
        let id = reads.account_id.as_ref()?;
        let account = linkage
            .accounts
            .iter()
            .find(|account| &account.account_id == id);
        Some(Self {
            account: account.map_or_else(
                || say("口座", "Account").to_owned(),
                crate::account_api::Account::label,
            ),
            task: match reads.task.as_str() {
                "balance" => say("残高照会", "Balances"),
                "transactions" => say("入出金明細照会", "Transactions"),
                _ => return None,
            },
            last_read_at: display::time(reads.last_read_at),
            last_served: reads.last_served_date.map(display::date),
        })
    }
}

/// A word for programs, a headline, and what it means.
type Words = (&'static str, &'static str, &'static str);

fn explain(now: &GrantNow) -> Words {
    let needs_authorization = now
        .causes
        .iter()
        .any(|cause| cause == "authorization_needed");
    match (now.status, now.revoked_by.as_deref()) {
        (GrantStatus::Active, _) => (
            "active",
            say("連携は有効です", "The linkage is in force"),
            say(
                "残高と明細を取り込めます。",
                "Balances and transactions can be brought in.",
            ),
        ),
        (GrantStatus::Suspended, _) if needs_authorization => (
            "suspended",
            say("もう一度許可が必要です", "It has to be allowed anew"),
            say(
                "金融機関で改めて許可されるまで、取り込みを休んでいます。「口座連携」からお手続きください。",
                "Nothing is brought in until it is allowed anew at the bank. Please use “Link a bank”.",
            ),
        ),
        (GrantStatus::Suspended, _) => (
            "suspended",
            say("連携が一時的に止められています", "The linkage is paused"),
            say(
                "再開されると、手続きなしで続きから取り込みます。",
                "It goes on by itself when the pause ends.",
            ),
        ),
        (GrantStatus::Expired, _) => (
            "expired",
            say("連携の有効期限が切れました", "The linkage's time is over"),
            again(),
        ),
        (GrantStatus::Revoked, Some("partner")) => (
            "revoked",
            say(
                "当サービスから連携を終了しました",
                "The linkage was ended from here",
            ),
            say(
                "金融機関でも連携は終了しています。新しいデータは取り込みません。",
                "It has ended at the bank, too. No new data is brought in.",
            ),
        ),
        (GrantStatus::Revoked, Some("customer")) => (
            "revoked",
            say("お客様の操作で連携が終了しました", "You ended the linkage"),
            again(),
        ),
        (GrantStatus::Revoked, _) => (
            "revoked",
            say("連携が終了しました", "The linkage has ended"),
            again(),
        ),
        (GrantStatus::Superseded, _) => (
            "superseded",
            say(
                "新しい連携に切り替わりました",
                "A newer linkage has taken its place",
            ),
            say(
                "この連携での取り込みは終わりました。新しい連携で続けます。",
                "Nothing more is read by this one; the newer one goes on.",
            ),
        ),
        (GrantStatus::Other, _) => unanswered(),
    }
}

fn again() -> &'static str {
    say(
        "新しいデータは取り込みません。続けて利用する場合は、「口座連携」からもう一度連携してください。",
        "No new data is brought in. To go on, link again under “Link a bank”.",
    )
}

fn unknown() -> Words {
    (
        "unknown",
        say(
            "金融機関にこの連携の記録がありません",
            "The bank has no record of this linkage",
        ),
        again(),
    )
}

fn unanswered() -> Words {
    (
        "unanswered",
        say(
            "金融機関での状況を確認できませんでした",
            "How it stands at the bank could not be found out",
        ),
        say(
            "時間をおいて、もう一度お試しください。連携そのものに影響はありません。",
            "Please try again later. The linkage itself is not affected.",
        ),
    )
}
