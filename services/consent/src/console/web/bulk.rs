//! Bulk revocations.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{Days, NaiveDate};
use consent_domain::{
    AccountId, ContractId, PartnerId,
    consent::{RevocationReason, RevokedBy},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    cursor,
    names_at_bank::partners,
    refused::Refused,
    visit::{ROWS, Sent, frame_at, locale, next_url, see_other, show as show_page},
};
use crate::{
    app::App,
    bulk_revocation::{self, BulkError, BulkRevocation, Filter, Request, Step},
    console::{
        act_page::REVOCATION_REASONS,
        block::Tone,
        bulk_page::{BulkListView, BulkProblem, BulkStep, BulkView, NewBulkView, TypedBulk},
        entry_pages::Stop,
        names,
        page::{Section, section_path},
        words,
    },
    operator::{Act, Acts, AtBank, Console, Outcome, Reads, Subject, form_key},
    pages::Locale,
};

/// Consents that a preview shows.
const SAMPLE: i64 = 10;
const NEW: &str = "new_bulk";

impl From<BulkError> for Refused {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Unknown | BulkError::UnknownBank => Self::NOT_FOUND,
            error => Self::unavailable(&error),
        }
    }
}

pub(super) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let act = Act::on(
        "read_bulk_revocations",
        Subject::of_kind("bulk_revocations"),
    );
    at.record_read(&app.pool, act).await?;
    let before = cursor::read(sent.find("cursor"))
        .and_then(|(at, id)| Some((at, Uuid::parse_str(&id).ok()?)));
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut bulks = bulk_revocation::list(&app.pool, &at.bank, before, limit).await?;
    let next = cursor::cut(&mut bulks, ROWS, |last| {
        cursor::write(last.requested_at, &last.bulk_id.to_string())
    });
    let view = BulkListView {
        bulks,
        next: next.map(|next| next_url(&request, &next)),
        role: at.role,
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Revocations).await?;
    show_page(&view.page(frame))
}

pub(super) async fn show_new(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
) -> Result<HttpResponse, Refused> {
    new_page(&app, &request, &at, TypedBulk::default()).await
}

async fn new_page(
    app: &App,
    request: &HttpRequest,
    at: &Console<Acts>,
    typed: TypedBulk,
) -> Result<HttpResponse, Refused> {
    let view = NewBulkView {
        partners: partners(&app.pool, &at.bank).await?,
        form_key: form_key::mint(app, &at.cookie, NEW),
        typed,
    };
    let frame = frame_at(app, request, at, &at.cookie, Section::Revocations).await?;
    show_page(&view.page(frame))
}

pub(super) async fn submit_new(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_pairs(form.into_inner());
    let nonce = sent.key(&app, &at.cookie, NEW)?;
    let (filter, reason) = match wanted(&sent) {
        Ok(wanted) => wanted,
        Err(problem) => {
            let typed = TypedBulk {
                problem: Some(problem),
                ..typed(&sent)
            };
            return new_page(&app, &request, &at, typed).await;
        }
    };
    let act = Act {
        code: "request_bulk_revocation",
        subject: Subject::of_kind("bulk_revocation"),
        detail: json!({ "filter": filter, "reason": reason.as_str() }),
    };
    let begun = at.begin(&app.pool, act).await?;
    let asked = Request {
        bank: at.bank.clone(),
        filter,
        reason,
        by: RevokedBy::Bank,
        operator: at.who.operator.id.to_string(),
        key: format!("console:{nonce}"),
    };
    let requested = bulk_revocation::request(&app.pool, &asked).await;
    let (outcome, detail) = match &requested {
        Ok(bulk) => (Outcome::Done, json!({ "bulk_id": bulk.bulk_id })),
        Err(error) => (outcome_of(error), json!({ "error": error.to_string() })),
    };
    begun.end(&app.pool, outcome, detail).await?;
    Ok(see_other(&address(&at, requested?.bulk_id)))
}

fn address(at: &AtBank, id: Uuid) -> String {
    format!(
        "{}/bulk/{id}",
        section_path(at.bank.as_str(), Section::Revocations)
    )
}

