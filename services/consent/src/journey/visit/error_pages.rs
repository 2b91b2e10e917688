//! The error pages of a journey: they tell what is proven of the visit, and lead back where that helps.

use consent_domain::journey::FailureCode;

use super::Visit;
use crate::{
    journey::respond::{Known, PageError, partner_name},
    pages::{ErrorKind, ErrorPlace},
    protocol::authorization_response::{AuthorizationError, error_url},
};

impl Visit {
    pub(in super::super) fn known(&self) -> Known {
        Known {
            locale: self.locale,
            bank: Some(self.pages.clone()),
            address: self.address.clone(),
            partner: Some(partner_name(&self.partner)),
            inquiry_number: self.context.inquiry_number(),
            partner_url: None,
            login_url: None,
            place: ErrorPlace::Journey,
        }
    }

    /// The error page, with everything that is proven of this visit.
    pub(in super::super) fn error(&self, kind: impl Into<ErrorKind>) -> PageError {
        let kind = kind.into();
        let mut known = self.known();
        known.partner_url = match kind {
            ErrorKind::BankClosed { .. }
            | ErrorKind::BankMaintenance { .. }
            | ErrorKind::BankUnavailable
            | ErrorKind::LinkingPaused => {
                self.partner_error_url(AuthorizationError::TemporarilyUnavailable)
            }
            ErrorKind::JourneyTimedOut | ErrorKind::NoAccount | ErrorKind::LoginNotEntitled => {
                self.partner_error_url(AuthorizationError::AccessDenied)
            }
            ErrorKind::LinkageNotAvailable => {
                self.partner_error_url(AuthorizationError::InvalidGrantId)
            }
            _ => None,
        };
        known.error(&self.app, kind)
    }

    /// The error page with a way back to step 2.
    pub(in super::super) fn error_with_login(
        &self,
        kind: ErrorKind,
        login_url: String,
    ) -> PageError {
        let mut known = self.known();
        known.login_url = Some(login_url);
        known.error(&self.app, kind)
    }

    /// The registered redirect URI with an error.
    pub(in super::super) fn partner_error_url(&self, error: AuthorizationError) -> Option<String> {
        let description = match error {
            AuthorizationError::AccessDenied => "the customer did not allow access",
            AuthorizationError::TemporarilyUnavailable => "the bank is closed or unavailable",
            AuthorizationError::InvalidGrantId => "the customer has no such grant",
            _ => "the journey could not go on",
        };
        let uri = self.parameters.find("redirect_uri")?;
        let issuer = self.app.issuer(&self.bank);
        Some(error_url(
            uri,
            error,
            description,
            self.parameters.find("state"),
            &issuer,
        ))
    }
}

/// The page of a journey that could not go on, however often it is opened again.
pub(in super::super) fn failed_page(code: FailureCode) -> ErrorKind {
    match code {
        FailureCode::GrantUnavailable => ErrorKind::LinkageNotAvailable,
        FailureCode::PartnerDisabled => ErrorKind::PartnerNotAvailable,
        FailureCode::ContractClosed | FailureCode::UserRemoved => ErrorKind::LoginNotEntitled,
        FailureCode::LoginRefused
        | FailureCode::BankClosed
        | FailureCode::BankUnavailable
        | FailureCode::TooManyRevisions => ErrorKind::JourneyEnded,
    }
}
