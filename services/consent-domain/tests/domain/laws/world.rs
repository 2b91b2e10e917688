//! The world of a walk: its streams as a store keeps them, its clock, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use consent_domain::{
    AccountId, GrantId, Instant, JourneyId, Stream,
    access::Evidence,
    bank::{Bank, BankEvent},
    bank_notice::{BankNotice, NoticeEffects, effects},
    consent::{Consent, ConsentEvent, Place, RemovalReason, Renewal, RevocationReason, RevokedBy},
    contract::{ContractEvent, ResetBy},
    journey::{
        AuthorizeAccess, ConfirmRegistration, EndJourney, GrantAction, Journey, JourneyEvent,
        LinkageBasis, RebaseLinkage, RecordLogin, RegisterAccounts, RequestConsent, Revision,
        RowVerdict, SelectTasks, Stage, TickedRow,
    },
    partner::PartnerAtBank,
    scope::{Scope, ScopePair, Task},
    suspension::{SuspensionCause, Suspensions},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::support::{
    facts::*,
    given::{Decided, Decision, Fact, State, state_of},
    names::*,
    samples::bank_record,
};

pub(super) const ACCOUNTS: [&str; 5] = [A_5000000, A_1111111, A_9999999, A_1000014, A_HIDDEN];

/// A stream as a store keeps it: its facts, and a state that goes through JSON between two commands
/// and is never folded anew.
pub(super) struct Told<E: Fact> {
    pub(super) history: Vec<E>,
    state: State<E>,
}

impl<E: Fact> Clone for Told<E> {
    fn clone(&self) -> Self {
        Self {
            history: self.history.clone(),
            state: self.state.clone(),
        }
    }
}

impl<E: Fact> Told<E> {
    pub(super) fn new(history: Vec<E>) -> Self {
        let state = state_of(&history);
        Self { history, state }
    }

    pub(super) fn live(&self) -> State<E> {
        self.state.clone()
    }

    fn append(&mut self, facts: Vec<E>) {
        for fact in facts {
            <E::Of as Stream>::evolve(&mut self.state, &fact);
            self.history.push(through_json(&fact));
        }
        self.state = through_json(&self.state);
    }
}

fn through_json<T: Serialize + DeserializeOwned>(told: &T) -> T {
    serde_json::from_str(&serde_json::to_string(told).unwrap()).unwrap()
}

/// What the last accepted form of step 4 proved, read from the form and not from the facts.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) seen: BTreeSet<AccountId>,
    pub(super) proven: Scope,
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) journey: Told<JourneyEvent>,
    pub(super) contract: Told<ContractEvent>,
    pub(super) consents: BTreeMap<GrantId, Told<ConsentEvent>>,
    pub(super) last_round: Option<Round>,
}

/// Who types a login id.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    Treasurer,
    Colleague,
    Stranger,
}

/// A ticked row: which account, what the bank says of its PIN, what it allows.
pub(super) type Row = (usize, RowVerdict, BTreeSet<Task>);

/// How far a page is behind.
pub(super) type Stale = u32;

/// What can happen in the world.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Request(GrantAction, BTreeSet<Task>),
    Login(Who, LinkageBasis),
    LoginToWhatThereIs(Who),
    Rebase(LinkageBasis),
    RebaseToWhatThereIs,
    SelectTasks(BTreeSet<Task>),
    Register(Stale, Vec<Row>),
    Confirm(Stale),
    Authorize(Stale),
    End(EndJourney),
    /// Whatever the page of the current step asks for.
    GoOn(Vec<Row>),
    AnotherJourneyRegisters(usize),
    AnotherJourneyWithdraws,
    AnotherJourneyAmends(Scope),
    Connect(GrantId, JourneyId),
    Revoke(GrantId, RevokedBy),
    Expire(GrantId),
    Supersede(GrantId),
    RemoveAccount(GrantId, usize),
    Suspend(GrantId, SuspensionCause),
    Restore(GrantId, SuspensionCause),
    /// For that many days from now.
    Renew(GrantId, i64),
    HandOver(GrantId),
    Warn(GrantId),
    /// What the bank tells, with all that follows by these settings.
    Notice(BankNotice, NoticeEffects),
    LockPin,
    UnlockPin,
    LockLogin,
}

/// How a command was answered; its facts are appended already.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    AlreadyDone,
    Refused(String),
}

type Asked<E, D> = Result<Decided<E, <D as Decision<E>>::Beside>, <D as Decision<E>>::Refusal>;

