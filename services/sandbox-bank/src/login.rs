//! Logins: the password is judged first, and only a right one learns why it may not proceed.

use std::sync::Arc;

use renkei_proto::bank::v1 as port;

use crate::attempts::{Attempt, AttemptId, LoginOutcome};
use crate::certificate;
use crate::port_error::PortError;
use crate::secret::Secret;
use crate::seed::{BankCode, Contract, LoginMethod, Seed, User};
use crate::state::State;
use crate::switches::CustomerFlag;

/// The bank's login ids and passwords have 6 to 12 characters; anything this long is a defect.
const TYPED_BYTES_MAX: usize = 128;

pub(crate) fn authenticate(
    seed: &Seed,
    state: &mut State,
    bank: BankCode,
    request: &port::AuthenticateRequest,
) -> Result<port::AuthenticateResponse, PortError> {
    let attempt_id = AttemptId::parse(&request.attempt_id)?;
    let method = match request.method() {
        port::LoginMethod::Password => LoginMethod::Password,
        port::LoginMethod::Certificate => LoginMethod::Certificate,
        port::LoginMethod::Unspecified => return Err(PortError::Invalid("method is unspecified")),
    };
    if request.login_id.is_empty() || request.login_id.len() > TYPED_BYTES_MAX {
        return Err(PortError::Invalid("login_id is empty or too long"));
    }
    if request.password.len() > TYPED_BYTES_MAX {
        return Err(PortError::Invalid("password is too long"));
    }

    match state.attempts.find(bank, attempt_id) {
        Some(Attempt::Login { login_id, outcome }) if *login_id == request.login_id => {
            return Ok(response(outcome));
        }
        Some(Attempt::Void) => return Err(PortError::VoidLogin),
        Some(_) => return Err(PortError::Invalid("attempt_id belongs to another attempt")),
        None => {}
    }
    let certificate = match method {
        LoginMethod::Password => Ok(()),
        LoginMethod::Certificate => {
            certificate::check(state, bank, request.certificate.as_ref(), &request.login_id)?
        }
    };
    let outcome = match certificate {
        Ok(()) => judge(seed, state, bank, request, method),
        Err(reason) => LoginOutcome::CertificateRefused(reason),
    };
    let answer = response(&outcome);
    let login_id = request.login_id.clone();
    state
        .attempts
        .remember(bank, attempt_id, Attempt::Login { login_id, outcome });
    Ok(answer)
}

fn judge(
    seed: &Seed,
    state: &mut State,
    bank: BankCode,
    request: &port::AuthenticateRequest,
    method: LoginMethod,
) -> LoginOutcome {
    let Some((contract, user)) = seed.login(bank, &request.login_id) else {
        // Compared all the same, so that an unknown id takes the time of a known one.
        let _ = Secret::of_nobody().matches(&request.password);
        state.logins.unknown(bank, &request.login_id).failed();
        return LoginOutcome::UnknownLoginId;
    };
    let limit = state.switches.login_limit;
    let tally = state.logins.known(bank, &user.login_id);
    if !user.password.matches(&request.password) {
        tally.failed();
        return LoginOutcome::WrongPassword(Arc::clone(contract), Arc::clone(user));
    }
    let locked_by_failures = tally.failures_in_a_row >= limit;
    if locked_by_failures {
        tally.refused();
    } else {
        tally.succeeded();
    }
    let refusal = if locked_by_failures {
        Some(port::LoginRefusal::Locked)
    } else {
        refusal(state, bank, contract, user, method)
    };
    match refusal {
        Some(reason) => LoginOutcome::Refused(reason, Arc::clone(contract), Arc::clone(user)),
        None => LoginOutcome::Authenticated(Arc::clone(contract), Arc::clone(user)),
    }
}

/// Why a login with the right password may not proceed.
fn refusal(
    state: &State,
    bank: BankCode,
    contract: &Contract,
    user: &User,
    method: LoginMethod,
) -> Option<port::LoginRefusal> {
    let flags = state.flags_of(bank, user);
    let by_certificate = contract.login_method == LoginMethod::Certificate
        || flags.contains(&CustomerFlag::CertificateRequired);
    if flags.contains(&CustomerFlag::Locked) {
        Some(port::LoginRefusal::Locked)
    } else if flags.contains(&CustomerFlag::Stopped) {
        Some(port::LoginRefusal::Stopped)
    } else if by_certificate && method == LoginMethod::Password {
        Some(port::LoginRefusal::CertificateRequired)
    } else if !by_certificate && method == LoginMethod::Certificate {
        Some(port::LoginRefusal::CertificateNotAllowed)
    } else if flags.contains(&CustomerFlag::PasswordChangeDue) {
        Some(port::LoginRefusal::PasswordChangeDue)
    } else {
        None
    }
}

fn response(outcome: &LoginOutcome) -> port::AuthenticateResponse {
    use port::authenticate_response::Outcome;
    let outcome = match outcome {
        LoginOutcome::Authenticated(contract, user) => {
            Outcome::Authenticated(port::Authenticated {
                subject: Some(contract.subject(user)),
                login_name: user.login_id.clone(),
                contract_name: contract.name.clone(),
                role: user.role.into(),
            })
        }
        LoginOutcome::WrongPassword(contract, user) => Outcome::Rejected(port::LoginRejected {
            subject: Some(contract.subject(user)),
        }),
        LoginOutcome::UnknownLoginId => Outcome::Rejected(port::LoginRejected { subject: None }),
        LoginOutcome::Refused(reason, contract, user) => Outcome::Refused(port::LoginRefused {
            reason: (*reason).into(),
            subject: Some(contract.subject(user)),
        }),
        LoginOutcome::CertificateRefused(reason) => {
            Outcome::CertificateRefused(port::CertificateRefused {
                reason: (*reason).into(),
            })
        }
    };
    port::AuthenticateResponse {
        outcome: Some(outcome),
        asked: None,
    }
}
