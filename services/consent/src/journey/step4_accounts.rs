//! Step 4: API連携認証（口座選択）.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::{
    AccountId,
    consent::Amendment,
    contract::ContractStream,
    journey::{
        JourneyRefusal, JourneyStream, LinkageBasis, MAX_TICKED_ROWS, RegisterAccounts,
        RejectionReason, RowVerdict, Step, TickedRow,
    },
    registration_status::RegistrationStatus,
    scope::Task,
};
use zeroize::Zeroizing;

use super::{
    at_step::AtStep,
    form::{ReceivedForm, Submission, refused_step},
    form_key::{FormKey, FormName},
    linkages::LiveLinkage,
    message::Message,
    pin_guesses::{TypedPin, judge},
    present::{eligible, hints, rejection_view, status_view},
    respond::{PageError, command_failed, see_other},
    row_rules::{RowRule, RowRules},
    visit::Visit,
};
use crate::{
    app::App,
    bank_port::BankAccount,
    pages::{
        AccountChoice, AccountsProblem, AccountsView, Availability, ChoiceLimit, ErrorKind,
        PinProblem, Tick,
    },
    store::{Act, CommandError, Companion},
};

type Path = web::Path<(String, String)>;

/// What the last sending of the form was, where it comes back with words about it.
#[derive(Default)]
struct SentBack {
    ticked: Option<BTreeSet<AccountId>>,
    whole: Option<AccountsProblem>,
    rows: BTreeMap<AccountId, PinProblem>,
}

/// Shows the accounts that the user may see, with 登録状況.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let at = match visit.at_step(Step::Accounts).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let accounts = at.accounts().await?;
    accounts_page(&at, &accounts, Message::of(&request), SentBack::default()).await
}

async fn accounts_page(
    at: &AtStep<'_>,
    accounts: &[BankAccount],
    message: Option<Message>,
    sent_back: SentBack,
) -> Result<HttpResponse, PageError> {
    let visit = at.visit;
    let Some(tasks) = at.journey.stage.tasks() else {
        return Ok(see_other(&visit.step_url(Step::Tasks, None)));
    };
    let rules = RowRules::of(at).await?;
    let contract = &rules.contract;
    let others = other_linkages(at).await?;
    let linkage = at.journey.linkage_scope();
    let rejected = at.journey.stage.draft().map(|draft| &draft.rejected);
    let rows = accounts
        .iter()
        .map(|account| {
            let status = RegistrationStatus::of(&account.id, contract, &linkage);
            let pre_ticked = status == RegistrationStatus::RegisteredInThisLinkage;
            let ticked = sent_back
                .ticked
                .as_ref()
                .map_or(pre_ticked, |ticked| ticked.contains(&account.id));
            let rule = rules.rule(account, tasks);
            let earlier = rejected.and_then(|rejected| rejected.get(&account.id));
            let problem = match sent_back.ticked {
                Some(_) => sent_back.rows.get(&account.id).copied(),
                None => earlier.map(|reason| PinProblem::Rejected(rejection_view(*reason))),
            };
            AccountChoice {
                reference: account.id.to_string(),
                status: status_view(status),
                account: account.label.clone(),
                memo: account.memo.clone(),
                tick: match rule.availability() {
                    Availability::Selectable if ticked => Tick::Ticked,
                    Availability::Kept => Tick::Ticked,
                    Availability::Selectable | Availability::Unavailable => Tick::Unticked,
                },
                availability: rule.availability(),
                pin: rule.pin(),
                hints: rule
                    .hint()
                    .into_iter()
                    .chain(hints(
                        account,
                        tasks,
                        contract,
                        &others,
                        &at.journey.request.accounts,
                    ))
                    .collect(),
                problem,
            }
        })
        .collect();
    let status = match (&sent_back.whole, sent_back.rows.is_empty()) {
        (None, true) => StatusCode::OK,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = AccountsView {
        shell: at.shell(Step::Accounts, message),
        form: at.form(FormName::Accounts, "accounts"),
        rows,
        limit: match at.journey.request.grant_action.amendment() {
            Amendment::Replace => ChoiceLimit::None,
            Amendment::Merge => ChoiceLimit::OnlyAdds,
        },
        problem: sent_back.whole,
        tasks_url: visit.step_url(Step::Tasks, None),
    };
    at.page_with(status, view.render(visit.texts()))
}

/// The contract's live linkages beside the one that this journey would make or change.
pub(super) async fn other_linkages(at: &AtStep<'_>) -> Result<Vec<LiveLinkage>, PageError> {
    let mut linkages = at.linkages().await?;
    if let LinkageBasis::Amends { grant, .. } = &at.login.basis {
        linkages.retain(|linkage| &linkage.grant != grant);
    }
    Ok(linkages)
}

/// 「登録」
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let which = (Step::Accounts, FormName::Accounts);
    let Submission { at, mut form, key } =
        match Submission::read(&visit, which, &request, &body).await {
            Ok(submission) => submission,
            Err(elsewhere) => return elsewhere.into_answer(),
        };
    // A page of an older revision: its PINs reach nobody.
    if key.shown != at.journey.revision {
        let step = at.journey.stage.step();
        return Ok(see_other(&visit.step_url(step, Some(Message::Changed))));
    }
    let Some(tasks) = at.journey.stage.tasks().cloned() else {
        return Ok(see_other(&visit.step_url(Step::Tasks, None)));
    };
    let accounts = at.accounts().await?;
    let rules = RowRules::of(&at).await?;
    match read_rows((&visit, &rules), &mut form, &accounts, &tasks)? {
        Ok(rows) => register(&at, &form, &key, &accounts, &tasks, rows).await,
        Err(NotTaken::SentBack(sent_back)) => accounts_page(&at, &accounts, None, sent_back).await,
        Err(NotTaken::ListChanged) => Ok(see_other(
            &visit.step_url(Step::Accounts, Some(Message::Changed)),
        )),
    }
}