fn outcome_of(error: &BulkError) -> Outcome {
    match error {
        BulkError::Store(_) => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

fn typed(sent: &Sent) -> TypedBulk {
    let of = |name: &str| sent.find(name).map(str::to_owned);
    TypedBulk {
        partner: of("partner"),
        contract: of("contract"),
        account: of("account"),
        began_from: of("began_from"),
        began_to: of("began_to"),
        reason: of("reason"),
        problem: None,
    }
}

fn wanted(sent: &Sent) -> Result<(Filter, RevocationReason), BulkProblem> {
    let filter = filter(sent).ok_or(BulkProblem::Filter)?;
    if filter.is_empty() {
        return Err(BulkProblem::EmptyFilter);
    }
    let reason = sent
        .find("reason")
        .and_then(RevocationReason::find)
        .filter(|reason| REVOCATION_REASONS.contains(reason));
    Ok((filter, reason.ok_or(BulkProblem::Reason)?))
}

/// `None` where something was typed that can't be read: it must not widen the filter.
fn filter(sent: &Sent) -> Option<Filter> {
    fn of<T>(typed: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        match typed {
            None => Some(None),
            Some(text) => parse(text).map(Some),
        }
    }
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    Some(Filter {
        partner: of(sent.find("partner"), |id| PartnerId::parse(id).ok())?,
        contract: of(sent.find("contract"), |id| ContractId::parse(id).ok())?,
        account: of(sent.find("account"), |id| AccountId::parse(id).ok())?,
        began_from: of(sent.find("began_from"), |text| {
            names::start_of_day(day(text)?)
        })?,
        began_before: of(sent.find("began_to"), |text| {
            names::start_of_day(day(text)?.checked_add_days(Days::new(1))?)
        })?,
        ..Filter::default()
    })
}

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
    path: web::Path<(String, Uuid)>,
) -> Result<HttpResponse, Refused> {
    let id = path.1;
    let act = Act::on(
        "read_bulk_revocation",
        Subject::new("bulk_revocation", id.to_string()),
    );
    at.record_read(&app.pool, act).await?;
    let bulk = bulk_revocation::get(&app.pool, &at.bank, id).await?;
    let sent = Sent::of_query(&request);
    let view = BulkView {
        totals: bulk_revocation::totals(&app.pool, &at.bank, id).await?,
        sample: bulk_revocation::sample(&app.pool, &at.bank, id, SAMPLE).await?,
        acts: bulk_revocation::acts(&app.pool, &at.bank, id).await?,
        partners: partners(&app.pool, &at.bank).await?,
        operator: at.who.operator.id.to_string(),
        role: at.role,
        form_keys: BulkStep::ALL
            .into_iter()
            .map(|step| (step, form_key::mint(&app, &at.cookie, &form_of(step, id))))
            .collect(),
        said: sent
            .find("m")
            .and_then(|code| said(locale(&app, &request), code)),
        bulk,
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Revocations).await?;
    show_page(&view.page(frame))
}

/// The name of a step's form.
fn form_of(step: BulkStep, id: Uuid) -> String {
    format!("bulk {} {id}", step.path())
}

fn said(locale: Locale, code: &str) -> Option<(String, Tone)> {
    let w = words::of(locale);
    let (text, tone) = match code {
        "done" => (w.done, Tone::Good),
        "own" => (w.bulk_own, Tone::Bad),
        "stale" => (w.refused_stale, Tone::Caution),
        _ => return None,
    };
    Some((text.to_owned(), tone))
}

pub(super) async fn submit_step(
    app: web::Data<App>,
    at: Console<Acts>,
    path: web::Path<(String, Uuid, String)>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let id = path.1;
    let step = BulkStep::find(&path.2).ok_or(Refused::NOT_FOUND)?;
    let sent = Sent::of_pairs(form.into_inner());
    sent.key(&app, &at.cookie, &form_of(step, id))?;
    let act = Act::on(code(step), Subject::new("bulk_revocation", id.to_string()));
    let begun = at.begin(&app.pool, act).await?;
    let step = match step {
        BulkStep::Approve => Step::Approve {
            digest: sent.find("digest").unwrap_or_default().to_owned(),
        },
        BulkStep::Start => Step::Start,
        BulkStep::Pause => Step::Pause,
        BulkStep::Resume => Step::Resume,
        BulkStep::Cancel => Step::Cancel,
    };
    let operator = at.who.operator.id.as_str();
    let taken = bulk_revocation::take(&app.pool, &at.bank, id, operator, &step).await;
    let outcome = taken.as_ref().map_or_else(outcome_of, |_| Outcome::Done);
    begun.end(&app.pool, outcome, json!({})).await?;
    let code = came(taken)?;
    Ok(see_other(&format!("{}?m={code}", address(&at, id))))
}

fn code(step: BulkStep) -> &'static str {
    match step {
        BulkStep::Approve => "approve_bulk_revocation",
        BulkStep::Start => "start_bulk_revocation",
        BulkStep::Pause => "pause_bulk_revocation",
        BulkStep::Resume => "resume_bulk_revocation",
        BulkStep::Cancel => "cancel_bulk_revocation",
    }
}

/// The word that the page says about a step.
fn came(taken: Result<BulkRevocation, BulkError>) -> Result<&'static str, Refused> {
    match taken {
        Ok(_) => Ok("done"),
        Err(BulkError::SamePerson) => Ok("own"),
        Err(
            BulkError::WrongState(_)
            | BulkError::NeedsApproval
            | BulkError::DigestDiffers
            | BulkError::Expired
            | BulkError::BeingPrepared,
        ) => Ok("stale"),
        Err(BulkError::Unknown) => Err(Refused::NOT_FOUND),
        Err(error) => {
            tracing::error!(%error, "a step of a bulk revocation failed");
            Err(Refused(Stop::Unavailable))
        }
    }
}
