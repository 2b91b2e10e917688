//! Step 6: API連携認証（情報アクセス認可）.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::{Days, TimeDelta};
use consent_domain::{
    AccountId, GrantId, Instant,
    consent::{Amendment, ConsentStream},
    journey::{
        AuthorizeAccess, Draft, Journey, JourneyRefusal, JourneyStream, LinkageBasis,
        RebaseLinkage, Revision, ShownText, Step,
    },
    scope::{Scope, Task},
};

use super::{
    at_step::AtStep,
    continuation::continuations,
    end::to_end_page,
    form::{ReceivedForm, refused_step},
    form_key::{FormKey, FormName},
    linkages::{LiveLinkage, basis},
    message::Message,
    present::{labels_only_in, task_view},
    respond::{PageError, command_failed, see_other},
    step5_confirm::changed_since,
    succession::{self, Ends, Outgoing},
    visit::{Visit, stream_id},
};
use crate::{
    app::App,
    bank_port::BankAccount,
    entropy,
    evidence::{Evidence, SealedEvidence},
    japan,
    notices::{Notice, NoticeKind},
    pages::{
        AuthorizeProblem, AuthorizeView, AuthorizedAccount, ErrorKind, LinkageChange,
        PartnerRecord, consent_text,
    },
    protocol::{
        code::{AuthorizationCodeRow, CodeSubject},
        digest::sha256_hex,
        pkce::CodeChallenge,
        shared_key::KeyPurpose,
    },
    store::{Act, CommandError, Companion, Executed},
};

type Path = web::Path<(String, String)>;

/// Shows what is allowed to whom.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    match visit.at_step(Step::Authorize).await {
        Ok(at) => authorize_page(&at, Message::of(&request), None).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn authorize_page(
    at: &AtStep<'_>,
    message: Option<Message>,
    problem: Option<AuthorizeProblem>,
) -> Result<HttpResponse, PageError> {
    let accounts = at.accounts().await?;
    if let Some(back) = no_longer_listed(at, &accounts) {
        return Ok(back);
    }
    let linkages = at.linkages().await?;
    let outgoing = succession::outgoing(at, &linkages).await?;
    let mut view = authorize_view(at, &accounts, (&linkages, &outgoing), message, problem)?;
    complete(at, &accounts, &mut view).await?;
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    at.page_with(status, view.render(at.visit.texts()))
}

/// An account that was chosen in this journey, and that the bank no longer lists: it is chosen anew what to link.
/// (One that this user never saw is another matter; the linkage has it already.)
fn no_longer_listed(at: &AtStep<'_>, accounts: &[BankAccount]) -> Option<HttpResponse> {
    let mut chosen = at.journey.stage.draft()?.registered.keys();
    let is_listed = |id| accounts.iter().any(|account| &account.id == id);
    (!chosen.all(is_listed)).then(|| to_accounts(at))
}

fn to_accounts(at: &AtStep<'_>) -> HttpResponse {
    see_other(&at.visit.step_url(Step::Accounts, Some(Message::Changed)))
}