/// Why the rows of a form are not judged.
enum NotTaken {
    /// The customer has something to put right.
    SentBack(SentBack),
    /// An account that was shown is not in the bank's list now.
    ListChanged,
}

/// One ticked row as typed; a PIN only where the row can be linked at all, and none where it stays as the
/// linkage has it.
struct TypedRow<'a> {
    account: &'a BankAccount,
    pin: Option<Zeroizing<String>>,
}

/// The ticked rows with their PINs. What is typed beside an unticked row is wiped here.
fn read_rows<'a>(
    (visit, rules): (&Visit, &RowRules<'_>),
    form: &mut ReceivedForm,
    accounts: &'a [BankAccount],
    tasks: &BTreeSet<Task>,
) -> Result<Result<Vec<TypedRow<'a>>, NotTaken>, PageError> {
    let not_accepted = || visit.error(ErrorKind::FormNotAccepted);
    let mut pins = form
        .fields
        .take_prefixed("pin-")
        .map_err(|_| not_accepted())?;
    let rules: BTreeMap<&AccountId, RowRule> = accounts
        .iter()
        .map(|account| (&account.id, rules.rule(account, tasks)))
        .collect();
    let is_kept = |account: &AccountId| rules.get(account).is_some_and(RowRule::is_kept);
    let mut ticked = BTreeSet::new();
    for reference in form.fields.take_all("account") {
        let known = accounts
            .iter()
            .find(|account| account.id.as_str() == reference.as_str());
        let Some(account) = known else {
            return Ok(Err(NotTaken::ListChanged));
        };
        // Its box can't be touched: a PIN says that something is added to it.
        if !is_kept(&account.id) {
            ticked.insert(account.id.clone());
        }
    }
    for account in accounts {
        let adds = matches!(rules.get(&account.id), Some(RowRule::KeptAddable(_)));
        if adds
            && pins
                .get(account.id.as_str())
                .is_some_and(|pin| !pin.is_empty())
        {
            ticked.insert(account.id.clone());
        }
    }
    if ticked.is_empty() {
        let whole = Some(AccountsProblem::NoneSelected);
        return Ok(Err(NotTaken::SentBack(SentBack {
            ticked: Some(ticked),
            whole,
            ..SentBack::default()
        })));
    }
    if ticked.len() > MAX_TICKED_ROWS {
        return Err(not_accepted());
    }
    let mut rows = Vec::new();
    let mut problems = BTreeMap::new();
    for account in accounts
        .iter()
        .filter(|account| ticked.contains(&account.id))
    {
        let linkable = !eligible(account, tasks).is_empty();
        let pin = pins
            .remove(account.id.as_str())
            .filter(|pin| !pin.is_empty());
        match pin {
            _ if !linkable => rows.push(TypedRow { account, pin: None }),
            None if rules.get(&account.id) == Some(&RowRule::Keepable) => {
                rows.push(TypedRow { account, pin: None });
            }
            None => {
                problems.insert(account.id.clone(), PinProblem::Missing);
            }
            Some(pin) if !is_pin(&pin) => {
                problems.insert(account.id.clone(), PinProblem::Malformed);
            }
            Some(pin) => rows.push(TypedRow {
                account,
                pin: Some(pin),
            }),
        }
    }
    if problems.is_empty() {
        return Ok(Ok(rows));
    }
    Ok(Err(NotTaken::SentBack(SentBack {
        ticked: Some(ticked),
        whole: None,
        rows: problems,
    })))
}

