//! One journey through the seven steps, whether it ends with 許可 or on the way.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use consent::store::{Actor, CommandContext};
use consent_domain::{
    AccountId, Instant, JourneyId, UserId,
    consent::Consent,
    contract::Contract,
    journey::{
        AuthorizeAccess, ConfirmRegistration, EndJourney, FailureCode, GrantAction, Journey,
        JourneyRefusal, JourneyStream, LinkageBasis, RecordLogin, RegisterAccounts,
        RejectionReason, RequestConsent, Revision, RowVerdict, SelectTasks, SessionAtTimeOut,
        ShownText, Step, TickedRow, TimeLimits, UserRole,
    },
    scope::Task,
};

use super::{
    commit::Living,
    customer::{Customer, Linkage},
    life::Act,
    simulation::Simulation,
};
use crate::error::BenchError;

/// Where a thousand journeys stop; the others end with 許可.
const STOPS: [(u32, Option<Stop>); 13] = [
    (90, Some(Stop::Leaves(Step::Login))),
    (40, Some(Stop::Cancels(Step::Login))),
    (
        12,
        Some(Stop::Fails(Step::Login, FailureCode::LoginRefused)),
    ),
    (5, Some(Stop::Fails(Step::Login, FailureCode::BankClosed))),
    (
        3,
        Some(Stop::Fails(Step::Login, FailureCode::BankUnavailable)),
    ),
    (25, Some(Stop::Cancels(Step::Tasks))),
    (15, Some(Stop::Leaves(Step::Tasks))),
    (40, Some(Stop::Leaves(Step::Accounts))),
    (30, Some(Stop::Cancels(Step::Accounts))),
    (15, Some(Stop::Leaves(Step::Confirm))),
    (35, Some(Stop::Cancels(Step::Authorize))),
    (10, Some(Stop::Leaves(Step::Authorize))),
    (680, None),
];
/// Wrong PINs in a row that lock it, as banks set it by default.
const PIN_LIMIT: u32 = 5;

/// How a journey ends before its time.
#[derive(Clone, Copy)]
enum Stop {
    /// The browser is closed, or nobody is at it any more.
    Leaves(Step),
    /// Cancelled, or declined at step 6.
    Cancels(Step),
    /// It can't go on.
    Fails(Step, FailureCode),
}

impl Stop {
    fn step(self) -> Step {
        match self {
            Self::Leaves(step) | Self::Cancels(step) | Self::Fails(step, _) => step,
        }
    }
}

/// A journey on its way.
struct Walk {
    id: JourneyId,
    living: Living<JourneyStream>,
    partner: usize,
    user: UserId,
    at: Instant,
    stop: Option<Stop>,
}

/// Whether a journey goes on.
#[derive(PartialEq, Eq)]
enum Going {
    On,
    Over,
}

impl Simulation {
    /// Walks one journey. Where it stops on the way, another one is planned, perhaps.
    pub(super) fn walk(
        &mut self,
        customer: &mut Customer,
        partner: usize,
        action: GrantAction,
        at: Instant,
    ) -> Result<(), BenchError> {
        // Nobody can log in there any more.
        if customer.record.state.is_closed() {
            return Ok(());
        }
        let id = JourneyId::parse(self.chance.id().to_string()).map_err(BenchError::wrong)?;
        let mut walk = Walk {
            living: Living::unborn(customer.stream(id.as_str())),
            id,
            partner,
            user: self.chance.one_of(&customer.users)?.clone(),
            at,
            stop: self.chance.weighted(&STOPS)?,
        };
        self.request_consent(customer, &mut walk, action.clone())?;
        let going = self.steps(customer, &mut walk)?;
        let stopped = going == Going::Over && matches!(walk.living.state, Journey::Ended(_));
        if stopped && self.chance.happens(0.5) {
            let again = walk.at + self.chance.seconds(300, 3 * 86_400);
            self.plan(again, customer.number, Act::Journey { partner, action });
        }
        customer.busy_until = walk.at;
        let row = walk.living.row()?;
        self.finish(row);
        Ok(())
    }