fn authorize_view(
    at: &AtStep<'_>,
    accounts: &[BankAccount],
    (linkages, outgoing): (&[LiveLinkage], &[Outgoing]),
    message: Option<Message>,
    problem: Option<AuthorizeProblem>,
) -> Result<AuthorizeView, PageError> {
    let visit = at.visit;
    let added_to = added_to(at, linkages);
    let scope = at.journey.linkage_scope();
    let label = |id: &AccountId| {
        let shown = accounts.iter().find(|account| &account.id == id);
        shown.map_or_else(
            || visit.texts().account_not_visible(),
            |account| account.label.clone(),
        )
    };
    let listed = accounts
        .iter()
        .filter(|account| scope.has_account(&account.id))
        .map(|account| AuthorizedAccount {
            account: account.label.clone(),
            memo: account.memo.clone(),
            tasks: scope
                .tasks_of(&account.id)
                .into_iter()
                .map(task_view)
                .collect(),
        });
    let unseen = scope
        .accounts()
        .into_iter()
        .filter(|id| accounts.iter().all(|account| &account.id != id))
        .map(|id| AuthorizedAccount {
            account: label(&id),
            memo: None,
            tasks: scope.tasks_of(&id).into_iter().map(task_view).collect(),
        })
        .collect::<Vec<_>>();
    let change = match &at.login.basis {
        LinkageBasis::New | LinkageBasis::Beside => LinkageChange::Makes,
        LinkageBasis::Amends { scope: before, .. } if added_to.is_some() => LinkageChange::Adds {
            added: labels_only_in(&scope, before, label),
        },
        LinkageBasis::Amends { scope: before, .. } => LinkageChange::Amends {
            added: labels_only_in(&scope, before, label),
            removed: labels_only_in(before, &scope, label),
        },
    };
    let settings = &visit.record.settings;
    let valid_until = match added_to {
        Some(linkage) => linkage.valid_until,
        None => end_of_validity(visit.now, settings.consent_validity_days)
            .ok_or_else(|| visit.error(ErrorKind::Internal))?,
    };
    let asked_from = at.journey.request.history_from;
    let view = AuthorizeView {
        linkages_url: format!("{}{}", visit.app.origin, crate::linkages::path(&visit.bank)),
        shell: at.shell(Step::Authorize, message),
        form: at.form(FormName::Authorize, "authorize"),
        decline: at.form(FormName::Cancel, "cancel"),
        revision: u64::from(at.journey.revision.0),
        partner: PartnerRecord {
            legal_name: visit.partner.legal_name.clone(),
            service_name: visit.partner.service_name.clone(),
            registration_number: visit.partner.registration_number.clone(),
            complaint_contact: visit.partner.complaint_contact.clone(),
            onward_recipients: visit.partner.onward_recipients.clone(),
        },
        tasks: stated_tasks(at, &scope)
            .into_iter()
            .map(task_view)
            .collect(),
        accounts: listed.chain(unseen).collect(),
        // No first day is the longest history, and the least of two options.
        history_from: added_to.map_or(asked_from, |linkage| linkage.history_from.min(asked_from)),
        // The last minute that still holds: the end itself no longer does.
        valid_until: valid_until - TimeDelta::minutes(1),
        change,
        continued: Vec::new(),
        superseded: outgoing
            .iter()
            .map(|linkage| linkage.words(visit.texts()))
            .collect(),
        terms_version: settings.terms_version.clone(),
        accounts_url: visit.step_url(Step::Accounts, None),
        problem,
    };
    Ok(view)
}

/// Adds what is read of the record of accesses, and mints the form's key.
async fn complete(
    at: &AtStep<'_>,
    accounts: &[BankAccount],
    view: &mut AuthorizeView,
) -> Result<(), PageError> {
    let scope = at.journey.linkage_scope();
    view.continued = continuations(at, accounts, &scope).await?;
    // The key is bound to the very words: what is allowed is what was read.
    view.form.form_key = at.visit.forms(at.cookie).mint(
        FormName::Authorize,
        at.journey.revision,
        &statement_digest(view, at.visit),
    );
    Ok(())
}

/// The linkage that this journey only adds to, as it stands.
fn added_to<'a>(at: &AtStep<'_>, linkages: &'a [LiveLinkage]) -> Option<&'a LiveLinkage> {
    let request = &at.journey.request;
    match (request.grant_action.amendment(), &at.login.basis) {
        (Amendment::Merge, LinkageBasis::Amends { grant, .. }) => {
            linkages.iter().find(|linkage| &linkage.grant == grant)
        }
        _ => None,
    }
}

/// The tasks that the linkage will have: those chosen, and those that it keeps.
fn stated_tasks(at: &AtStep<'_>, scope: &Scope) -> BTreeSet<Task> {
    let chosen = at.journey.stage.tasks().into_iter().flatten().copied();
    let kept = at.journey.kept();
    let kept = kept
        .iter()
        .filter(|pair| scope.covers(&pair.account, pair.task));
    chosen.chain(kept.map(|pair| pair.task)).collect()
}

/// Digest of what the page states.
fn statement_digest(view: &AuthorizeView, visit: &Visit) -> String {
    sha256_hex(consent_text(view, visit.texts()).as_bytes())
}

/// The first instant after the last day of a consent given now: midnight in Japan.
pub(crate) fn end_of_validity(now: Instant, days: u32) -> Option<Instant> {
    let last = japan::day_of(now).checked_add_days(Days::new(days.into()))?;
    japan::start_of_day(last.succ_opt()?)
}

