//! The past of a journey, a contract and a consent, in the words of their facts.

use std::collections::BTreeMap;

use consent_domain::{
    AccountId, Instant, JourneyId, PinScopeId,
    consent::{ConsentEvent, GivenUnder, GrantTerms, Place},
    contract::ContractEvent,
    journey::{
        AuthorizeAccess, GrantAction, JourneyEvent, LinkageBasis, LoginMethod, RecordLogin,
        RegisterAccounts, RejectionReason, RequestConsent, Revision, RowVerdict, ShownText,
        TickedRow, TimeLimits, UserRole,
    },
    scope::{Scope, Task},
};

use super::names::*;

/// 10 minutes idle, 60 in all.
pub(crate) const LIMITS: TimeLimits = TimeLimits {
    idle_seconds: 600,
    total_seconds: 3600,
};

pub(crate) const REQUEST_SHA256: &str =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// What the partner pushes: both tasks, no account by name, nothing said of existing linkages.
pub(crate) fn pushed_request() -> RequestConsent {
    RequestConsent {
        journey: this_journey(),
        bank: bank_code(),
        client: client(),
        partner: partner(),
        tasks: tasks(BOTH),
        accounts: accounts([]),
        history_from: None,
        grant_action: GrantAction::Unspecified,
        request_sha256: REQUEST_SHA256.to_owned(),
        limits: LIMITS,
    }
}

/// Step 1 as a fact, at the start of the story.
pub(crate) fn requested(request: RequestConsent) -> JourneyEvent {
    JourneyEvent::ConsentRequested {
        journey: request.journey,
        bank: request.bank,
        client: request.client,
        partner: request.partner,
        tasks: request.tasks,
        accounts: request.accounts,
        history_from: request.history_from,
        grant_action: request.grant_action,
        request_sha256: request.request_sha256,
        limits: request.limits,
        requested_at: start(),
    }
}

/// The treasurer's login with a password.
pub(crate) fn login(basis: LinkageBasis) -> RecordLogin {
    RecordLogin {
        contract: contract_id(),
        user: treasurer(),
        role: UserRole::Master,
        method: LoginMethod::Password,
        basis,
    }
}

pub(crate) fn logged_in(login: RecordLogin, at: Instant) -> JourneyEvent {
    JourneyEvent::LoginSucceeded {
        contract: login.contract,
        user: login.user,
        role: login.role,
        method: login.method,
        at,
        basis: login.basis,
    }
}

/// The journey changes the live linkage, which had this scope.
pub(crate) fn amends(scope: Scope) -> LinkageBasis {
    LinkageBasis::Amends {
        grant: live_grant(),
        scope,
    }
}

pub(crate) fn tasks_selected(
    revision: u32,
    chosen: impl IntoIterator<Item = Task>,
) -> JourneyEvent {
    JourneyEvent::TasksSelected {
        revision: Revision(revision),
        tasks: tasks(chosen),
    }
}

/// Step 4 as a fact, with all of the seed's accounts on the page.
pub(crate) fn accounts_selected<'n>(
    revision: u32,
    ticked: impl IntoIterator<Item = &'n str>,
) -> JourneyEvent {
    JourneyEvent::AccountsSelected {
        revision: Revision(revision),
        seen: accounts(SEED_ACCOUNTS),
        ticked: accounts(ticked),
    }
}

pub(crate) fn accounts_registered<'n>(
    revision: u32,
    names: impl IntoIterator<Item = &'n str>,
    allowed: impl IntoIterator<Item = Task> + Clone,
) -> JourneyEvent {
    let tasks: BTreeMap<AccountId, _> = names
        .into_iter()
        .map(|name| (account(name), tasks(allowed.clone())))
        .collect();
    JourneyEvent::AccountsRegistered {
        revision: Revision(revision),
        tasks,
        without_pin: accounts([]),
    }
}

pub(crate) fn rejected(revision: u32, name: &str, reason: RejectionReason) -> JourneyEvent {
    JourneyEvent::AccountRegistrationRejected {
        revision: Revision(revision),
        account: account(name),
        reason,
    }
}

pub(crate) fn confirmed(revision: u32) -> JourneyEvent {
    JourneyEvent::RegistrationConfirmed {
        revision: Revision(revision),
    }
}

