//! What a bank or an operator did that stands against a journey under way.

use consent_domain::{UserId, contract::Contract, journey::FailureCode, standing::Standing};
use sqlx::{Row as _, postgres::PgRow};

/// What stands against going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// It will not pass: the journey ends.
    Ends(FailureCode),
    /// The partner at the bank, or the bank, is suspended; the journey waits until that is lifted or its
    /// time is over. (Of a suspended contract a linkage may be made; it can't be read.)
    Pauses,
}

impl Hindrance {
    /// Of the row that a visit reads: the words of the partner at the bank, of the bank, and of the
    /// contract that logged in, where one did.
    pub(super) fn of_row(row: &PgRow) -> Result<Option<Self>, sqlx::Error> {
        let standing = |column: &str| {
            let word: Option<&str> = row.try_get(column)?;
            Ok::<_, sqlx::Error>(word.and_then(Standing::find))
        };
        let contract = standing("contract_standing")?;
        let partner = standing("partner_standing")?;
        let bank = standing("bank_standing")?;
        let user_removed: bool = row.try_get("user_removed")?;
        Ok(if contract == Some(Standing::Ended) {
            Some(Self::Ends(FailureCode::ContractClosed))
        } else if user_removed {
            Some(Self::Ends(FailureCode::UserRemoved))
        } else if [partner, bank].contains(&Some(Standing::Suspended)) {
            Some(Self::Pauses)
        } else {
            None
        })
    }
}

/// Why nothing may rest on a login of that user, if there is something.
pub(super) fn of_contract(contract: &Contract, user: &UserId) -> Option<FailureCode> {
    if contract.is_closed() {
        Some(FailureCode::ContractClosed)
    } else if contract.is_user_removed(user) {
        Some(FailureCode::UserRemoved)
    } else {
        None
    }
}
