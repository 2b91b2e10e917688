//! The filters of a search for journeys.

use consent_domain::{BankCode, JourneyId, PartnerId};
use utoipa::IntoParams;

use super::query::{Parameters, span};
use crate::{
    problem::Problem,
    protocol::digest::sha256,
    search::journeys::{JourneySearch, JourneyStatus, OneJourney, STAGES, stage_name},
};

/// Which journeys.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Described {
    /// Only this one.
    journey: Option<String>,
    /// Only the one that the partner began with this `request_uri`; for 90 days.
    request_uri: Option<String>,
    /// Of this partner.
    partner: Option<String>,
    /// `in_progress`, `authorized`, `declined`, `cancelled`, `timed_out`, `failed`.
    #[param(example = "in_progress")]
    status: Option<String>,
    /// The step that is next, or at which it ended: `login`, `tasks`, `accounts`, `confirm`, `authorize`. Goes
    /// with the status `in_progress`, `cancelled`, `timed_out` or `failed`.
    #[param(example = "accounts")]
    stage: Option<String>,
    /// That began at this time or later (RFC 3339).
    began_from: Option<String>,
    /// That began before this time.
    began_to: Option<String>,
}

/// Takes the filters out of a query.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn take(bank: &BankCode, parameters: &mut Parameters) -> Result<JourneySearch, Problem> {
    let invalid = Problem::invalid_parameter;
    let journey = parameters
        .take("journey")
        .map(JourneyId::parse)
        .transpose()
        .map_err(|_| invalid("journey is no journey's id."))?
        .map(OneJourney::Id);
    let pushed = parameters
        .take("request_uri")
        .map(|uri| OneJourney::RequestUri(sha256(uri.as_bytes())));
    let one = match (journey, pushed) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "journey and request_uri are two names of one thing.",
            ));
        }
        (one, None) | (None, one) => one,
    };
    let partner = parameters
        .take("partner")
        .map(PartnerId::parse)
        .transpose()
        .map_err(|_| invalid("partner is no partner's id."))?;
    let status = match parameters.take("status") {
        None => None,
        Some(name) => Some(JourneyStatus::find(&name).ok_or(invalid(
            "status is in_progress, authorized, declined, cancelled, timed_out or failed.",
        ))?),
    };
    let stage = match parameters.take("stage") {
        None => None,
        Some(name) => Some(
            STAGES
                .into_iter()
                .find(|step| stage_name(*step) == name)
                .ok_or(invalid(
                    "stage is login, tasks, accounts, confirm or authorize.",
                ))?,
        ),
    };
    if stage.is_some() && !status.is_some_and(JourneyStatus::has_stage) {
        return Err(invalid(
            "stage goes with the status in_progress, cancelled, timed_out or failed.",
        ));
    }
    Ok(JourneySearch {
        bank: bank.clone(),
        one,
        partner,
        status,
        stage,
        began: span(parameters, "began_from", "began_to")?,
    })
}