/// 「許可」
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let mut form = ReceivedForm::read(&visit, &request, &body)?;
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::JourneyNotFound));
    };
    if visit.is_at_end() {
        return Ok(see_other(&visit.url("done")));
    }
    let key = match form.key(&visit, cookie, FormName::Authorize) {
        Ok(key) => key,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    // A repeated 許可 gets the same redirect, and again the cookie that lets the end page be seen.
    if let Some(outcome) = form.repeated(&visit, &key).await? {
        return Ok(to_end_page(&visit, &outcome));
    }
    // From step 5 on: where step 4 was redone meanwhile, step 5 comes again with the differences.
    let at = match visit.at_step(Step::Confirm).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    if key.shown != at.journey.revision {
        return Ok(changed_since(&visit, key.shown));
    }
    match form.fields.take_optional("agree") {
        Ok(Some(agree)) if agree.as_str() == "yes" => {}
        Ok(None) => return authorize_page(&at, None, Some(AuthorizeProblem::NotAgreed)).await,
        _ => return Err(visit.error(ErrorKind::FormNotAccepted)),
    }
    let Some(draft) = at.journey.stage.draft() else {
        return Ok(see_other(&visit.step_url(at.journey.stage.step(), None)));
    };
    authorize(&at, &form, &key, draft).await
}

/// 許可; once more where it did not know a linkage that was made at that moment. Where that one is to end, the page
/// says otherwise than what was read, and is shown anew.
async fn authorize(
    at: &AtStep<'_>,
    form: &ReceivedForm,
    key: &FormKey,
    draft: &Draft,
) -> Result<HttpResponse, PageError> {
    let known = match attempt(at, form, key, draft).await? {
        Attempt::Answered(answer) => return Ok(answer),
        Attempt::Overtaken { known } => known,
    };
    if let Some(elsewhere) = overtaken(at, key.shown, draft).await? {
        return Ok(elsewhere);
    }
    if succession::known(at, &at.linkages().await?) != known
        && let Attempt::Answered(answer) = attempt(at, form, key, draft).await?
    {
        return Ok(answer);
    }
    Ok(shown_anew(at.visit))
}

/// What came of 許可.
enum Attempt {
    /// It is done, or the answer says why not.
    Answered(HttpResponse),
    /// Something that it insists on no longer holds.
    Overtaken {
        /// The linkages that it knew, where it may end some.
        known: Option<Vec<String>>,
    },
}

fn shown_anew(visit: &Visit) -> HttpResponse {
    see_other(&visit.step_url(Step::Authorize, Some(Message::Changed)))
}