fn ask<E, D: Decision<E>>(answer: D) -> Asked<E, D> {
    answer.decided()
}

impl World {
    /// Before the request, with a live linkage that has this scope.
    pub(super) fn new(linkage: Option<Scope>, valid_minutes: i64) -> Self {
        let granted = linkage.map(|scope| ConsentEvent::AccessGranted {
            journey: another_journey(),
            terms: consent_domain::consent::GrantTerms {
                valid_until: minute(valid_minutes),
                ..terms(scope, start())
            },
            place: Place::Default,
        });
        Self {
            now: start(),
            journey: Told::new(Vec::new()),
            contract: Told::new(Vec::new()),
            consents: BTreeMap::from([
                (live_grant(), Told::new(granted.into_iter().collect())),
                (new_grant(), Told::new(Vec::new())),
            ]),
            last_round: None,
        }
    }

    /// How many facts there are.
    pub(super) fn facts(&self) -> usize {
        let of_consents: usize = self.consents.values().map(|told| told.history.len()).sum();
        self.journey.history.len() + self.contract.history.len() + of_consents
    }

    /// The linkage that a journey would find now.
    fn what_there_is(&self) -> LinkageBasis {
        match self.consents[&live_grant()].live().live_terms(self.now) {
            Some(terms) => amends(terms.scope.clone()),
            None => LinkageBasis::New,
        }
    }

    fn shown(&self, stale: Stale) -> Revision {
        match self.journey.live() {
            Journey::InProgress(journey) => Revision(journey.revision.0.saturating_sub(stale)),
            Journey::Absent | Journey::Ended(_) => Revision(0),
        }
    }

    fn of_journey<D>(&mut self, answer: D) -> Answer
    where
        D: Decision<JourneyEvent>,
        D::Beside: Into<Beside>,
        D::Refusal: std::fmt::Debug,
    {
        match ask(answer) {
            Err(refusal) => Answer::Refused(format!("{refusal:?}")),
            Ok(Decided::AlreadyDone) => Answer::AlreadyDone,
            Ok(Decided::Facts { own, beside }) => {
                for fact in beside {
                    match fact.into() {
                        Beside::Contract(fact) => self.contract.append(vec![fact]),
                        Beside::Consent(fact) => {
                            let journey = self.journey.live();
                            let grant = journey.amends().cloned().unwrap_or_else(new_grant);
                            self.consents.get_mut(&grant).unwrap().append(vec![fact]);
                        }
                    }
                }
                self.journey.append(own);
                Answer::Done
            }
        }
    }

    fn of_contract<D>(&mut self, answer: D) -> Answer
    where
        D: Decision<ContractEvent>,
        D::Refusal: std::fmt::Debug,
    {
        match ask(answer) {
            Err(refusal) => Answer::Refused(format!("{refusal:?}")),
            Ok(Decided::AlreadyDone) => Answer::AlreadyDone,
            Ok(Decided::Facts { own, .. }) => {
                self.contract.append(own);
                Answer::Done
            }
        }
    }

    fn of_consent<D>(&mut self, grant: &GrantId, answer: D) -> Answer
    where
        D: Decision<ConsentEvent>,
        D::Refusal: std::fmt::Debug,
    {
        match ask(answer) {
            Err(refusal) => Answer::Refused(format!("{refusal:?}")),
            Ok(Decided::AlreadyDone) => Answer::AlreadyDone,
            Ok(Decided::Facts { own, .. }) => {
                self.consents.get_mut(grant).unwrap().append(own);
                Answer::Done
            }
        }
    }

    /// Whether the consent's client may use it now, where neither partner nor bank stands against it.
    pub(super) fn may_read(&self, consent: &Consent) -> bool {
        let bank: Bank = state_of(&[BankEvent::BankRegistered {
            code: bank_code(),
            record: bank_record(),
        }]);
        let partner_at_bank = PartnerAtBank::Enabled {
            suspended: Suspensions::default(),
            contract: None,
        };
        let evidence = Evidence {
            consent,
            contract: self.contract.live().standing(),
            partner_at_bank: partner_at_bank.standing(),
            bank: bank.standing(),
            now: self.now,
        };
        evidence.live_for(&client()).is_ok()
    }

