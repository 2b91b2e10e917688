//! Acts on one consent: the page before, and the act. The form's key is the act's key, so that a second click does
//! nothing more.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{
    AccountId, GrantId, Instant,
    consent::{Consent, ConsentRefusal, RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};
use serde_json::json;

use super::{
    consent::fold,
    names_at_bank::partners,
    refused::Refused,
    visit::{Sent, frame_at, see_other, show as show_page},
};
use crate::{
    app::App,
    console::{
        act_page::{ActView, ConsentAct, Missing, REVOCATION_REASONS, SUSPENSION_CAUSES, Typed},
        page::{Section, section_path},
        sentence,
    },
    history,
    lifecycle::{ActError, Done, Level, LevelRefusal, OnConsent, Order},
    operator::{Act, Acts, Console, Outcome, Subject, form_key},
    store::CommandError,
};

/// Which act on which consent an address means.
struct Wanted {
    grant: GrantId,
    act: ConsentAct,
}

impl Wanted {
    fn of(path: &(String, String, String)) -> Result<Self, Refused> {
        Ok(Self {
            grant: GrantId::parse(path.1.as_str()).map_err(|_| Refused::NOT_FOUND)?,
            act: ConsentAct::find(&path.2).ok_or(Refused::NOT_FOUND)?,
        })
    }

    /// The name of its form: a key of one act on one consent opens no other.
    fn form(&self) -> String {
        format!("{} {}", self.act.path(), self.grant)
    }
}

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Refused> {
    let wanted = Wanted::of(&path)?;
    page(&app, &request, &at, &wanted, Typed::default()).await
}

async fn page(
    app: &App,
    request: &HttpRequest,
    at: &Console<Acts>,
    wanted: &Wanted,
    typed: Typed,
) -> Result<HttpResponse, Refused> {
    let facts = history::of_consent(&app.pool, &at.bank, &wanted.grant).await?;
    let consent = fold(&facts);
    let url = consent_url(at, wanted);
    let now: Instant = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .await?;
    let Some(terms) = consent.live_terms(now) else {
        return match consent {
            Consent::Absent => Err(Refused::NOT_FOUND),
            _ => Ok(see_other(&format!("{url}?m=ended"))),
        };
    };
    let suspended = match &consent {
        Consent::Live { suspended, .. } => suspended.iter().collect(),
        _ => Vec::new(),
    };
    let partner = terms.partner.to_string();
    let services = partners(&app.pool, &at.bank).await?;
    let view = ActView {
        act: wanted.act,
        consent_url: url,
        grant: wanted.grant.to_string(),
        service: services
            .into_iter()
            .find(|(id, _)| *id == partner)
            .map_or(partner, |(_, name)| name),
        contract: terms.contract.to_string(),
        accounts: sentence::accounts_of(terms)
            .into_keys()
            .map(ToString::to_string)
            .collect(),
        suspended,
        form_key: form_key::mint(app, &at.cookie, &wanted.form()),
        typed,
    };
    let frame = frame_at(app, request, at, &at.cookie, Section::Consents).await?;
    show_page(&view.page(frame))
}

fn consent_url(at: &Console<Acts>, wanted: &Wanted) -> String {
    format!(
        "{}/{}",
        section_path(at.bank.as_str(), Section::Consents),
        wanted.grant
    )
}

pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
    path: web::Path<(String, String, String)>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let wanted = Wanted::of(&path)?;
    let sent = Sent::of_pairs(form.into_inner());
    let nonce = sent.key(&app, &at.cookie, &wanted.form())?;
    let order = match Chosen::read(wanted.act, &sent) {
        Ok(chosen) => chosen,
        Err(typed) => return page(&app, &request, &at, &wanted, typed).await,
    };
    let act = Act {
        code: order.code(),
        subject: Subject::new("consent", wanted.grant.as_str()),
        detail: order.detail(),
    };
    let begun = at.begin(&app.pool, act).await?;
    let from = Order {
        key: Some(format!("console:{nonce}")),
        causation_id: Some(begun.id),
        request: Some(at.who.request.clone()),
        ..Order::of(at.actor())
    };
    let came = order.carry_out(&app, &at, &wanted.grant, from).await;
    begun.end(&app.pool, came.outcome(), json!({})).await?;
    match came {
        Came::Done => Ok(see_other(&format!("{}?m=done", consent_url(&at, &wanted)))),
        Came::Already => Ok(see_other(&format!(
            "{}?m=already",
            consent_url(&at, &wanted)
        ))),
        Came::Ended => Ok(see_other(&format!("{}?m=ended", consent_url(&at, &wanted)))),
        Came::Unknown => Err(Refused::NOT_FOUND),
        Came::OtherForm => Err(Refused::FORM),
        Came::Failed => Err(Refused(crate::console::entry_pages::Stop::Unavailable)),
    }
}