/// Appends `AccessAuthorized` and the consent's fact, ends the bank session and issues the code, at
/// once.
async fn attempt(
    at: &AtStep<'_>,
    form: &ReceivedForm,
    key: &FormKey,
    draft: &Draft,
) -> Result<Attempt, PageError> {
    let visit = at.visit;
    let accounts = at.accounts().await?;
    if let Some(back) = no_longer_listed(at, &accounts) {
        return Ok(Attempt::Answered(back));
    }
    let linkages = at.linkages().await?;
    let outgoing = succession::outgoing(at, &linkages).await?;
    let mut view = authorize_view(at, &accounts, (&linkages, &outgoing), None, None)?;
    complete(at, &accounts, &mut view).await?;
    // A name, a term or the day changed since the page was shown: it is shown anew.
    if statement_digest(&view, visit) != key.statement {
        return Ok(Attempt::Answered(shown_anew(visit)));
    }
    let texts = visit.texts();
    let evidence = Evidence::new(
        texts.locale().tag(),
        texts.version(),
        consent_text(&view, texts),
    )
    .seal(&visit.app.keys, &visit.bank, &visit.id)
    .map_err(|error| {
        tracing::error!(%error, "what was shown could not be recorded");
        visit.error(ErrorKind::Internal)
    })?;
    let grant = match &at.login.basis {
        LinkageBasis::Amends { grant, .. } => grant.clone(),
        LinkageBasis::New | LinkageBasis::Beside => new_grant(visit)?,
    };
    let settings = &visit.record.settings;
    let command = AuthorizeAccess {
        shown: key.shown,
        grant: grant.clone(),
        valid_until: end_of_validity(visit.now, settings.consent_validity_days)
            .ok_or_else(|| visit.error(ErrorKind::Internal))?,
        partner_record_version: visit.partner_version,
        text: ShownText {
            version: texts.version().to_owned(),
            locale: texts.locale().tag().to_owned(),
            sha256: evidence.sha256.clone(),
        },
        terms_version: settings.terms_version.clone(),
        supersedes: outgoing
            .iter()
            .map(|linkage| (linkage.grant().clone(), linkage.consent().clone()))
            .collect(),
    };
    let ends = Ends::of(at, outgoing);
    let mut companions = Companions::of(at, draft, &grant, evidence)?;
    let known = succession::known(at, &linkages);
    companions.only_these.clone_from(&known);
    let outcome = visit.url("done");
    let context = visit.command(
        Some(&at.session.subject),
        Some(form.command_key(key, outcome.clone())),
    );
    tracing::debug!(
        accounts = draft.registered.len(),
        "access is being authorized"
    );
    let executed = visit
        .app
        .bus
        .execute_pair::<JourneyStream, ConsentStream, JourneyRefusal>(
            (visit.stream(), stream_id(&visit.bank, grant.as_str())),
            context,
            Act::new(move |journey: &Journey, consent, now| {
                let facts = journey.authorize_access(consent, command.clone(), now)?;
                Ok((vec![facts.journey], facts.consent))
            }),
            move |facts, _, _, now| [companions.at(now), ends.at(facts, now)].concat(),
        )
        .await;
    let answer = match executed {
        Ok(Executed::Committed(committed)) => {
            succession::count(&committed.first_events);
            to_end_page(visit, &outcome)
        }
        Ok(Executed::Repeated(spent)) => to_end_page(visit, &form.outcome_of(visit, &spent)),
        Err(CommandError::Busy) => return Ok(Attempt::Overtaken { known }),
        Err(CommandError::Refused(JourneyRefusal::LinkageMoved(_)) | CommandError::Violates(_)) => {
            rebase(at, key.shown).await?
        }
        Err(CommandError::Refused(JourneyRefusal::RevisionMoved { .. })) => {
            changed_since(visit, key.shown)
        }
        Err(CommandError::Refused(refusal)) => refused_step(visit, &refusal).await?,
        Err(error) => return Err(visit.error(command_failed(&error))),
    };
    Ok(Attempt::Answered(answer))
}

fn new_grant(visit: &Visit) -> Result<GrantId, PageError> {
    GrantId::parse(entropy::opaque_id().to_string()).map_err(|_| visit.error(ErrorKind::Internal))
}

/// Where 許可 leads when something came first: to the accounts, where one is no longer registered; and where this
/// journey would have made the pair's own linkage and there is one now, it changes that one.
async fn overtaken(
    at: &AtStep<'_>,
    shown: Revision,
    draft: &Draft,
) -> Result<Option<HttpResponse>, PageError> {
    let contract = at.contract().await?;
    if !draft.registered.keys().all(|id| contract.is_registered(id)) {
        return Ok(Some(to_accounts(at)));
    }
    let request = &at.journey.request;
    let now = basis(
        &at.linkages().await?,
        &request.client,
        &request.grant_action,
    );
    Ok(match (&at.login.basis, now) {
        (LinkageBasis::New, LinkageBasis::Amends { .. }) => Some(rebase(at, shown).await?),
        _ => None,
    })
}

/// The rows that commit with 許可.
struct Companions {
    app: web::Data<App>,
    bank: consent_domain::BankCode,
    journey: consent_domain::JourneyId,
    contract: consent_domain::ContractId,
    user: consent_domain::UserId,
    accounts: Vec<String>,
    code_id: uuid::Uuid,
    subject: CodeSubject,
    evidence: SealedEvidence,
    evidence_years: i32,
    notice: Notice,
    /// Where a new linkage may end others: the streams of all that there were when the page was made.
    only_these: Option<Vec<String>>,
}

