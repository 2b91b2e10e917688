//! What the paths of the operators' API name. An id that can't be one names nothing here.

use consent_domain::{ContractId, GrantId, PartnerId};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::problem::Problem;

/// The bank and what is named at it.
pub(super) type AtBankPath = actix_web::web::Path<(String, String)>;

/// Which consent of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct ConsentPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The consent.
    grant: String,
}

/// Which contract of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct ContractPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The contract (団体), by the bank's id.
    contract: String,
}

/// Which partner at which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PartnerPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The partner.
    partner: String,
}

/// Which bulk revocation of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct BulkPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The bulk revocation.
    bulk: Uuid,
}

/// Which partner.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PlatformPartnerPath {
    /// The partner.
    partner: String,
}

/// Which key of which partner.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PartnerKeyPath {
    /// The partner.
    partner: String,
    /// The key.
    kid: String,
}

pub(super) fn grant(text: &str) -> Result<GrantId, Problem> {
    GrantId::parse(text).map_err(|_| Problem::NOTHING_HERE)
}

pub(super) fn contract(text: &str) -> Result<ContractId, Problem> {
    ContractId::parse(text).map_err(|_| Problem::NOTHING_HERE)
}

pub(super) fn partner(text: &str) -> Result<PartnerId, Problem> {
    PartnerId::parse(text).map_err(|_| Problem::NOTHING_HERE)
}

pub(super) fn bulk(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| Problem::NOTHING_HERE)
}