    fn take_notice(&mut self, notice: &BankNotice, settings: &NoticeEffects) -> Answer {
        let consents = self.consents.iter();
        let consents = consents.map(|(grant, told)| (grant.clone(), told.live()));
        let contract = self.contract.live();
        let all = effects(
            notice,
            self.now,
            settings,
            &contract,
            &consents.collect(),
            self.now,
        );
        match all {
            Err(refusal) => Answer::Refused(format!("{refusal:?}")),
            Ok(all) if all.contract.is_empty() && all.consents.is_empty() => Answer::AlreadyDone,
            Ok(all) => {
                self.contract.append(all.contract);
                for (grant, facts) in all.consents {
                    self.consents.get_mut(&grant).unwrap().append(facts);
                }
                Answer::Done
            }
        }
    }

    fn record_login(&mut self, who: Who, basis: LinkageBasis) -> Answer {
        let treasurer = login(basis);
        let login = match who {
            Who::Treasurer => treasurer,
            Who::Colleague => RecordLogin {
                user: bookkeeper(),
                ..treasurer
            },
            Who::Stranger => RecordLogin {
                contract: another_contract(),
                ..treasurer
            },
        };
        self.of_journey(self.journey.live().record_login(login, self.now))
    }

    fn register(&mut self, stale: Stale, rows: Vec<Row>) -> Answer {
        let journey = self.journey.live();
        let ticked: Vec<TickedRow> = rows
            .into_iter()
            .map(|(index, verdict, eligible)| TickedRow {
                eligible,
                ..row(ACCOUNTS[index], verdict)
            })
            .collect();
        let round = Round {
            seen: accounts(SEED_ACCOUNTS),
            proven: proven(&journey, &ticked),
        };
        let form = RegisterAccounts {
            shown: self.shown(stale),
            seen: round.seen.clone(),
            ticked,
        };
        let decided = journey.register_accounts(&self.contract.live(), form, self.now);
        let answer = self.of_journey(decided);
        if matches!(answer, Answer::Done) {
            self.last_round = Some(round);
        }
        answer
    }

    fn authorize(&mut self, stale: Stale) -> Answer {
        let journey = self.journey.live();
        let grant = journey.amends().cloned().unwrap_or_else(new_grant);
        let consent = self.consents[&grant].live();
        let allow = AuthorizeAccess {
            shown: self.shown(stale),
            valid_until: self.now + TimeDelta::minutes(40),
            ..allow(0)
        };
        self.of_journey(journey.authorize_access(&consent, allow, self.now))
    }

    fn go_on(&mut self, rows: Vec<Row>) -> Act {
        match self.journey.live() {
            Journey::Absent => Act::Request(GrantAction::Unspecified, tasks(BOTH)),
            Journey::Ended(_) => Act::Connect(new_grant(), this_journey()),
            Journey::InProgress(journey) => match journey.stage {
                Stage::AwaitingLogin => Act::LoginToWhatThereIs(Who::Treasurer),
                Stage::ChoosingTasks { .. } => Act::SelectTasks(journey.request.tasks.clone()),
                Stage::ChoosingAccounts { .. } => Act::Register(0, rows),
                Stage::Confirming { .. } => Act::Confirm(0),
                Stage::Authorizing { .. } => Act::Authorize(0),
            },
        }
    }

