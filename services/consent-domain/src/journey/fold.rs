use chrono::TimeDelta;

use super::{
    Draft, Ended, InProgress, Journey, JourneyEnd, JourneyEvent, Login, Request, Revision, Stage,
};

/// What a journey is after a fact.
pub(super) fn evolve(state: &mut Journey, event: &JourneyEvent) {
    match event {
        JourneyEvent::ConsentRequested {
            journey,
            bank,
            client,
            partner,
            tasks,
            accounts,
            history_from,
            grant_action,
            request_sha256,
            limits,
            requested_at,
        } => {
            // A journey begins once: neither a step nor an end is taken back by another request.
            if !matches!(state, Journey::Absent) {
                return;
            }
            *state = Journey::InProgress(Box::new(InProgress {
                request: Request {
                    journey: journey.clone(),
                    bank: bank.clone(),
                    client: client.clone(),
                    partner: partner.clone(),
                    tasks: tasks.clone(),
                    accounts: accounts.clone(),
                    history_from: *history_from,
                    grant_action: grant_action.clone(),
                    request_sha256: request_sha256.clone(),
                    limits: *limits,
                    requested_at: *requested_at,
                    ends_at: *requested_at + TimeDelta::seconds(i64::from(limits.total_seconds)),
                },
                revision: Revision(0),
                stage: Stage::AwaitingLogin,
            }));
        }
        JourneyEvent::AccessAuthorized { grant, .. } => {
            end(
                state,
                JourneyEnd::Authorized {
                    grant: grant.clone(),
                },
            );
        }
        JourneyEvent::JourneyCancelled { step } => {
            end(state, JourneyEnd::Cancelled { step: *step });
        }
        JourneyEvent::AccessDeclined { .. } => end(state, JourneyEnd::Declined),
        JourneyEvent::JourneyTimedOut { step, cause, .. } => {
            end(
                state,
                JourneyEnd::TimedOut {
                    step: *step,
                    cause: *cause,
                },
            );
        }
        JourneyEvent::JourneyFailed { step, code } => {
            end(
                state,
                JourneyEnd::Failed {
                    step: *step,
                    code: *code,
                },
            );
        }
        step => {
            // An end is final: a step's fact after it changes nothing.
            if let Journey::InProgress(journey) = state {
                evolve_step(journey, step);
            }
        }
    }
}

fn end(state: &mut Journey, end: JourneyEnd) {
    if let Journey::InProgress(journey) = state {
        *state = Journey::Ended(Ended {
            request: journey.request.clone(),
            contract: journey.stage.login().map(|login| login.contract.clone()),
            end,
        });
    }
}

fn evolve_step(journey: &mut InProgress, event: &JourneyEvent) {
    match event {
        JourneyEvent::LoginSucceeded {
            contract,
            user,
            role,
            method,
            at,
            basis,
        } => {
            let login = Login {
                contract: contract.clone(),
                user: user.clone(),
                role: *role,
                method: *method,
                at: *at,
                basis: basis.clone(),
            };
            match journey.stage.login_mut() {
                Some(current) => *current = login,
                None => journey.stage = Stage::ChoosingTasks { login },
            }
        }
        JourneyEvent::LinkageBasisChanged { revision, basis } => {
            journey.revision = *revision;
            if let Some(login) = journey.stage.login_mut() {
                login.basis = basis.clone();
            }
            if let Stage::Authorizing {
                login,
                tasks,
                draft,
            } = &journey.stage
            {
                journey.stage = Stage::Confirming {
                    login: login.clone(),
                    tasks: tasks.clone(),
                    draft: draft.clone(),
                };
            }
        }
        JourneyEvent::TasksSelected { revision, tasks } => {
            journey.revision = *revision;
            if let Some(login) = journey.stage.login() {
                journey.stage = Stage::ChoosingAccounts {
                    login: login.clone(),
                    tasks: tasks.clone(),
                    draft: journey.stage.draft().cloned(),
                };
            }
        }
        JourneyEvent::AccountsSelected {
            revision,
            seen,
            ticked,
        } => {
            journey.revision = *revision;
            if let (Some(login), Some(tasks)) = (journey.stage.login(), journey.stage.tasks()) {
                journey.stage = Stage::Confirming {
                    login: login.clone(),
                    tasks: tasks.clone(),
                    draft: Draft {
                        seen: seen.clone(),
                        ticked: ticked.clone(),
                        ..Draft::default()
                    },
                };
            }
        }
        JourneyEvent::AccountsRegistered {
            tasks, without_pin, ..
        } => {
            if let Some(draft) = journey.stage.draft_mut() {
                draft.registered.clone_from(tasks);
                draft.without_pin.clone_from(without_pin);
            }
        }
        JourneyEvent::AccountRegistrationRejected {
            account, reason, ..
        } => {
            if let Some(draft) = journey.stage.draft_mut() {
                draft.rejected.insert(account.clone(), *reason);
            }
        }
        JourneyEvent::RegistrationConfirmed { .. } => {
            if let Stage::Confirming {
                login,
                tasks,
                draft,
            } = &journey.stage
            {
                journey.stage = Stage::Authorizing {
                    login: login.clone(),
                    tasks: tasks.clone(),
                    draft: draft.clone(),
                };
            }
        }
        // Begins and ends are folded by the caller.
        JourneyEvent::ConsentRequested { .. }
        | JourneyEvent::AccessAuthorized { .. }
        | JourneyEvent::JourneyCancelled { .. }
        | JourneyEvent::AccessDeclined { .. }
        | JourneyEvent::JourneyTimedOut { .. }
        | JourneyEvent::JourneyFailed { .. } => {}
    }
}
