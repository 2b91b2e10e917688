//! Bulk revocations as operators order them: each step is recorded before it is taken.

use consent_domain::consent::{RevocationReason, RevokedBy};
use serde_json::json;
use uuid::Uuid;

use super::{BulkError, BulkRevocation, Filter, Request, Step};
use crate::{
    app::App,
    operator::{Act, AtBank, Subject},
    operator_orders::{NotPerformed, OrderKey},
    problem::{Problem, problem},
};

/// The subject's kind in the record of acts.
pub const SUBJECT: &str = "bulk_revocation";

impl Problem {
    /// It would mean every consent of the bank.
    pub(crate) const EMPTY_FILTER: Self = problem(
        400,
        "empty_filter",
        "Filter is empty",
        "Name at least one of partner, client, contract, account, began_from, began_before and status. For \
         all of a bank's consents: began_before, with the present time.",
    );
    /// The same request is under way.
    pub(crate) const BEING_PREPARED: Self = problem(
        409,
        "being_prepared",
        "Being prepared",
        "The consents are being written down at this moment. Repeat the request.",
    )
    .retrying_after(2);
    /// It does not stand where this step begins.
    pub(crate) const WRONG_STATE: Self = problem(
        409,
        "wrong_state",
        "Not possible in this state",
        "Read the bulk revocation: its state does not allow this step.",
    );
    /// Four eyes.
    pub(crate) const NEEDS_APPROVAL: Self = problem(
        409,
        "needs_approval",
        "Needs a second person's approval",
        "The bank asks for the approval of an operator other than the one who asked for the bulk revocation.",
    );
    /// Two of the four eyes are the same.
    pub(crate) const SAME_PERSON: Self = problem(
        403,
        "same_person",
        "A second person has to approve",
        "Whoever asked for a bulk revocation can't approve it.",
    );
    /// Something else was seen.
    pub(crate) const DIGEST_DIFFERS: Self = problem(
        409,
        "digest_differs",
        "Not what was previewed",
        "Send the digest of the bulk revocation as you saw it.",
    );
    /// Too late.
    pub(crate) const PREVIEW_EXPIRED: Self = problem(
        409,
        "expired",
        "Preview or approval expired",
        "A preview may be approved, and an approval used, for a day. Ask for a new bulk revocation.",
    );
}

impl From<BulkError> for NotPerformed {
    fn from(error: BulkError) -> Self {
        Self::refused(match error {
            BulkError::UnknownBank | BulkError::Unknown => Problem::NOTHING_HERE,
            BulkError::EmptyFilter => Problem::EMPTY_FILTER,
            BulkError::KeyReused => Problem::KEY_REUSED,
            BulkError::BeingPrepared => Problem::BEING_PREPARED,
            BulkError::WrongState(_) => Problem::WRONG_STATE,
            BulkError::NeedsApproval => Problem::NEEDS_APPROVAL,
            BulkError::SamePerson => Problem::SAME_PERSON,
            BulkError::DigestDiffers => Problem::DIGEST_DIFFERS,
            BulkError::Expired => Problem::PREVIEW_EXPIRED,
            BulkError::Store(error) => return Self::failed(&error),
        })
    }
}

impl From<BulkError> for Problem {
    fn from(error: BulkError) -> Self {
        NotPerformed::from(error).problem
    }
}

impl Step {
    fn code(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve_bulk_revocation",
            Self::Start => "start_bulk_revocation",
            Self::Pause => "pause_bulk_revocation",
            Self::Resume => "resume_bulk_revocation",
            Self::Cancel => "cancel_bulk_revocation",
        }
    }
}

impl AtBank {
    /// Asks for a bulk revocation and freezes what it means; nothing is revoked yet.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn request_bulk_revocation(
        &self,
        app: &App,
        key: &OrderKey,
        filter: Filter,
        (reason, by): (RevocationReason, RevokedBy),
    ) -> Result<BulkRevocation, Problem> {
        let act = Act {
            code: "request_bulk_revocation",
            subject: Subject::of_kind(SUBJECT),
            detail: json!({ "filter": filter, "reason": reason.as_str(), "for": by.as_str() }),
        };
        let request = Request {
            bank: self.bank.clone(),
            filter,
            reason,
            by,
            operator: self.who.operator.id.to_string(),
            key: key.as_str().to_owned(),
        };
        self.recorded(app, act, async {
            let it = super::request(&app.pool, &request).await?;
            let detail = json!({ "bulk_id": it.bulk_id, "items": it.item_count });
            Ok((it, detail))
        })
        .await
    }

    /// Takes a step with one.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn step_bulk_revocation(
        &self,
        app: &App,
        id: Uuid,
        step: Step,
    ) -> Result<BulkRevocation, Problem> {
        let act = Act::on(step.code(), Subject::new(SUBJECT, id.to_string()));
        let operator = self.who.operator.id.as_str();
        self.recorded(app, act, async {
            let it = super::take(&app.pool, &self.bank, id, operator, &step).await?;
            let detail = json!({ "digest": it.digest(), "state": it.state.as_str() });
            Ok((it, detail))
        })
        .await
    }
}
