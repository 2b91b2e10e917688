//! The filters of a search for consents.

use consent_domain::{AccountId, BankCode, ContractId, PartnerId, consent::RevocationReason};
use utoipa::IntoParams;

use super::query::{Parameters, span};
use crate::{
    problem::Problem,
    search::consents::{Among, ConsentSearch, Few, Status},
};

/// Which consents.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Described {
    /// Of this partner.
    partner: Option<String>,
    /// Of this contract (団体), as the bank names it.
    contract: Option<String>,
    /// That cover this account, as the bank names it, or covered it last.
    account: Option<String>,
    /// `live`, `suspended` (for a cause of its own), `expired` (by the clock), `revoked`, `superseded`.
    #[param(example = "live")]
    status: Option<String>,
    /// Revoked for this reason, as a code; goes with `status=revoked` or none.
    #[param(example = "customer_request")]
    reason: Option<String>,
    /// That began at this time or later (RFC 3339). Without `status` and `reason`, or of one contract or account.
    began_from: Option<String>,
    /// That began before this time.
    began_to: Option<String>,
    /// That ended, or end, at this time or later.
    ended_from: Option<String>,
    /// That ended, or end, before this time.
    ended_to: Option<String>,
}

/// Takes the filters out of a query.
///
/// # Errors
/// `invalid_parameter`; `filters_not_combinable` for what no index serves.
pub(crate) fn take(bank: &BankCode, parameters: &mut Parameters) -> Result<ConsentSearch, Problem> {
    let invalid = Problem::invalid_parameter;
    let partner = parameters
        .take("partner")
        .map(PartnerId::parse)
        .transpose()
        .map_err(|_| invalid("partner is no partner's id."))?;
    let few = Few {
        contract: parameters
            .take("contract")
            .map(ContractId::parse)
            .transpose()
            .map_err(|_| invalid("contract is no contract's id."))?,
        account: parameters
            .take("account")
            .map(AccountId::parse)
            .transpose()
            .map_err(|_| invalid("account is no account's id; numbers are not taken."))?,
        status: status(parameters)?,
        reason: reason(parameters)?,
        began: span(parameters, "began_from", "began_to")?,
        ends: span(parameters, "ended_from", "ended_to")?,
    };
    if few.reason.is_some() && !matches!(few.status, None | Some(Status::Revoked)) {
        return Err(invalid(
            "reason goes with status=revoked, or without status.",
        ));
    }
    Ok(ConsentSearch {
        bank: bank.clone(),
        partner,
        among: among(few)?,
    })
}

fn among(few: Few) -> Result<Among, Problem> {
    if few.contract.is_some() || few.account.is_some() {
        return Ok(Among::Few(few));
    }
    if few.status.is_none() && few.reason.is_none() && few.ends.is_open() {
        return Ok(Among::Begun { began: few.began });
    }
    if !few.began.is_open() {
        return Err(Problem::FILTERS_NOT_COMBINABLE);
    }
    Ok(Among::Ending {
        status: few.status,
        reason: few.reason,
        ends: few.ends,
    })
}

fn status(parameters: &mut Parameters) -> Result<Option<Status>, Problem> {
    let Some(name) = parameters.take("status") else {
        return Ok(None);
    };
    Status::find(&name)
        .map(Some)
        .ok_or(Problem::invalid_parameter(
            "status is live, suspended, expired, revoked or superseded.",
        ))
}

fn reason(parameters: &mut Parameters) -> Result<Option<RevocationReason>, Problem> {
    let Some(name) = parameters.take("reason") else {
        return Ok(None);
    };
    let found = RevocationReason::find(&name).map(Some);
    found.ok_or(Problem::invalid_parameter(
        "reason is no code of a revocation's reason.",
    ))
}