fn is_pin(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Asks the bank first, then appends: the verdicts travel in the command, and a retry reuses them.
async fn register(
    at: &AtStep<'_>,
    form: &ReceivedForm,
    key: &FormKey,
    accounts: &[BankAccount],
    tasks: &BTreeSet<Task>,
    rows: Vec<TypedRow<'_>>,
) -> Result<HttpResponse, PageError> {
    let visit = at.visit;
    let mut typed = Vec::new();
    let mut ticked = Vec::new();
    for row in rows {
        ticked.push(row.account);
        if let Some(pin) = row.pin {
            typed.push(TypedPin {
                account: row.account.id.clone(),
                pin_scope: row.account.pin_scope.clone(),
                pin,
            });
        }
    }
    let verdicts = judge(at, key, &typed)
        .await
        .map_err(|kind| visit.error(kind))?;
    drop(typed);
    let command = RegisterAccounts {
        shown: key.shown,
        seen: accounts.iter().map(|account| account.id.clone()).collect(),
        ticked: ticked
            .into_iter()
            .map(|account| TickedRow {
                account: account.id.clone(),
                pin_scope: account.pin_scope.clone(),
                eligible: eligible(account, tasks),
                verdict: verdicts.get(&account.id).copied().unwrap_or(
                    if eligible(account, tasks).is_empty() {
                        RowVerdict::Rejected(RejectionReason::NotEligible)
                    } else {
                        RowVerdict::NotAsked
                    },
                ),
            })
            .collect(),
    };
    let outcome = visit.step_url(Step::Confirm, None);
    let context = visit.command(
        Some(&at.session.subject),
        Some(form.command_key(key, outcome.clone())),
    );
    let session_hash = at.cookie.hash().to_vec();
    let executed = visit
        .app
        .bus
        .execute_pair::<JourneyStream, ContractStream, JourneyRefusal>(
            (visit.stream(), visit.contract_stream(&at.login.contract)),
            context,
            Act::new(
                move |journey: &consent_domain::journey::Journey, contract, now| {
                    journey.register_accounts(contract, command.clone(), now)
                },
            ),
            move |_, _, _, _| {
                vec![Companion::TouchSession {
                    session_hash: session_hash.clone(),
                }]
            },
        )
        .await;
    match executed {
        Ok(executed) => Ok(form.answer(visit, &executed, &outcome)),
        Err(CommandError::Refused(refusal)) => refused_step(visit, &refusal).await,
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}