/// An act with what it needs, read from its form.
enum Chosen {
    Revoke(RevocationReason),
    RemoveAccount(AccountId, RemovalReason),
    Suspend(SuspensionCause),
    Restore(SuspensionCause),
}

impl Chosen {
    /// What is missing of it comes back with what was typed.
    fn read(act: ConsentAct, sent: &Sent) -> Result<Self, Typed> {
        let reason = sent.find("reason");
        let account = sent.find("account");
        let of_account = account.and_then(|id| AccountId::parse(id).ok());
        let chosen = match act {
            ConsentAct::Revoke => reason
                .and_then(RevocationReason::find)
                .filter(|reason| REVOCATION_REASONS.contains(reason))
                .map(Self::Revoke),
            ConsentAct::RemoveAccount => reason
                .and_then(RemovalReason::find)
                .zip(of_account.clone())
                .map(|(reason, account)| Self::RemoveAccount(account, reason)),
            ConsentAct::Suspend => reason
                .and_then(SuspensionCause::find)
                .filter(|cause| SUSPENSION_CAUSES.contains(cause))
                .map(Self::Suspend),
            ConsentAct::Restore => reason.and_then(SuspensionCause::find).map(Self::Restore),
        };
        let mut missing = Vec::new();
        if act == ConsentAct::RemoveAccount && of_account.is_none() {
            missing.push(Missing::Account);
        }
        if reason.is_none() || (chosen.is_none() && missing.is_empty()) {
            missing.push(Missing::Reason);
        }
        if sent.find("confirm") != Some("yes") {
            missing.push(Missing::Confirmation);
        }
        match chosen {
            Some(chosen) if missing.is_empty() => Ok(chosen),
            _ => Err(Typed {
                reason: reason.map(str::to_owned),
                account: account.map(str::to_owned),
                missing,
            }),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Revoke(_) => "revoke_consent",
            Self::RemoveAccount(..) => "remove_account",
            Self::Suspend(_) => "suspend_consent",
            Self::Restore(_) => "restore_consent",
        }
    }

    fn detail(&self) -> serde_json::Value {
        match self {
            Self::Revoke(reason) => json!({ "reason": reason.as_str() }),
            Self::RemoveAccount(account, reason) => {
                json!({ "account": account.as_str(), "reason": reason.as_str() })
            }
            Self::Suspend(cause) | Self::Restore(cause) => json!({ "cause": cause.as_str() }),
        }
    }

    async fn carry_out(self, app: &App, at: &Console<Acts>, grant: &GrantId, order: Order) -> Came {
        let (pool, bus, bank) = (&app.pool, &app.bus, &at.bank);
        let on = OnConsent {
            pool,
            bus,
            bank,
            grant,
        };
        let level = Level::Consent(grant.clone());
        match self {
            Self::Revoke(reason) => of_consent(on.revoke(RevokedBy::Bank, reason, order).await),
            Self::RemoveAccount(account, reason) => of_consent(
                on.remove_account(&account, RevokedBy::Bank, reason, order)
                    .await,
            ),
            Self::Suspend(cause) => of_level(level.suspend((pool, bus), bank, cause, order).await),
            Self::Restore(cause) => of_level(level.restore((pool, bus), bank, cause, order).await),
        }
    }
}

/// What came of it.
enum Came {
    Done,
    Already,
    Ended,
    Unknown,
    /// The form's key was spent on something else.
    OtherForm,
    Failed,
}

impl Came {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Already => Outcome::Already,
            Self::Ended | Self::Unknown | Self::OtherForm => Outcome::Refused,
            Self::Failed => Outcome::Failed,
        }
    }

    fn of_done<E>(done: &Done<E>) -> Self {
        match done {
            // The second click finds what the first one did.
            Done::Changed(_) | Done::Before => Self::Done,
            Done::Already => Self::Already,
        }
    }

    fn of_refusal(refusal: &ConsentRefusal) -> Self {
        match refusal {
            ConsentRefusal::Unknown => Self::Unknown,
            _ => Self::Ended,
        }
    }
}

fn of_consent<E>(acted: Result<Done<E>, ActError<ConsentRefusal>>) -> Came {
    match acted {
        Ok(done) => Came::of_done(&done),
        Err(ActError::KeyReused) => Came::OtherForm,
        Err(ActError::Command(CommandError::Refused(refusal))) => Came::of_refusal(&refusal),
        Err(error) => failed(&error),
    }
}

fn of_level(acted: Result<Done<()>, ActError<LevelRefusal>>) -> Came {
    match acted {
        Ok(done) => Came::of_done(&done),
        Err(ActError::KeyReused) => Came::OtherForm,
        Err(ActError::Command(CommandError::Refused(LevelRefusal::Consent(refusal)))) => {
            Came::of_refusal(&refusal)
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> Came {
    tracing::error!(%error, "an act on a consent failed");
    Came::Failed
}
