//! Acts on one consent: the page before, and the act. The form's key is the act's key, so that a second click does
//! nothing more.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{
    AccountId, GrantId, Instant, UserId,
    consent::{Consent, RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

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
    lifecycle::Level,
    operator::{Acts, Console, form_key},
    operator_orders::{OrderKey, Performed, Wish},
    problem::Problem,
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
        user: terms.user.to_string(),
        seen: match &typed.seen {
            Some(seen) if !typed.is_stale => seen.clone(),
            // From here on it is decided on what is shown now.
            _ => terms.user.to_string(),
        },
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
    let wish = match read(&wanted, &sent) {
        Ok(wish) => wish,
        Err(typed) => return page(&app, &request, &at, &wanted, *typed).await,
    };
    // The second click finds what the first one did.
    let key = OrderKey::parse(&format!("console:{nonce}")).ok_or(Refused::FORM)?;
    let url = consent_url(&at, &wanted);
    match at.perform(&app, &key, wish).await {
        Ok(Performed::Done) => Ok(see_other(&format!("{url}?m=done"))),
        Ok(Performed::AlreadySo) => Ok(see_other(&format!("{url}?m=already"))),
        Err(Problem::NOTHING_HERE) => Err(Refused::NOT_FOUND),
        Err(Problem::RECORD_CHANGED) => {
            let typed = Typed {
                is_stale: true,
                ..typed(&sent)
            };
            page(&app, &request, &at, &wanted, typed).await
        }
        Err(Problem::USER_REMOVED) => {
            let typed = Typed {
                missing: vec![Missing::UserNotTaking],
                ..typed(&sent)
            };
            page(&app, &request, &at, &wanted, typed).await
        }
        // The form's key was spent on something else.
        Err(Problem::KEY_REUSED) => Err(Refused::FORM),
        Err(problem) if problem.status < 500 => Ok(see_other(&format!("{url}?m=ended"))),
        Err(problem) => Err(Refused::unavailable(&problem)),
    }
}

/// What was typed, and what it was typed onto.
fn typed(sent: &Sent) -> Typed {
    let text = |name: &str| sent.find(name).map(str::to_owned);
    Typed {
        reason: text("reason"),
        account: text("account"),
        user: text("to_user"),
        seen: text("seen"),
        ..Typed::default()
    }
}

/// The order of a form; what is missing of it comes back with what was typed.
fn read(wanted: &Wanted, sent: &Sent) -> Result<Wish, Box<Typed>> {
    let reason = sent.find("reason");
    let account = sent.find("account");
    let of_account = account.and_then(|id| AccountId::parse(id).ok());
    let user = sent.find("to_user");
    let to = user.and_then(|id| UserId::parse(id).ok());
    let seen = sent.find("seen").and_then(|id| UserId::parse(id).ok());
    let wish = wish(wanted, reason, of_account.as_ref(), to.zip(seen.clone()));
    let mut missing = Vec::new();
    if wanted.act == ConsentAct::RemoveAccount && of_account.is_none() {
        missing.push(Missing::Account);
    }
    if wanted.act == ConsentAct::HandOver {
        let has_user = user.is_some_and(|id| UserId::parse(id).is_ok());
        missing.extend((!has_user).then_some(Missing::User));
    } else if reason.is_none() || (wish.is_none() && missing.is_empty()) {
        missing.push(Missing::Reason);
    }
    if sent.find("confirm") != Some("yes") {
        missing.push(Missing::Confirmation);
    }
    match wish {
        Some(wish) if missing.is_empty() => Ok(wish),
        _ => Err(Box::new(Typed {
            missing,
            // What was never shown is not what stands now.
            is_stale: wanted.act == ConsentAct::HandOver && seen.is_none(),
            ..typed(sent)
        })),
    }
}

/// `None` where the reason is none that an operator may give, or something is missing.
fn wish(
    wanted: &Wanted,
    reason: Option<&str>,
    account: Option<&AccountId>,
    to_from: Option<(UserId, UserId)>,
) -> Option<Wish> {
    let grant = wanted.grant.clone();
    let level = Level::Consent(grant.clone());
    let by = RevokedBy::Bank;
    Some(match wanted.act {
        ConsentAct::Revoke => Wish::Revoke {
            grant,
            by,
            reason: RevocationReason::find(reason?)
                .filter(|reason| REVOCATION_REASONS.contains(reason))?,
        },
        ConsentAct::RemoveAccount => Wish::RemoveAccount {
            grant,
            account: account?.clone(),
            by,
            reason: RemovalReason::find(reason?)?,
        },
        ConsentAct::Suspend => Wish::Suspend {
            level,
            cause: SuspensionCause::find(reason?)
                .filter(|cause| SUSPENSION_CAUSES.contains(cause))?,
        },
        ConsentAct::Restore => Wish::Restore {
            level,
            cause: SuspensionCause::find(reason?)?,
        },
        ConsentAct::HandOver => {
            let (to, seen) = to_from?;
            Wish::HandOver {
                grant,
                to,
                seen: Some(seen),
            }
        }
    })
}