    /// Does it, and appends what comes of it.
    pub(super) fn act(&mut self, act: Act) -> Answer {
        let journey = self.journey.live();
        let contract = self.contract.live();
        let now = self.now;
        match act {
            Act::Request(grant_action, tasks) => {
                let request = RequestConsent {
                    grant_action,
                    tasks,
                    ..pushed_request()
                };
                self.of_journey(journey.request(request, now))
            }
            Act::Login(who, basis) => self.record_login(who, basis),
            Act::LoginToWhatThereIs(who) => self.record_login(who, self.what_there_is()),
            Act::Rebase(basis) => {
                self.of_journey(journey.rebase_linkage(RebaseLinkage { basis }, now))
            }
            Act::RebaseToWhatThereIs => {
                let basis = self.what_there_is();
                self.of_journey(journey.rebase_linkage(RebaseLinkage { basis }, now))
            }
            Act::SelectTasks(tasks) => {
                self.of_journey(journey.select_tasks(SelectTasks { tasks }, now))
            }
            Act::Register(stale, rows) => self.register(stale, rows),
            Act::Confirm(stale) => {
                let shown = self.shown(stale);
                self.of_journey(journey.confirm_registration(ConfirmRegistration { shown }, now))
            }
            Act::Authorize(stale) => self.authorize(stale),
            Act::End(how) => self.of_journey(journey.end(&contract, how, now)),
            Act::GoOn(rows) => {
                let next = self.go_on(rows);
                self.act(next)
            }
            Act::AnotherJourneyRegisters(index) => {
                let proven = [(account(ACCOUNTS[index]), pin_scope())];
                self.of_contract(contract.register(&another_journey(), proven))
            }
            Act::AnotherJourneyWithdraws => self.of_contract(contract.withdraw(&another_journey())),
            Act::AnotherJourneyAmends(scope) => {
                let grant = live_grant();
                let consent = self.consents[&grant].live();
                let basis = consent.terms().map(|terms| terms.scope.clone());
                let amended = consent.amend(
                    &another_journey(),
                    terms(scope, now),
                    &basis.unwrap_or_default(),
                    now,
                );
                self.of_consent(&grant, amended)
            }
            Act::Connect(grant, journey) => {
                let consent = self.consents[&grant].live();
                self.of_consent(&grant, consent.connect(&journey, now))
            }
            Act::Revoke(grant, by) => {
                let consent = self.consents[&grant].live();
                self.of_consent(
                    &grant,
                    consent.revoke(by, RevocationReason::NoLongerNeeded, now),
                )
            }
            Act::Expire(grant) => {
                let consent = self.consents[&grant].live();
                self.of_consent(&grant, consent.expire(now))
            }
            Act::Supersede(grant) => {
                let superseded =
                    self.consents[&grant]
                        .live()
                        .supersede(&new_grant(), &client(), now);
                self.of_consent(&grant, superseded)
            }
            Act::RemoveAccount(grant, index) => {
                let removed = self.consents[&grant].live().remove_account(
                    &account(ACCOUNTS[index]),
                    RevokedBy::Customer,
                    RemovalReason::NoLongerNeeded,
                    now,
                );
                self.of_consent(&grant, removed)
            }
            Act::Suspend(grant, cause) => {
                let suspended = self.consents[&grant].live().suspend(cause, now);
                self.of_consent(&grant, suspended)
            }
            Act::Restore(grant, cause) => {
                let restored = self.consents[&grant].live().restore(cause, now);
                self.of_consent(&grant, restored)
            }
            Act::Renew(grant, days) => {
                let renewal = Renewal {
                    journey: None,
                    user: bookkeeper(),
                    valid_until: now + TimeDelta::days(days),
                    continue_from: [(account(A_1000014), day(2026, 3, 1))].into(),
                };
                let renewed = self.consents[&grant].live().renew(&renewal, now);
                self.of_consent(&grant, renewed)
            }
            Act::HandOver(grant) => {
                let consent = self.consents[&grant].live();
                self.of_consent(&grant, consent.hand_over(&bookkeeper(), &contract, now))
            }
            Act::Warn(grant) => {
                let warned = self.consents[&grant].live().warn(now);
                self.of_consent(&grant, warned)
            }
            Act::Notice(notice, settings) => self.take_notice(&notice, &settings),
            Act::LockPin => self.of_contract(contract.lock_pin(&pin_scope(), 5)),
            Act::UnlockPin => self.of_contract(contract.unlock_pin(&pin_scope(), ResetBy::Bank)),
            Act::LockLogin => {
                let until = now + TimeDelta::minutes(15);
                self.of_contract(contract.lock_login(&treasurer(), until))
            }
        }
    }
}

/// What the form proves: the chosen tasks that can be had, of accounts whose every row is right.
fn proven(journey: &Journey, ticked: &[TickedRow]) -> Scope {
    let Journey::InProgress(journey) = journey else {
        return Scope::default();
    };
    let chosen = journey.stage.tasks().cloned().unwrap_or_default();
    let fails = |name: &AccountId| {
        let mut rows = ticked.iter().filter(|row| &row.account == name);
        rows.any(|row| row.verdict != RowVerdict::Match || chosen.is_disjoint(&row.eligible))
    };
    let proven = ticked.iter().filter(|row| !fails(&row.account));
    let pairs = proven.flat_map(|row| {
        chosen.intersection(&row.eligible).map(|task| ScopePair {
            account: row.account.clone(),
            task: *task,
        })
    });
    pairs.collect()
}

/// A fact of the stream that commits with a journey's.
pub(super) enum Beside {
    Contract(ContractEvent),
    Consent(ConsentEvent),
}

impl From<ContractEvent> for Beside {
    fn from(fact: ContractEvent) -> Self {
        Self::Contract(fact)
    }
}

impl From<ConsentEvent> for Beside {
    fn from(fact: ConsentEvent) -> Self {
        Self::Consent(fact)
    }
}

impl From<crate::support::given::Never> for Beside {
    fn from(never: crate::support::given::Never) -> Self {
        match never {}
    }
}