impl Companions {
    fn of(
        at: &AtStep<'_>,
        draft: &Draft,
        grant: &GrantId,
        evidence: SealedEvidence,
    ) -> Result<Self, PageError> {
        let visit = at.visit;
        let kind = match &at.login.basis {
            LinkageBasis::Amends { .. } => NoticeKind::Changed,
            LinkageBasis::New | LinkageBasis::Beside => NoticeKind::Linked,
        };
        let notice = Notice::of_linkage(
            kind,
            visit.bank.clone(),
            (at.login.contract.clone(), Some(at.login.user.clone())),
            at.journey.request.partner.clone(),
            // Not those that the user who acts has no right to see.
            draft.registered.keys().cloned(),
        );
        let internal = || visit.error(ErrorKind::Internal);
        let parameter = |name| visit.parameters.find(name).ok_or_else(internal);
        Ok(Self {
            app: visit.app.clone(),
            bank: visit.bank.clone(),
            journey: visit.id.clone(),
            contract: at.login.contract.clone(),
            user: at.login.user.clone(),
            // Those whose PIN was not asked, too: that rests on their registration.
            accounts: draft.registered.keys().map(ToString::to_string).collect(),
            code_id: entropy::opaque_id(),
            evidence,
            notice,
            only_these: None,
            evidence_years: i32::try_from(visit.record.settings.evidence_years).unwrap_or(i32::MAX),
            subject: CodeSubject {
                client_id: visit.partner.client_id.clone(),
                grant_id: grant.clone(),
                journey_id: visit.id.clone(),
                redirect_uri: parameter("redirect_uri")?.to_owned(),
                code_challenge: CodeChallenge::parse(parameter("code_challenge")?)
                    .map_err(|_| internal())?,
            },
        })
    }

    fn at(&self, now: Instant) -> Vec<Companion> {
        let key = self.app.keys.shared(KeyPurpose::Code);
        let code = AuthorizationCodeRow::new(
            key,
            self.bank.clone(),
            self.code_id,
            self.subject.clone(),
            now,
        );
        let contract = stream_id(&self.bank, self.contract.as_str());
        let only_these = self.only_these.clone();
        let only_these = only_these.map(|known| Companion::RequireLinkages {
            contract: contract.clone(),
            known,
        });
        // The stronger lock on the contract's row first.
        only_these
            .into_iter()
            .chain(self.rows(contract, code))
            .collect()
    }

    fn rows(&self, contract: String, code: AuthorizationCodeRow) -> Vec<Companion> {
        vec![
            Companion::RequireEntitled {
                contract,
                user: self.user.to_string(),
                accounts: self.accounts.clone(),
            },
            Companion::IssueCode(code),
            Companion::Notify(self.notice.clone()),
            Companion::RecordEvidence {
                bank: self.bank.to_string(),
                journey: self.journey.clone(),
                grant: self.subject.grant_id.to_string(),
                evidence: self.evidence.clone(),
                years: self.evidence_years,
            },
            Companion::EndSessions {
                bank: self.bank.to_string(),
                journey: self.journey.to_string(),
                reason: "authorized",
            },
            Companion::FinishPushedRequest {
                bank: self.bank.to_string(),
                journey: self.journey.clone(),
            },
        ]
    }
}

/// The linkage to be changed is not as the journey knew it: note what stands now, and show step 5
/// again. A consent whose time has passed without record is recorded first.
async fn rebase(at: &AtStep<'_>, shown: Revision) -> Result<HttpResponse, PageError> {
    let visit = at.visit;
    expire_in_the_way(at).await?;
    let linkages = at.linkages().await?;
    let request = &at.journey.request;
    let basis = basis(&linkages, &request.client, &request.grant_action);
    let executed = visit
        .app
        .bus
        .execute::<JourneyStream, JourneyRefusal>(
            visit.stream(),
            visit.command(Some(&at.session.subject), None),
            move |state, now| {
                let command = RebaseLinkage {
                    basis: basis.clone(),
                };
                state
                    .rebase_linkage(command, now)
                    .map(|outcome| outcome.into_events())
            },
            |_, _, _| Vec::new(),
        )
        .await;
    match executed {
        Ok(_) => Ok(changed_since(visit, shown)),
        Err(CommandError::Refused(refusal)) => refused_step(visit, &refusal).await,
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}

/// Records the end of a consent of this pair that the clock has ended, so that it no longer holds the
/// pair's place.
async fn expire_in_the_way(at: &AtStep<'_>) -> Result<(), PageError> {
    let visit = at.visit;
    crate::lifecycle::expire_consents_of(
        &visit.app.pool,
        &visit.app.bus,
        &visit.bank,
        &at.login.contract,
    )
    .await
    .map_err(|error| visit.error(error))?;
    Ok(())
}