/// A journey at step 2.
pub(crate) fn at_step2() -> Vec<JourneyEvent> {
    vec![requested(pushed_request())]
}

/// A journey at step 3 that would do this to the contract's linkages.
pub(crate) fn at_step3(basis: LinkageBasis) -> Vec<JourneyEvent> {
    [at_step2(), vec![logged_in(login(basis), minute(1))]].concat()
}

/// A journey at step 4, both tasks chosen, revision 1.
pub(crate) fn at_step4(basis: LinkageBasis) -> Vec<JourneyEvent> {
    [at_step3(basis), vec![tasks_selected(1, BOTH)]].concat()
}

/// A journey at step 5 with the account 5000000 registered, revision 2.
pub(crate) fn at_step5(basis: LinkageBasis) -> Vec<JourneyEvent> {
    [
        at_step4(basis),
        vec![
            accounts_selected(2, [A_5000000]),
            accounts_registered(2, [A_5000000], BOTH),
        ],
    ]
    .concat()
}

/// A journey at step 6 with the account 5000000 registered, revision 2.
pub(crate) fn at_step6(basis: LinkageBasis) -> Vec<JourneyEvent> {
    [at_step5(basis), vec![confirmed(2)]].concat()
}

/// A ticked row whose PIN the bank judged so; both tasks can be had.
pub(crate) fn row(name: &str, verdict: RowVerdict) -> TickedRow {
    TickedRow {
        account: account(name),
        pin_scope: pin_scope(),
        eligible: tasks(BOTH),
        verdict,
    }
}

pub(crate) fn right(name: &str) -> TickedRow {
    row(name, RowVerdict::Match)
}

pub(crate) fn wrong(name: &str) -> TickedRow {
    row(name, RowVerdict::Rejected(RejectionReason::PinMismatch))
}

/// The form of step 4 with all of the seed's accounts on the page.
pub(crate) fn step4_form(
    shown: u32,
    ticked: impl IntoIterator<Item = TickedRow>,
) -> RegisterAccounts {
    RegisterAccounts {
        shown: Revision(shown),
        seen: accounts(SEED_ACCOUNTS),
        ticked: ticked.into_iter().collect(),
    }
}

pub(crate) fn shown_text() -> ShownText {
    ShownText {
        version: "2026-04-01".to_owned(),
        locale: "ja".to_owned(),
        sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".to_owned(),
    }
}

/// 許可 on a page of that revision, to the end of March 2027.
pub(crate) fn allow(shown: u32) -> AuthorizeAccess {
    AuthorizeAccess {
        shown: Revision(shown),
        grant: new_grant(),
        valid_until: end_of_march_2027(),
        partner_record_version: 3,
        text: shown_text(),
        terms_version: "2026-04".to_owned(),
        supersedes: BTreeMap::new(),
    }
}

/// What the page of [`allow`] says.
pub(crate) fn given_under() -> GivenUnder {
    GivenUnder {
        terms_version: "2026-04".to_owned(),
        partner_record_version: 3,
    }
}

/// The treasurer's terms with the partner: from that instant to the end of March 2027.
pub(crate) fn terms(scope: Scope, valid_from: Instant) -> GrantTerms {
    GrantTerms {
        contract: contract_id(),
        user: treasurer(),
        client: client(),
        partner: partner(),
        scope,
        history_from: None,
        valid_from,
        valid_until: end_of_march_2027(),
        given_under: Some(given_under()),
    }
}

/// The pair's one linkage, granted by another journey at the start of the story.
pub(crate) fn granted(scope: Scope) -> ConsentEvent {
    ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: terms(scope, start()),
        place: Place::Default,
    }
}

pub(crate) fn registered(name: &str, journey: JourneyId) -> ContractEvent {
    ContractEvent::AccountRegistered {
        account: account(name),
        pin_scope: pin_scope(),
        journey,
    }
}

pub(crate) fn withdrawn<'n>(
    journey: JourneyId,
    names: impl IntoIterator<Item = &'n str>,
) -> ContractEvent {
    ContractEvent::AccountRegistrationsWithdrawn {
        journey,
        accounts: accounts(names),
    }
}

pub(crate) fn pin_locked(pin_scope: PinScopeId) -> ContractEvent {
    ContractEvent::PinLocked {
        pin_scope,
        limit: 5,
    }
}