    fn steps(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<Going, BenchError> {
        let steps = [
            Self::log_in,
            Self::select_tasks,
            Self::register_accounts,
            Self::confirm,
            Self::authorize,
        ];
        for step in steps {
            if self.stops(customer, walk)? == Going::Over
                || step(self, customer, walk)? == Going::Over
            {
                return Ok(Going::Over);
            }
        }
        Ok(Going::On)
    }

    /// Lets time go by; over where all time is.
    fn after(&mut self, walk: &mut Walk, least: i64, most: i64) -> Going {
        let at = walk.at + self.chance.seconds(least, most);
        if self.is_over(at) {
            return Going::Over;
        }
        walk.at = at;
        Going::On
    }

    fn by_customer(
        &mut self,
        customer: &Customer,
        walk: &Walk,
    ) -> Result<CommandContext, BenchError> {
        let context = self.request(Actor::Customer(Some(walk.user.to_string())));
        customer.context(&self.field, Some(walk.partner), context)
    }

    fn by_partner(
        &mut self,
        customer: &Customer,
        walk: &Walk,
    ) -> Result<CommandContext, BenchError> {
        let client = self.field.partner(walk.partner)?.client.to_string();
        let context = self.request(Actor::Partner(client));
        customer.context(&self.field, Some(walk.partner), context)
    }

    fn request_consent(
        &mut self,
        customer: &Customer,
        walk: &mut Walk,
        action: GrantAction,
    ) -> Result<(), BenchError> {
        let both = self.chance.happens(0.85);
        let history = self
            .chance
            .happens(0.3)
            .then(|| self.chance.between(30, 400));
        let digest = self.chance.digest();
        let (bank, partner) = (
            self.field.bank(customer.bank)?,
            self.field.partner(walk.partner)?,
        );
        let settings = &bank.record.settings;
        let command = RequestConsent {
            journey: walk.id.clone(),
            bank: bank.code.clone(),
            client: partner.client.clone(),
            partner: partner.id.clone(),
            tasks: if both {
                BTreeSet::from(Task::ALL)
            } else {
                BTreeSet::from([Task::Balance])
            },
            accounts: BTreeSet::new(),
            history_from: history.map(|days| (walk.at - TimeDelta::days(days)).date_naive()),
            grant_action: action,
            request_sha256: digest,
            limits: TimeLimits {
                idle_seconds: settings.idle_seconds,
                total_seconds: settings.journey_seconds,
            },
        };
        let facts = walk.living.state.request(command, walk.at);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = walk.living.take(&mut self.chance, walk.at, &facts)?;
        // Nobody has logged in: the contract is not known yet.
        let context = CommandContext {
            contract: None,
            ..self.by_partner(customer, walk)?
        };
        self.commit(walk.at, context, [part]);
        Ok(())
    }

    /// Ends the journey where it is meant to end at the step that is next.
    fn stops(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<Going, BenchError> {
        let Journey::InProgress(journey) = &walk.living.state else {
            return Ok(Going::Over);
        };
        let Some(stop) = walk.stop.filter(|stop| stop.step() == journey.stage.step()) else {
            return Ok(Going::On);
        };
        self.end(customer, walk, stop)?;
        Ok(Going::Over)
    }

    fn end(
        &mut self,
        customer: &mut Customer,
        walk: &mut Walk,
        stop: Stop,
    ) -> Result<(), BenchError> {
        let Journey::InProgress(journey) = &walk.living.state else {
            return Ok(());
        };
        let (ends_at, nobody_knows) = (journey.request.ends_at, journey.login().is_err());
        let how = match stop {
            Stop::Leaves(_) => {
                // Found by the sweeper.
                let at = ends_at + self.chance.seconds(1, 40);
                if self.is_over(at) {
                    return Ok(());
                }
                walk.at = at;
                EndJourney::ByTime(if self.chance.happens(0.2) {
                    SessionAtTimeOut::Alive
                } else {
                    SessionAtTimeOut::None
                })
            }
            Stop::Cancels(_) | Stop::Fails(..) => {
                if self.after(walk, 5, 200) == Going::Over {
                    return Ok(());
                }
                match stop {
                    Stop::Fails(_, code) => EndJourney::ByFailure(code),
                    _ => EndJourney::ByCustomer,
                }
            }
        };
        let none = Contract::default();
        let contract = if nobody_knows {
            &none
        } else {
            &customer.record.state
        };
        let ended = walk.living.state.end(contract, how, walk.at);
        let (outcome, withdrawn) = ended.map_err(BenchError::wrong)?;
        let chance = &mut self.chance;
        let journeys = walk.living.take(chance, walk.at, &outcome.into_events())?;
        let contracts = customer.record.take(chance, walk.at, &withdrawn)?;
        let mut context = match how {
            EndJourney::ByTime(_) => {
                let system = CommandContext::of(Actor::System);
                customer.context(&self.field, Some(walk.partner), system)?
            }
            _ => self.by_customer(customer, walk)?,
        };
        if nobody_knows {
            context.contract = None;
            if matches!(context.actor, Actor::Customer(_)) {
                context.actor = Actor::Customer(None);
            }
        }
        self.commit(walk.at, context, [journeys, contracts]);
        Ok(())
    }

    fn log_in(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<Going, BenchError> {
        if self.after(walk, 20, 180) == Going::Over {
            return Ok(Going::Over);
        }
        // A linkage whose time has passed must not stand in the way.
        self.expire_due(customer, walk.at)?;
        let client = &self.field.partner(walk.partner)?.client;
        let command = RecordLogin {
            contract: customer.contract.clone(),
            user: walk.user.clone(),
            role: if walk.user.as_str().ends_with("-1") {
                UserRole::Master
            } else {
                UserRole::General
            },
            method: customer.method,
            basis: customer.basis(client, walk.at),
        };
        let facts = walk.living.state.record_login(command, walk.at);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = walk.living.take(&mut self.chance, walk.at, &facts)?;
        let context = CommandContext {
            causation_id: Some(self.chance.id()),
            ..self.by_customer(customer, walk)?
        };
        self.commit(walk.at, context, [part]);
        Ok(Going::On)
    }

    fn select_tasks(
        &mut self,
        customer: &mut Customer,
        walk: &mut Walk,
    ) -> Result<Going, BenchError> {
        if self.after(walk, 5, 60) == Going::Over {
            return Ok(Going::Over);
        }
        let Journey::InProgress(journey) = &walk.living.state else {
            return Ok(Going::Over);
        };
        let asked = journey.request.tasks.clone();
        let tasks = if self.chance.happens(0.9) {
            asked
        } else {
            BTreeSet::from([Task::Balance])
        };
        let facts = walk
            .living
            .state
            .select_tasks(SelectTasks { tasks }, walk.at);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = walk.living.take(&mut self.chance, walk.at, &facts)?;
        let context = self.by_customer(customer, walk)?;
        self.commit(walk.at, context, [part]);
        Ok(Going::On)
    }

    /// Step 4, once more where nothing could be registered; a customer who fails twice gives up.
    fn register_accounts(
        &mut self,
        customer: &mut Customer,
        walk: &mut Walk,
    ) -> Result<Going, BenchError> {
        for _ in 0..2 {
            if self.after(walk, 20, 200) == Going::Over {
                return Ok(Going::Over);
            }
            self.register_once(customer, walk)?;
            let draft = match &walk.living.state {
                Journey::InProgress(journey) => journey.stage.draft(),
                Journey::Absent | Journey::Ended(_) => None,
            };
            if draft.is_some_and(|draft| !draft.registered.is_empty()) {
                return Ok(Going::On);
            }
        }
        self.end(customer, walk, Stop::Cancels(Step::Confirm))?;
        Ok(Going::Over)
    }

    fn register_once(
        &mut self,
        customer: &mut Customer,
        walk: &mut Walk,
    ) -> Result<(), BenchError> {
        let seen: BTreeSet<AccountId> = customer.accounts.iter().cloned().collect();
        let locked = customer.record.state.is_pin_locked(&customer.pin_scope);
        let most = self.chance.below(customer.accounts.len()) + 1;
        let mut ticked = Vec::new();
        for account in customer.accounts.iter().take(most) {
            let verdict = if locked {
                RowVerdict::Rejected(RejectionReason::PinLocked)
            } else {
                self.chance.weighted(&[
                    (950, RowVerdict::Match),
                    (40, RowVerdict::Rejected(RejectionReason::PinMismatch)),
                    (
                        5,
                        RowVerdict::Rejected(RejectionReason::VerifierUnavailable),
                    ),
                ])?
            };
            ticked.push(TickedRow {
                account: account.clone(),
                pin_scope: customer.pin_scope.clone(),
                eligible: if self.chance.happens(0.97) {
                    BTreeSet::from(Task::ALL)
                } else {
                    BTreeSet::from([Task::Balance])
                },
                verdict,
            });
        }
        let mistyped = ticked
            .iter()
            .any(|row| row.verdict == RowVerdict::Rejected(RejectionReason::PinMismatch));
        let command = RegisterAccounts {
            shown: revision(&walk.living.state),
            seen,
            ticked,
        };
        let contract = &customer.record.state;
        let facts = walk
            .living
            .state
            .register_accounts(contract, command, walk.at);
        let (journeys, contracts) = facts.map_err(BenchError::wrong)?;
        let journeys = walk.living.take(&mut self.chance, walk.at, &journeys)?;
        let contracts = customer
            .record
            .take(&mut self.chance, walk.at, &contracts)?;
        let context = self.by_customer(customer, walk)?;
        self.commit(walk.at, context, [journeys, contracts]);
        if mistyped && self.chance.happens(0.05) {
            self.lock_pin(customer, walk)?;
        }
        Ok(())
    }

    fn lock_pin(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<(), BenchError> {
        if self.after(walk, 1, 2) == Going::Over {
            return Ok(());
        }
        let facts = customer
            .record
            .state
            .lock_pin(&customer.pin_scope, PIN_LIMIT);
        let part = customer
            .record
            .take(&mut self.chance, walk.at, &facts.into_events())?;
        let context = CommandContext {
            actor: Actor::System,
            causation_id: Some(self.chance.id()),
            ..self.by_customer(customer, walk)?
        };
        self.commit(walk.at, context, [part]);
        let unlocked = walk.at + self.chance.days(1, 6);
        self.plan(unlocked, customer.number, Act::UnlockPin);
        Ok(())
    }

    fn confirm(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<Going, BenchError> {
        if self.after(walk, 5, 60) == Going::Over {
            return Ok(Going::Over);
        }
        let command = ConfirmRegistration {
            shown: revision(&walk.living.state),
        };
        let facts = walk.living.state.confirm_registration(command, walk.at);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = walk.living.take(&mut self.chance, walk.at, &facts)?;
        let context = self.by_customer(customer, walk)?;
        self.commit(walk.at, context, [part]);
        Ok(Going::On)
    }

    fn authorize(&mut self, customer: &mut Customer, walk: &mut Walk) -> Result<Going, BenchError> {
        if self.after(walk, 10, 120) == Going::Over {
            return Ok(Going::Over);
        }
        let Journey::InProgress(journey) = &walk.living.state else {
            return Ok(Going::Over);
        };
        let basis = journey.login().map_err(BenchError::wrong)?.basis.clone();
        let (grant, place) = match &basis {
            LinkageBasis::Amends { grant, .. } => {
                let place = customer
                    .standing()
                    .find(|(_, linkage)| linkage.grant == *grant);
                (grant.clone(), place.map(|(place, _)| place))
            }
            LinkageBasis::New | LinkageBasis::Beside => (self.new_grant()?, None),
        };
        let place = match place {
            Some(place) => place,
            None => {
                customer.linkages.push(Some(Linkage {
                    consent: Living::unborn(customer.stream(grant.as_str())),
                    grant: grant.clone(),
                    partner: walk.partner,
                    clock: None,
                }));
                customer.linkages.len() - 1
            }
        };
        let bank = self.field.bank(customer.bank)?;
        let command = AuthorizeAccess {
            shown: revision(&walk.living.state),
            grant,
            valid_until: bank.end_of_validity(walk.at)?,
            partner_record_version: self.field.partner(walk.partner)?.record_version,
            text: ShownText {
                version: "1".to_owned(),
                locale: if self.chance.happens(0.97) {
                    "ja"
                } else {
                    "en"
                }
                .to_owned(),
                sha256: self.chance.digest(),
            },
            terms_version: bank.record.settings.terms_version.clone(),
            // Its banks let linkages stand beside each other.
            supersedes: BTreeMap::new(),
        };
        let Some(linkage) = customer.linkage_mut(place) else {
            return Ok(Going::Over);
        };
        let journey = &walk.living.state;
        let facts = journey.authorize_access(&linkage.consent.state, command, walk.at);
        let facts = match facts {
            // The linkage's time passed since the login; this customer does not begin again.
            Err(JourneyRefusal::LinkageMoved(_)) => {
                self.end(customer, walk, Stop::Leaves(Step::Authorize))?;
                return Ok(Going::Over);
            }
            facts => facts.map_err(BenchError::wrong)?,
        };
        let consents = linkage
            .consent
            .take(&mut self.chance, walk.at, &facts.consent)?;
        let journeys = walk
            .living
            .take(&mut self.chance, walk.at, &[facts.journey])?;
        let context = self.by_customer(customer, walk)?;
        self.commit(walk.at, context, [journeys, consents]);
        self.connect(customer, walk, place)?;
        self.plan_period(customer, place, walk.at)?;
        Ok(Going::On)
    }

    /// The partner fetches its first token; one in some hundred never does.
    fn connect(
        &mut self,
        customer: &mut Customer,
        walk: &mut Walk,
        place: usize,
    ) -> Result<(), BenchError> {
        if self.chance.happens(0.005) || self.after(walk, 1, 4) == Going::Over {
            return Ok(());
        }
        let Some(linkage) = customer.linkage_mut(place) else {
            return Ok(());
        };
        let consent: &Consent = &linkage.consent.state;
        let facts = consent.connect(&walk.id, walk.at);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = linkage.consent.take(&mut self.chance, walk.at, &facts)?;
        let context = self.by_partner(customer, walk)?;
        self.commit(walk.at, context, [part]);
        Ok(())
    }
}

fn revision(journey: &Journey) -> Revision {
    match journey {
        Journey::InProgress(journey) => journey.revision,
        Journey::Absent | Journey::Ended(_) => Revision(0),
    }
}
